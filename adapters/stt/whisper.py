"""Whisper through faster-whisper, on a window as short as what was said, in memory as long as it is needed.

whisper_window    how short, and what is believed: numbers
whisper_decoder   audio -> words and their times, with a model
whisper_model     the model: found, loaded, replaced by a smaller one where memory runs out
resident          loaded when speech begins, let go of when nobody speaks for long, or memory runs short
"""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from adapters.base import EAR_RATE_HZ, AdapterError, Capability, Cost, Transcript
from adapters.stt.memory import available_bytes, out_of_memory
from adapters.stt.resident import Resident
from adapters.stt.whisper_decoder import Manner, WhisperDecoder
from adapters.stt.whisper_model import ModelOptions, WhisperLoader
from stitcher.pcm import Float32
from timeline.words import WordTime

if TYPE_CHECKING:
    from adapters.registry import Context

MS_SAMPLES = EAR_RATE_HZ // 1000
WARM_UP_SHORT_MS, WARM_UP_LONG_MS = 1000, 6000
BYTES_PER_MB = 1_000_000


class WhisperStt:
    ISOLATION = "process"  # native code of some size: what it dies of must not take the conversation along

    class Options(ModelOptions):
        beam: int = Field(default=1, ge=1, le=10)
        window: Literal["short", "full"] = "short"
        word_times: bool = True  # of final texts, after each; takes about a tenth as long as it
        idle_unload_s: float = Field(default=600, ge=0)  # unused so long it is let go of; 0: never
        spare_memory_mb: int = Field(default=200, ge=0)  # with less left, as much as base takes, it is too; 0: never

    def __init__(self, options: Options, context: Context) -> None:
        self.options = options
        self._clock = context.clock
        self._loader = WhisperLoader(options, context)
        self._resident = Resident(self._load, context.clock, options.idle_unload_s, self._memory_short)
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
            weights_sha256=self._loader.sha256,
        )

    @property
    def model(self) -> Any:
        """faster-whisper's WhisperModel, loaded when first asked for. Raises AdapterError."""
        with self._resident.use() as decoder:
            return decoder.model

    def warm_up(self) -> None:
        """Load, and measure what a call costs and a millisecond of audio adds, on faint noise."""
        long = np.random.default_rng(0).standard_normal(WARM_UP_LONG_MS * MS_SAMPLES, np.float32) * 1e-3
        short = long[: WARM_UP_SHORT_MS * MS_SAMPLES]
        with self._resident.use() as decoder:
            decoder.decode(short, False)  # the first call allocates
            short_ns, long_ns = (self._timed(decoder, pcm) for pcm in (short, long))
        unit_ns = max(0, long_ns - short_ns) // (WARM_UP_LONG_MS - WARM_UP_SHORT_MS)
        call_ns = max(0, short_ns - unit_ns * WARM_UP_SHORT_MS)
        self._cost = Cost(load_ns=self._resident.load_ns, call_ns=call_ns, unit_ns=unit_ns)

    def _timed(self, decoder: WhisperDecoder, pcm: Float32) -> int:
        before_ns = self._clock.now_ns()
        decoder.decode(pcm, False)
        return self._clock.now_ns() - before_ns

    def prepare(self) -> None:
        self._resident.prepare()

    def transcribe(self, pcm: Float32, provisional: bool, expected: str = "") -> Transcript:
        """What is no number counts as silence, what is beyond full scale as clipped."""
        pcm = np.clip(np.nan_to_num(pcm, nan=0.0), -1.0, 1.0)
        while True:  # each time with a smaller model, as often as there is one
            try:
                with self._resident.use() as decoder:
                    return replace(decoder.transcript(pcm, provisional, expected), notice=self._loader.notice)
            except (RuntimeError, MemoryError) as error:
                if not (out_of_memory(error) and self._loader.step_down()):
                    raise AdapterError("crashed", f"stt.whisper failed: {error}", retryable=True) from error
            self._resident.drop()

    def word_times(self) -> tuple[WordTime, ...]:
        """None where the model was let go of meanwhile: they are not worth a load."""
        if not self._resident.loaded:
            return ()
        with self._resident.use() as decoder:
            return decoder.word_times()

    def close(self) -> None:
        self._resident.drop()

    def _load(self) -> WhisperDecoder:
        options = self.options
        manner = Manner(options.language, options.beam, options.window == "full", options.word_times)
        return WhisperDecoder(self._loader.load(), manner)

    def _memory_short(self) -> bool:
        left = available_bytes()
        return left is not None and left < self.options.spare_memory_mb * BYTES_PER_MB
