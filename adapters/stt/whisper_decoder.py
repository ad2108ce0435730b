"""From audio to words with a model that is in memory: on a short window, or on faster-whisper's plain path.

    pcm -> pieces (<= 28 s, cut where it is quietest) -> log-mel -> short window -> text -> believable? -> the text
        ^-- the rest, where the text ends early                plain 30 s window, once more <-- no    later: word times

Rules. A text that ran into its bound, repeats itself or may be of nothing but noise is not believed: a final answer is
decoded once more on the plain path (`full_window`), a provisional one is dropped, and so is an improbable one. A final
answer that is improbable is decoded once more with more silence behind it; the likelier text counts. A provisional one
of something short may lean on what is expected. Temperature is zero everywhere: same audio, same words. Word times are
of final answers only, and asked for once the text is there: they come from where the decoder looked while it wrote, so
a first word begins with the silence before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from adapters.base import EAR_RATE_HZ, Transcript
from adapters.stt import whisper_window as window
from adapters.stt.whisper_window import Decoded
from stitcher.pcm import Float32
from timeline.words import WordTime

OPENING, CLOSING = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
"""Punctuation that belongs to the word behind it, and to the word before it."""


Words = Callable[[], tuple[WordTime, ...]]


@dataclass(frozen=True, slots=True)
class Manner:
    """How it decodes."""

    language: str
    beam: int
    full_window: bool
    word_times: bool


class WhisperDecoder:
    """`model`: faster-whisper's WhisperModel."""

    def __init__(self, model: Any, manner: Manner) -> None:
        self.model = model
        self._manner = manner
        self._words: list[tuple[int, Words]] = []  # of the last final text: where a part begins, how to know

    def word_times(self) -> tuple[WordTime, ...]:
        """Of the last final text; once."""
        parts, self._words = self._words, []
        return tuple(_moved(word, start) for start, words in parts for word in words())

    def transcript(self, pcm: Float32, provisional: bool, expected: str = "") -> Transcript:
        self._words = []
        if provisional and expected and window.LEAST_SAMPLES <= pcm.size <= window.LEANING_MOST_SAMPLES and pcm.any():
            leaning = self.decode(pcm, provisional, expected, window.LEANING_PADDING_FRAMES)
            return Transcript(window.leaning(leaning))
        if self._manner.full_window:
            return self.plain(pcm, provisional) if pcm.size >= window.LEAST_SAMPLES else Transcript("", True)
        parts, start = [], 0
        for piece in window.pieces(pcm):
            parts += self._piece(piece, provisional, start)
            start += piece.size
        text = " ".join(part.text for part in parts if part.text)
        return Transcript(text, any(part.full_window for part in parts))

    def _piece(self, pcm: Float32, provisional: bool, begin: int) -> list[Transcript]:
        """Decode until the end is reached: like faster-whisper, go on where the last word ended. `begin`: of the piece,
        in all of the audio."""
        parts: list[Transcript] = []
        start = 0
        while pcm.size - start >= window.LEAST_SAMPLES and (rest := pcm[start:]).any():
            decoded = self._likeliest(rest, provisional)
            if window.nobody_spoke(decoded):
                break
            if not window.believable(decoded, provisional):
                if not provisional:
                    parts.append(self.plain(rest, False, begin + start))
                break
            parts.append(Transcript(decoded.text))
            self._words.append((begin + start, decoded.words))
            if rest.size - decoded.end_samples <= window.REST_SAMPLES:
                break
            start += max(decoded.end_samples, window.REST_SAMPLES)
        return parts

    def _likeliest(self, pcm: Float32, provisional: bool) -> Decoded:
        """Of what is believed, though it be improbable, and a second answer that is believed too."""
        decoded = self.decode(pcm, provisional)
        if provisional or not window.has_another(pcm.size) or not window.doubtful(decoded) or not _stands(decoded):
            return decoded
        again = self.decode(pcm, provisional, padding_frames=window.AGAIN_PADDING_FRAMES)
        return again if again.logprob > decoded.logprob and _stands(again) else decoded

    def decode(
        self, pcm: Float32, provisional: bool, expected: str = "", padding_frames: int = window.PADDING_FRAMES
    ) -> Decoded:
        """One pass of encoder and decoder on the short window. `expected`: taken for what was said just before."""
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_suppressed_tokens

        model, manner = self.model, self._manner
        features = model.feature_extractor(pcm)
        frames = features.shape[1]
        # Its least value is what silence gives: Whisper's features reach eight decades below their peak.
        padded = np.full((features.shape[0], window.window_frames(frames, padding_frames)), features.min(), np.float32)
        padded[:, :frames] = features
        tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, "transcribe", manner.language)
        before = tokenizer.encode(f" {expected}") if expected else []
        prompt = model.get_prompt(tokenizer, before, without_timestamps=False)
        prompt += [tokenizer.timestamp_begin] if expected else []  # it begins at 0 s, and nowhere else
        most = window.LEANING_TOKENS if expected else window.token_limit(frames, provisional)
        limit = min(most, window.TOKENS_MAX - len(prompt))
        encoded = model.encode(padded)
        answer = model.model.generate(
            encoded,
            [prompt],
            beam_size=1 if provisional else manner.beam,
            max_length=len(prompt) + limit,
            suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
            return_scores=True,
            return_no_speech_prob=not expected,  # nobody asks for it there, and it is a tenth of the time
        )[0]
        ids = answer.sequences_ids[0]
        logprob = answer.scores[0] * len(ids) / (len(ids) + 1)  # the score leaves the end's token out
        text, end = tokenizer.decode(ids).strip(), (ids[-1] if ids else 0) - tokenizer.timestamp_begin
        end_samples = pcm.size if end < 0 else min(pcm.size, end * window.TIMESTAMP_SAMPLES)
        decoded = Decoded(text, len(ids), limit, logprob, 0.0 if expected else answer.no_speech_prob, end_samples)
        if provisional or not manner.word_times:
            return decoded
        written = [token for token in ids if token < tokenizer.eot]
        later = partial(model.find_alignment, tokenizer, [written], encoded, frames)
        return replace(decoded, words=lambda: _aligned(later(), pcm.size))

    def plain(self, pcm: Float32, provisional: bool, begin: int = 0) -> Transcript:
        """faster-whisper's own way, at temperature zero; it gives the words with the text."""
        manner = self._manner
        segments, _ = self.model.transcribe(
            pcm,
            language=manner.language,
            beam_size=1 if provisional else manner.beam,
            temperature=0.0,
            no_speech_threshold=window.NO_SPEECH_MAX,
            condition_on_previous_text=False,
            word_timestamps=manner.word_times and not provisional,
        )
        # It drops improbable noise by itself, but not noise that sent it round in a circle.
        kept = [
            segment
            for segment in segments
            if segment.compression_ratio <= window.COMPRESSION_MAX or segment.no_speech_prob <= window.NO_SPEECH_MAX
        ]
        words = ((w.word, w.start, w.end, w.probability) for segment in kept for w in segment.words or ())
        timed = _timed(words, pcm.size)
        self._words.append((begin, lambda: timed))
        return Transcript(" ".join(segment.text.strip() for segment in kept), True)


