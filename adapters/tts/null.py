"""The null engine: a tone instead of a voice, with costs and faults as options; always installed.

It speaks CHARS_PER_S characters a second, each word a short tone, the pitch from the seed. What it costs and how it
fails is the model of adapters.tts.trouble.
"""

from __future__ import annotations

import re

import numpy as np

from adapters.base import AdapterError, AudioChunk, Capability, Limits, Marker, Natural, Span
from adapters.registry import Context
from adapters.tts.trouble import Trouble, Troubled, TroubledSynthesis
from adapters.voice import PLAIN, Mapper, Projection, Voice

RATE_HZ = 24_000
UNIT_SAMPLES = 240  # 10 ms
CHARS_PER_S = 15.0
RUNGS = (8, 12, 16, 24, 32, 48, 64)
AMPLITUDE = 0.25
NATURAL = Natural(CHARS_PER_S, 0.0, -17.6)  # as measured: a tone a word, and a pitch from the seed is none of its own


class NullTts:
    Options = Trouble

    def __init__(self, options: Trouble, context: Context) -> None:
        self.clock = context.clock
        self._engine = Troubled(ToneTts(), options, context.clock)

    def describe(self) -> Capability:
        return self._engine.describe()

    def warm_up(self, voice: Voice = PLAIN) -> None:
        self._engine.warm_up(voice)

    def project(self, voice: Voice) -> Projection:
        return self._engine.project(voice)

    def open(self, span: Span) -> TroubledSynthesis:
        return self._engine.open(span)

    def close(self) -> None:
        self._engine.close()


class ToneTts:
    """The tone alone: it costs nothing and never fails."""

    def describe(self) -> Capability:
        return Capability(
            name="null", version="1", role="tts", streaming=True, unit="frames", unit_samples=UNIT_SAMPLES,
            granularity=RUNGS, voices=("tone",), supports_barge_in=True, supports_seed=True, deterministic=True,
            rate_hz=RATE_HZ, markers="measured", limits=Limits(),
            natural=NATURAL,
        )  # fmt: skip

    def warm_up(self, voice: Voice = PLAIN) -> None:
        pass

    def project(self, voice: Voice) -> Projection:
        mapper = Mapper(voice, "null")
        if mapper.cast not in ("", "tone"):
            raise AdapterError("missing", f"tts.voice {mapper.cast!r} is unknown to null; it has: tone")
        mapper.knob("voice", "tone", "timbre.names")
        mapper.knob("chars_per_s", CHARS_PER_S * voice.pace, "pace")
        return mapper.done()

    def open(self, span: Span) -> ToneSynthesis:
        return ToneSynthesis(span, self.project(span.voice).knobs["chars_per_s"])

    def close(self) -> None:
        pass


class ToneSynthesis:
    def __init__(self, span: Span, chars_per_s: float) -> None:
        self._pitch_hz = 110.0 + span.seed % 12 * 10
        per_char = RATE_HZ / chars_per_s
        self._words = [
            Marker(m.start(), m.end(), int(m.start() * per_char), int(m.end() * per_char))
            for m in re.finditer(r"\S+", span.text)
        ]
        self.units = max(1, -(-int(len(span.text) * per_char) // UNIT_SAMPLES))
        self._done = 0
        self._closed = False

    def pull(self, units: int, low_latency: bool) -> AudioChunk:
        if self._closed:
            return AudioChunk(np.zeros(0, np.float32), 0, (), True)
        count = min(units, self.units - self._done)
        start, end = self._done * UNIT_SAMPLES, (self._done + count) * UNIT_SAMPLES
        self._done += count
        marks = tuple(m for m in self._words if start <= m.start_sample < end)
        return AudioChunk(self._tone(start, end), count, marks, self._done >= self.units)

    def close(self) -> None:
        self._closed = True

    def _tone(self, start: int, end: int) -> np.ndarray:
        at = np.arange(start, end)
        tone = AMPLITUDE * np.sin(2 * np.pi * self._pitch_hz * at / RATE_HZ)
        gate = np.zeros(end - start, np.float32)
        for word in self._words:
            gate[max(0, word.start_sample - start) : max(0, word.end_sample - start)] = 1
        return (tone * gate).astype(np.float32)
