"""Whisper through faster-whisper, on a window as short as what was said.

Whisper's encoder always works on 30 s; CTranslate2 takes fewer frames, and the encoder's cost falls with
them. So the features of the utterance are laid in a window of their length plus padding, decoded with
timestamps, and judged:

    pcm -> pieces (<= 28 s, cut where it is quietest) -> log-mel -> short window -> text -> believable?
        ^-- the rest, where the text ends early                plain 30 s window, once more <-- no

Rules. A text that ran into its bound, repeats itself or is improbable is not believed: a final answer
is decoded once more on faster-whisper's plain path (`full_window`), a provisional one is dropped.
Temperature is zero everywhere: same audio, same words. Nothing is fetched: a folder without its files
is an error before the loader could look for them elsewhere. Features: 100 frames a second.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from adapters.base import EAR_RATE_HZ, AdapterError, Capability, Cost, Transcript
from stitcher.pcm import Float32

if TYPE_CHECKING:
    from adapters.registry import Context

FRAMES_PER_S = 100
FULL_FRAMES = 3000  # what Whisper was trained on
# Word error rate of base, int8, beam 1, without the guard: 144 clips of 48 sentences, 1.0 to 11.6 s, 1,719
# words, with names and digits; eSpeak in four voices and three rates, Piper joe at three paces, clean and
# with noise at 20 to 8 dB. In brackets the clips that ran on by three words or more. The window's rest is
# silence, or zeros as in faster-whisper. Times are of two busy cores.
#   padding, steps   timestamps: silence  zeros      none: zeros   encoder + decoder
#   full window                           6.6 % (2)   6.9 % (2)      442 + 165 ms
#   3 s, 0.5 s         6.8 % (0)                                      63 + 155
#   2 s, 0.1 s         6.9 % (0)                                      63 + 160
#   2 s, 0.5 s         7.0 % (0)          8.9 % (2)  20.1 % (18)      46 + 132
#   1.5 s, 0.5 s       8.3 % (1)                     26.8 % (26)      48 + 153
#   1 s, 0.5 s        10.4 % (4)                     28.3 % (26)      47 + 152
#   0.5 s, 0.5 s      18.3 % (13)                    35.1 % (33)      39 + 157
# Timestamps say where the speech ends, silence that no more comes. With 2 s of it 16 clips came out better
# than on the full window and 19 worse; less runs on. With the guard: 7.3 %, three clips decoded again.
PADDING_FRAMES, STEP_FRAMES = 200, 50

PIECE_SAMPLES = 28 * EAR_RATE_HZ  # with its padding it still fits the full window
CUT_SAMPLES = 8 * EAR_RATE_HZ  # a piece may end this much earlier, at a pause: people breathe more often
PAUSE_SAMPLES = EAR_RATE_HZ // 5  # a pause between words; a stop consonant is silent for half of it
REST_SAMPLES = EAR_RATE_HZ  # less after the last word is its end and the endpointer's silence
TIMESTAMP_SAMPLES = EAR_RATE_HZ // 50  # what Whisper counts time in
LEAST_SAMPLES = EAR_RATE_HZ // 10  # less holds no word, and the features need 15 ms

TOKENS_PER_S, TOKENS_SPARE = 8, 8  # the clips had at most 8 and 4.1 a second; what ran on had 7 and more
TOKENS_MAX = 448  # of Whisper, with its prompt
COMPRESSION_MAX = 2.4  # this and the next are Whisper's own thresholds
LOGPROB_MIN = -1.0
# White and brown noise, hum and clicks (72 clips) had a no-speech probability of 0.51 or more and were
# taken for words at -0.84 or less; of the clips above, speech with such a probability stayed above -1.1.
NO_SPEECH_MAX = 0.5
LOGPROB_DOUBTFUL = -0.7  # where silence is likely, words must be likelier than LOGPROB_MIN
LOGPROB_NOBODY = -1.2  # and below this, nothing more is tried
PROVISIONAL_TOKENS = 120  # of a provisional answer: 1 s to decode on two cores, 14 s of fast speech

FILES = ("model.bin", "config.json", "tokenizer.json")
MS_SAMPLES = EAR_RATE_HZ // 1000
WARM_UP_SHORT_MS, WARM_UP_LONG_MS = 1000, 6000


@dataclass(frozen=True, slots=True)
class Decoded:
    """One answer of the decoder, and what speaks for it."""

    text: str
    tokens: int
    token_limit: int
    logprob: float  # mean of its tokens
    no_speech: float  # probability that there was none
    end_samples: int  # where the last word ended


def window_frames(spoken_frames: int) -> int:
    """The shortest window that keeps the words, in frames: see PADDING_FRAMES."""
    padded = spoken_frames + PADDING_FRAMES
    stepped = -(-padded // STEP_FRAMES) * STEP_FRAMES
    return min(FULL_FRAMES, stepped)


def token_limit(spoken_frames: int, provisional: bool) -> int:
    """How many tokens so much speech can have; more is running on."""
    limit = TOKENS_SPARE + TOKENS_PER_S * spoken_frames // FRAMES_PER_S
    return min(limit, PROVISIONAL_TOKENS) if provisional else limit


def nobody_spoke(decoded: Decoded) -> bool:
    """Noise that the decoder made words of."""
    return decoded.no_speech > NO_SPEECH_MAX and decoded.logprob < LOGPROB_NOBODY


def believable(decoded: Decoded) -> bool:
    """Neither cut off at its bound, nor repeating itself, nor improbable."""
    written = decoded.text.encode()
    repeats = len(written) > COMPRESSION_MAX * len(zlib.compress(written))
    least = LOGPROB_DOUBTFUL if decoded.no_speech > NO_SPEECH_MAX else LOGPROB_MIN
    return decoded.tokens < decoded.token_limit and not repeats and decoded.logprob >= least


def pieces(pcm: Float32) -> list[Float32]:
    """The audio in pieces of at most PIECE_SAMPLES, cut at pauses; together they are all of it. Where a
    piece ends depends on what lies before, so more audio at the end moves no earlier cut."""
    cuts = [0]
    while pcm.size - cuts[-1] > PIECE_SAMPLES:
        latest = cuts[-1] + PIECE_SAMPLES
        cuts.append(_quietest(pcm, latest - CUT_SAMPLES, latest))
    return [pcm[start:end] for start, end in pairwise([*cuts, pcm.size])]


def _quietest(pcm: Float32, start: int, end: int) -> int:
    """Middle of the quietest pause of pcm[start:end]."""
    energy = np.cumsum(np.square(np.pad(pcm[start:end], (1, 0)), dtype=np.float64))
    return start + int(np.argmin(energy[PAUSE_SAMPLES:] - energy[:-PAUSE_SAMPLES])) + PAUSE_SAMPLES // 2


def _joined(texts: list[str]) -> str:
    return " ".join(text for text in texts if text)


class WhisperStt:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid", protected_namespaces=())

        model: str = "whisper-base"  # name in the catalogue of weights
        model_path: Path | None = None  # instead of `model`: a folder converted to CTranslate2
        language: str = "en"
        beam: int = Field(default=1, ge=1, le=10)
        threads: int = Field(default=2, ge=1, le=64)
        window: Literal["short", "full"] = "short"
        compute_type: Literal["int8", "int8_float32", "float32"] = "int8"

    def __init__(self, options: Options, context: Context) -> None:
        self.options = options
        self._context = context
        self._model: Any = None
        self._sha256 = ""
        self._load_ns = 0
        self._cost: Cost | None = None

    def describe(self) -> Capability:
        return Capability(
            name="whisper",
            version=version("faster-whisper"),
            role="stt",
            unit="ms",
            unit_samples=MS_SAMPLES,
            rate_hz=EAR_RATE_HZ,
            deterministic=True,
            cost=self._cost,
            weights_sha256=self._sha256,
        )

    @property
    def model(self) -> Any:
        """faster-whisper's WhisperModel, loaded when first asked for. Raises AdapterError."""
        if self._model is None:
            before_ns = self._context.clock.now_ns()
            self._model = self._load()
            self._load_ns = self._context.clock.now_ns() - before_ns
        return self._model

    def warm_up(self) -> None:
        """Load, and measure what a call costs and a millisecond of audio adds, on faint noise."""
        long = np.random.default_rng(0).standard_normal(WARM_UP_LONG_MS * MS_SAMPLES, np.float32) * 1e-3
        short = long[: WARM_UP_SHORT_MS * MS_SAMPLES]
        self._decode(short, False)  # the first call loads and allocates
        short_ns, long_ns = (self._timed(pcm) for pcm in (short, long))
        unit_ns = max(0, long_ns - short_ns) // (WARM_UP_LONG_MS - WARM_UP_SHORT_MS)
        call_ns = max(0, short_ns - unit_ns * WARM_UP_SHORT_MS)
        self._cost = Cost(load_ns=self._load_ns, call_ns=call_ns, unit_ns=unit_ns)

    def _timed(self, pcm: Float32) -> int:
        before_ns = self._context.clock.now_ns()
        self._decode(pcm, False)
        return self._context.clock.now_ns() - before_ns

    def transcribe(self, pcm: Float32, provisional: bool) -> Transcript:
        try:
            if self.options.window == "full" and pcm.size >= LEAST_SAMPLES:
                return Transcript(self._plain(pcm, provisional), full_window=True)
            parts = [self._piece(piece, provisional) for piece in pieces(pcm)]
        except RuntimeError as error:
            raise AdapterError("crashed", f"stt.whisper failed: {error}", retryable=True) from error
        return Transcript(_joined([part.text for part in parts]), any(part.full_window for part in parts))

    def close(self) -> None:
        self._model = None

    def _piece(self, pcm: Float32, provisional: bool) -> Transcript:
        """Decode until the end is reached: like faster-whisper, go on where the last word ended."""
        texts: list[str] = []
        while pcm.size >= LEAST_SAMPLES and pcm.any():
            decoded = self._decode(pcm, provisional)
            if nobody_spoke(decoded):
                break
            if not believable(decoded):
                if provisional:
                    break
                return Transcript(_joined([*texts, self._plain(pcm, False)]), full_window=True)
            texts.append(decoded.text)
            if pcm.size - decoded.end_samples <= REST_SAMPLES:
                break
            pcm = pcm[max(decoded.end_samples, REST_SAMPLES) :]
        return Transcript(_joined(texts))

    def _decode(self, pcm: Float32, provisional: bool) -> Decoded:
        """One pass of encoder and decoder on the short window."""
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_suppressed_tokens

        model, options = self.model, self.options
        features = model.feature_extractor(pcm)
        frames = features.shape[1]
        # Its least value is what silence gives: Whisper's features reach eight decades below their peak.
        window = np.full((features.shape[0], window_frames(frames)), features.min(), np.float32)
        window[:, :frames] = features
        multilingual = model.model.is_multilingual
        tokenizer = Tokenizer(model.hf_tokenizer, multilingual, "transcribe", options.language)
        prompt = model.get_prompt(tokenizer, [], without_timestamps=False)
        limit = min(token_limit(frames, provisional), TOKENS_MAX - len(prompt))
        answer = model.model.generate(
            model.encode(window),
            [prompt],
            beam_size=1 if provisional else options.beam,
            max_length=len(prompt) + limit,
            suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        ids = answer.sequences_ids[0]
        logprob = answer.scores[0] * len(ids) / (len(ids) + 1)  # the score leaves the end's token out
        text, end = tokenizer.decode(ids).strip(), (ids[-1] if ids else 0) - tokenizer.timestamp_begin
        end_samples = pcm.size if end < 0 else min(pcm.size, end * TIMESTAMP_SAMPLES)
        return Decoded(text, len(ids), limit, logprob, answer.no_speech_prob, end_samples)

    def _plain(self, pcm: Float32, provisional: bool) -> str:
        """faster-whisper's own way, at temperature zero."""
        segments, _ = self.model.transcribe(
            pcm,
            language=self.options.language,
            beam_size=1 if provisional else self.options.beam,
            temperature=0.0,
            no_speech_threshold=NO_SPEECH_MAX,
            condition_on_previous_text=False,
        )
        # It drops improbable noise by itself, but not noise that sent it round in a circle.
        return " ".join(
            segment.text.strip()
            for segment in segments
            if segment.compression_ratio <= COMPRESSION_MAX or segment.no_speech_prob <= NO_SPEECH_MAX
        )

    def _load(self) -> Any:
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            line = "stt.whisper needs faster-whisper: pip install 'duckbill[whisper]'"
            raise AdapterError("missing", line) from error
        options = self.options
        folder = self._folder()
        settings = {"compute_type": options.compute_type, "cpu_threads": options.threads}
        try:
            model = WhisperModel(str(folder), device="cpu", local_files_only=True, **settings)
        except Exception as error:  # tokenizers raises plain Exception
            cure = "fetch it again or set stt.whisper.model_path"
            raise AdapterError("corrupt", f"{folder} holds no Whisper model ({error}); {cure}") from error
        if options.language not in model.supported_languages:
            known = ", ".join(model.supported_languages)
            line = f"stt.whisper.language is {options.language!r}; this model knows {known}"
            raise AdapterError("unsupported", line)
        return model

    def _folder(self) -> Path:
        """Where the model lies, all of it; its digest is taken on the way."""
        folder: Path = self.options.model_path or self._context.weights.locate(self.options.model)
        for name in FILES:
            if not (folder / name).is_file():
                line = f"{folder} has no {name}; set stt.whisper.model_path to a CTranslate2 Whisper folder"
                raise AdapterError("missing", line)
        if self.options.model_path is None:
            self._sha256 = self._context.weights.sha256(self.options.model)
            return folder
        with (folder / "model.bin").open("rb") as file:
            self._sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return folder