def _stands(decoded: Decoded) -> bool:
    """As a final answer, without another look."""
    return window.believable(decoded, False) and not window.nobody_spoke(decoded)


def _aligned(alignments: list[list[dict[str, Any]]], samples: int) -> tuple[WordTime, ...]:
    """What find_alignment says of one text, punctuation put to its words."""
    from faster_whisper.transcribe import merge_punctuations

    words = alignments[0] if alignments else []
    merge_punctuations(words, OPENING, CLOSING)
    return _timed(((w["word"], w["start"], w["end"], w["probability"]) for w in words), samples)


def _timed(words: Iterable[tuple[str, float, float, float]], samples: int) -> tuple[WordTime, ...]:
    """(text, start, end in seconds, probability) -> words, none of them beyond the audio."""
    timed = []
    for text, start_s, end_s, probability in words:
        start, end = (min(samples, round(float(at_s) * EAR_RATE_HZ)) for at_s in (start_s, end_s))
        if text.strip():
            timed.append(WordTime(text.strip(), start, max(start, end), float(probability)))
    return tuple(timed)


def _moved(word: WordTime, samples: int) -> WordTime:
    """As part of something longer, in which it begins that much later."""
    return replace(word, start_sample=word.start_sample + samples, end_sample=word.end_sample + samples)
