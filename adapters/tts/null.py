"""The null engine: a tone instead of a voice, with costs and faults as options; always installed.

It speaks CHARS_PER_S characters a second, each word a short tone, the pitch from the seed. What it
costs is a model, `cost_ns`, waited out on the context's clock, so that under a virtual clock it takes
no time at all. Random draws come from the span's seed: the same span has the same faults.
"""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from adapters.base import AdapterError, AudioChunk, Capability, Cost, Limits, Marker, Span
from adapters.registry import Context
from timeline.clock import NS_PER_MS, NS_PER_S, Clock

RATE_HZ = 24_000
UNIT_SAMPLES = 240  # 10 ms
CHARS_PER_S = 15.0
RUNGS = (8, 12, 16, 24, 32, 48, 64)
AMPLITUDE = 0.25


class NullTts:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        open_ms: float = Field(0.0, ge=0)
        call_ms: float = Field(0.0, ge=0)
        rtf: float = Field(0.0, ge=0)
        jitter: float = Field(0.0, ge=0, description="standard deviation of the cost, as a share of it")
        stall_at: int = Field(-1, description="the pull of each span that takes stall_ms longer; -1: none")
        stall_ms: float = Field(0.0, ge=0)
        fail_at: int = Field(-1, description="the pull of each span that fails; -1: none")
        fail_kind: Literal["crashed", "stalled", "garbage"] = "crashed"
        fail_times: int = Field(1, ge=0, description="how often it fails before it works")
        short_by: int = Field(0, ge=0, description="units less than asked in every answer")
        markers: bool = True

    def __init__(self, options: Options, context: Context) -> None:
        self.options = options
        self.clock: Clock = context.clock

    def describe(self) -> Capability:
        o = self.options
        unit_ns = UNIT_SAMPLES * NS_PER_S // RATE_HZ
        cost = Cost(0, int(o.open_ms * NS_PER_MS), 0, int(o.call_ms * NS_PER_MS), int(o.rtf * unit_ns))
        return Capability(
            name="null", version="1", role="tts", streaming=True, unit="frames", unit_samples=UNIT_SAMPLES,
            granularity=RUNGS, voices=("tone",), supports_barge_in=True, supports_seed=True, deterministic=True,
            rate_hz=RATE_HZ, markers="measured" if o.markers else "none", limits=Limits(), cost=cost,
        )  # fmt: skip

    def warm_up(self) -> None:
        pass

    def open(self, span: Span) -> NullSynthesis:
        if span.voice.timbre not in ("", "tone"):
            raise AdapterError("missing", f"tts.voice {span.voice.timbre!r} is unknown to null; it has: tone")
        self.clock.sleep_until(self.clock.now_ns() + int(self.options.open_ms * NS_PER_MS))
        return NullSynthesis(self.options, self.clock, span)

    def close(self) -> None:
        pass


class NullSynthesis:
    def __init__(self, options: NullTts.Options, clock: Clock, span: Span) -> None:
        self._options = options
        self._clock = clock
        self._random = np.random.default_rng(span.seed)
        self._pitch_hz = 110.0 + span.seed % 12 * 10
        per_char = RATE_HZ / (CHARS_PER_S * span.voice.pace)
        self._words = [
            Marker(m.start(), m.end(), int(m.start() * per_char), int(m.end() * per_char))
            for m in re.finditer(r"\S+", span.text)
        ]
        self.units = max(1, -(-int(len(span.text) * per_char) // UNIT_SAMPLES))
        self._done = 0
        self._pulls = 0
        self._failures = 0

    def cost_ns(self, units: int) -> int:
        """What the next pull costs; draws from the seed."""
        o = self._options
        cost = o.call_ms * NS_PER_MS + o.rtf * units * UNIT_SAMPLES * NS_PER_S / RATE_HZ
        cost *= max(0.0, 1 + o.jitter * float(self._random.standard_normal()))
        if self._pulls == o.stall_at:
            cost += o.stall_ms * NS_PER_MS
        return int(cost)

    def pull(self, units: int, low_latency: bool) -> AudioChunk:
        o = self._options
        self._clock.sleep_until(self._clock.now_ns() + self.cost_ns(units))
        if self._pulls == o.fail_at and self._failures < o.fail_times:
            self._failures += 1
            raise AdapterError(o.fail_kind, "the null engine failed as told by tts.null.fail_at", retryable=True)
        self._pulls += 1
        count = min(max(1, units - o.short_by), self.units - self._done)
        start, end = self._done * UNIT_SAMPLES, (self._done + count) * UNIT_SAMPLES
        self._done += count
        marks = tuple(m for m in self._words if start <= m.start_sample < end) if o.markers else ()
        return AudioChunk(self._tone(start, end), count, marks, self._done >= self.units)

    def close(self) -> None:
        pass

    def _tone(self, start: int, end: int) -> np.ndarray:
        at = np.arange(start, end)
        tone = AMPLITUDE * np.sin(2 * np.pi * self._pitch_hz * at / RATE_HZ)
        gate = np.zeros(end - start, np.float32)
        for word in self._words:
            gate[max(0, word.start_sample - start) : max(0, word.end_sample - start)] = 1
        return (tone * gate).astype(np.float32)
