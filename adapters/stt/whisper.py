"""Whisper through faster-whisper, on a window as short as what was said.

Whisper's encoder always works on 30 s; CTranslate2 takes fewer frames, and the encoder's cost falls with
them. So the features of the utterance are laid in a window of their length plus padding, decoded with
timestamps, and judged:

    pcm -> pieces (<= 28 s, cut where it is quietest) -> log-mel -> short window -> text -> sound?
                                                              no: once more, plain 30 s window <-+

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
PADDING_FRAMES = 200
STEP_FRAMES = 50

PIECE_SAMPLES = 28 * EAR_RATE_HZ  # with its padding it still fits the full window
CUT_SAMPLES = 8 * EAR_RATE_HZ  # a piece may end this much earlier, at a pause: people breathe more often
PAUSE_SAMPLES = EAR_RATE_HZ // 5  # a pause between words; a stop consonant is silent for half of it
LEAST_SAMPLES = EAR_RATE_HZ // 10  # less holds no word, and the features need 15 ms

TOKENS_PER_S = 8
TOKENS_SPARE = 8
TOKENS_MAX = 448  # of Whisper, with its prompt
COMPRESSION_MAX = 2.4  # this and the next two are Whisper's own thresholds
LOGPROB_MIN = -1.0
NO_SPEECH_MAX = 0.6
PROVISIONAL_TOKENS = 120  # of a provisional answer, about 30 s of fast speech: it must never hold up the next

FILES = ("model.bin", "config.json", "tokenizer.json")
WARM_UP_SECONDS = (1, 6)


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model: str = "whisper-base"
    """Name in the catalogue of weights."""
    model_path: Path | None = None
    """Folder of a model converted to CTranslate2; instead of `model`."""
    language: str = "en"
    beam: int = Field(default=1, ge=1, le=10)
    threads: int = Field(default=2, ge=1, le=64)
    window: Literal["short", "full"] = "short"
    compute_type: str = "int8"


@dataclass(frozen=True, slots=True)
class Decoded:
    """One answer of the decoder, and what speaks for it."""

    text: str
    tokens: int
    token_limit: int
    logprob: float  # mean of its tokens
    no_speech: float  # probability that there was none


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
    """Noise or silence that the decoder made words of."""
    return decoded.no_speech > NO_SPEECH_MAX and decoded.logprob < LOGPROB_MIN


def believable(decoded: Decoded) -> bool:
    """Neither cut off at its bound, nor repeating itself, nor improbable."""
    written = decoded.text.encode()
    compression = len(written) / len(zlib.compress(written))
    bounded = decoded.tokens < decoded.token_limit
    return bounded and compression <= COMPRESSION_MAX and decoded.logprob >= LOGPROB_MIN


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
    energy = np.cumsum(np.square(pcm[start:end], dtype=np.float64))
    energy = np.concatenate([[0.0], energy])
    return start + int(np.argmin(energy[PAUSE_SAMPLES:] - energy[:-PAUSE_SAMPLES])) + PAUSE_SAMPLES // 2


class WhisperStt:
    Options = Options

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
            unit_samples=EAR_RATE_HZ // 1000,
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
        clock = self._context.clock
        noise = np.random.default_rng(0).standard_normal(WARM_UP_SECONDS[-1] * EAR_RATE_HZ) * 1e-3
        self._decode(noise[:EAR_RATE_HZ].astype(np.float32), False)  # the first call loads and allocates
        spent_ns = []
        for seconds in WARM_UP_SECONDS:
            before_ns = clock.now_ns()
            self._decode(noise[: seconds * EAR_RATE_HZ].astype(np.float32), False)
            spent_ns.append(clock.now_ns() - before_ns)
        short_ms, long_ms = (1000 * seconds for seconds in WARM_UP_SECONDS)
        unit_ns = max(0, spent_ns[1] - spent_ns[0]) // (long_ms - short_ms)
        self._cost = Cost(
            load_ns=self._load_ns, call_ns=max(0, spent_ns[0] - unit_ns * short_ms), unit_ns=unit_ns
        )

    def transcribe(self, pcm: Float32, provisional: bool) -> Transcript:
        try:
            if self.options.window == "full":
                return Transcript(self._plain(pcm, provisional), full_window=True)
            parts = [self._piece(piece, provisional) for piece in pieces(pcm)]
        except RuntimeError as error:
            raise AdapterError("crashed", f"stt.whisper failed: {error}", retryable=True) from error
        text = " ".join(part.text for part in parts if part.text)
        return Transcript(text, full_window=any(part.full_window for part in parts))

    def close(self) -> None:
        self._model = None

    def _piece(self, pcm: Float32, provisional: bool) -> Transcript:
        if pcm.size < LEAST_SAMPLES or not pcm.any():
            return Transcript("")
        decoded = self._decode(pcm, provisional)
        if nobody_spoke(decoded):
            return Transcript("")
        if believable(decoded):
            return Transcript(decoded.text)
        return Transcript("") if provisional else Transcript(self._plain(pcm, False), full_window=True)

    def _decode(self, pcm: Float32, provisional: bool) -> Decoded:
        """One pass of encoder and decoder on the short window."""
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_suppressed_tokens

        model = self.model
        features = model.feature_extractor(pcm)
        frames = features.shape[1]
        window = np.full((features.shape[0], window_frames(frames)), features.min(), np.float32)
        window[:, :frames] = features
        tokenizer = Tokenizer(
            model.hf_tokenizer, model.model.is_multilingual, "transcribe", self.options.language
        )
        prompt = model.get_prompt(tokenizer, [], without_timestamps=False)
        limit = min(token_limit(frames, provisional), TOKENS_MAX - len(prompt))
        answer = model.model.generate(
            model.encode(window),
            [prompt],
            beam_size=1 if provisional else self.options.beam,
            max_length=len(prompt) + limit,
            suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        ids = answer.sequences_ids[0]
        logprob = answer.scores[0] * len(ids) / (len(ids) + 1)  # the score leaves the end's token out
        return Decoded(tokenizer.decode(ids).strip(), len(ids), limit, logprob, answer.no_speech_prob)

    def _plain(self, pcm: Float32, provisional: bool) -> str:
        """faster-whisper's own way, at temperature zero."""
        if pcm.size < LEAST_SAMPLES:
            return ""
        segments, _ = self.model.transcribe(
            pcm,
            language=self.options.language,
            beam_size=1 if provisional else self.options.beam,
            temperature=0.0,
            condition_on_previous_text=False,
        )
        return " ".join(segment.text.strip() for segment in segments)

    def _load(self) -> Any:
        try:
            from ctranslate2 import get_supported_compute_types
            from faster_whisper import WhisperModel
        except ImportError as error:
            cure = "pip install 'duckbill[whisper]'"
            raise AdapterError("missing", f"stt.whisper needs faster-whisper: {cure}") from error
        options = self.options
        if options.compute_type not in get_supported_compute_types("cpu"):
            known = ", ".join(sorted(get_supported_compute_types("cpu")))
            line = f"stt.whisper.compute_type is {options.compute_type!r}; this processor can do {known}"
            raise AdapterError("unsupported", line)
        folder = self._folder()
        try:
            model = WhisperModel(
                str(folder),
                device="cpu",
                compute_type=options.compute_type,
                cpu_threads=options.threads,
                local_files_only=True,
            )
        except Exception as error:  # tokenizers raises plain Exception
            cure = "fetch it again or set stt.whisper.model_path"
            line = f"{folder} holds no Whisper model that loads ({error}); {cure}"
            raise AdapterError("corrupt", line) from error
        if options.language not in model.supported_languages:
            known = ", ".join(model.supported_languages)
            line = f"stt.whisper.language is {options.language!r}; this model knows {known}"
            raise AdapterError("unsupported", line)
        return model

    def _folder(self) -> Path:
        """Where the model lies, all of it; its digest is taken on the way."""
        options = self.options
        folder = options.model_path or self._context.weights.locate(options.model)
        for name in FILES:
            if not (folder / name).is_file():
                line = f"{folder} has no {name}; set stt.whisper.model_path to a CTranslate2 Whisper folder"
                raise AdapterError("missing", line)
        if options.model_path is None:
            self._sha256 = self._context.weights.sha256(options.model)
        else:
            with (folder / "model.bin").open("rb") as file:
                self._sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return folder
