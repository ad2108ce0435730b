"""Trouble: what calls cost and how they fail, as a model around any engine.

The audio is the engine's own, the time is not: each call first waits, on the clock that it is given, for what the
model says it costs. On a virtual clock that takes no time at all, and the result does not depend on the machine. Draws
come from the span's seed: the same span has the same jitter, bursts and faults.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from adapters.base import AdapterError, AudioChunk, Capability, Cost, Span, Synthesis, Tts
from adapters.voice import PLAIN, Projection, Voice
from timeline.clock import NS_PER_MS, NS_PER_S, Clock

JITTER_MOST = 3.0  # standard deviations: what is beyond is no jitter but a burst
EVEN = 3**0.5  # half the width of an even distribution of standard deviation 1


class Trouble(BaseModel):
    """Milliseconds and shares; all zero: an engine that costs nothing and never fails."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cold_ms: float = Field(0.0, ge=0, description="what loading costs, in warm_up or else in the first call")
    open_ms: float = Field(0.0, ge=0, description="of preparing a span")
    call_ms: float = Field(0.0, ge=0, description="fixed cost of a pull")
    rtf: float = Field(0.0, ge=0, description="cost of a second of audio, in seconds")
    jitter: float = Field(
        0.0, ge=0, description="standard deviation of a pull's cost, as a share of it; at most 3 of them"
    )
    jitter_shape: Literal["normal", "even", "late"] = Field(
        "normal", description="even: either way alike; late: never earlier, seldom much later (exponential)"
    )
    burst_share: float = Field(0.0, ge=0, le=1, description="share of pulls that take burst_ms longer")
    burst_ms: float = Field(0.0, ge=0)
    stall_at: int = Field(-1, description="the pull of each span that takes stall_ms longer; -1: none")
    stall_ms: float = Field(0.0, ge=0)
    fail_at: int = Field(-1, description="the pull of each span that fails; -1: none")
    fail_share: float = Field(0.0, ge=0, le=1, description="share of pulls that fail, and work when asked again")
    fail_kind: Literal["crashed", "stalled", "garbage"] = "crashed"
    fail_times: int = Field(1, ge=0, description="how often the pull fail_at fails before it works")
    dies_at: int = Field(-1, description="the pull, of all spans, at which it dies, and what is open with it; -1: none")
    short_by: int = Field(0, description="units less than asked in every answer; below 0: more than asked")
    empty_at: int = Field(-1, description="the pull of each span that answers nothing, and is not its end; -1: none")

    markers: bool = Field(True, description="word times are known, where the engine knows them")

    def undying(self) -> Trouble:
        """The same for a replay, which asks only for what was answered."""
        return self.model_copy(update={"dies_at": -1})

    def cost(self, unit_ns: float) -> Cost:
        """What warm-up would have measured; `unit_ns`: how long a unit sounds."""
        return Cost(0, int(self.open_ms * NS_PER_MS), 0, int(self.call_ms * NS_PER_MS), int(self.rtf * unit_ns))


class Troubled:
    """`tts`, its waiting and its faults replaced by the model's. `name`: to tell it from another of its kind."""

    def __init__(self, tts: Tts, trouble: Trouble, clock: Clock, name: str = "") -> None:
        self._tts = tts
        self.trouble = trouble
        self.clock = clock
        self._cold = trouble.cold_ms > 0
        self._pulls = 0
        self.life = 0  # how often it has died
        described = tts.describe()
        self._unit_ns = described.unit_samples * NS_PER_S / described.rate_hz
        markers = described.markers if trouble.markers else "none"
        cost = trouble.cost(self._unit_ns)
        self._capability = dataclasses.replace(described, name=name or described.name, cost=cost, markers=markers)

    def describe(self) -> Capability:
        return self._capability

    def warm_up(self, voice: Voice = PLAIN) -> None:
        self._heat()

    def project(self, voice: Voice) -> Projection:
        return self._tts.project(voice)

    def open(self, span: Span) -> TroubledSynthesis:
        self._heat()
        wait(self.clock, self.trouble.open_ms * NS_PER_MS)
        return TroubledSynthesis(self, self._tts.open(span), span.seed, self._unit_ns)

    def close(self) -> None:
        self._tts.close()

    def live(self, life: int) -> None:
        """Another pull, of a span that was opened in this life. Raises AdapterError where that is over."""
        self._pulls += 1
        if self._pulls - 1 == self.trouble.dies_at:
            self.life += 1
            self._cold = self.trouble.cold_ms > 0
        if life != self.life:
            raise AdapterError("crashed", "the engine died as told by its option dies_at")

    def _heat(self) -> None:
        if self._cold:
            self._cold = False
            wait(self.clock, self.trouble.cold_ms * NS_PER_MS)


class TroubledSynthesis:
    def __init__(self, engine: Troubled, synthesis: Synthesis, seed: int, unit_ns: float) -> None:
        self._engine = engine
        self._life = engine.life
        self._synthesis = synthesis
        self._trouble = engine.trouble
        self._clock = engine.clock
        self._random = np.random.default_rng(seed)
        self._unit_ns = unit_ns
        self._pulls = 0
        self._failures = 0

    @property
    def units(self) -> int:
        return self._synthesis.units

    def pull(self, units: int, low_latency: bool) -> AudioChunk:
        trouble = self._trouble
        factor, extra_ns = self._draw()
        self._engine.live(self._life)
        if self._fails():
            self._failures += 1
            wait(self._clock, self._cost_ns(units) * factor + extra_ns)
            raise AdapterError(
                trouble.fail_kind, "the engine failed as told by its options fail_at or fail_share", retryable=True
            )
        self._pulls += 1
        self._failures = 0
        if self._pulls - 1 == trouble.empty_at:
            chunk = AudioChunk(np.zeros(0, np.float32), 0, (), False)
        else:
            chunk = self._synthesis.pull(max(1, units - trouble.short_by), low_latency)
        wait(self._clock, self._cost_ns(chunk.units) * factor + extra_ns)
        return chunk if trouble.markers else dataclasses.replace(chunk, markers=())

    def close(self) -> None:
        self._synthesis.close()

    def _cost_ns(self, units: int) -> float:
        return self._trouble.call_ms * NS_PER_MS + self._trouble.rtf * units * self._unit_ns

    def _draw(self) -> tuple[float, float]:
        """By how much the next pull costs more, and what is added to it, in ns."""
        t = self._trouble
        factor = max(0.0, 1 + t.jitter * min(JITTER_MOST, self._deviate()))
        extra_ns = 0.0
        if t.burst_share and self._random.random() < t.burst_share:
            extra_ns += t.burst_ms * NS_PER_MS
        if self._pulls == t.stall_at:
            extra_ns += t.stall_ms * NS_PER_MS
        return factor, extra_ns

    def _deviate(self) -> float:
        """One draw, of standard deviation 1."""
        if self._trouble.jitter_shape == "normal":
            return float(self._random.standard_normal())
        if self._trouble.jitter_shape == "even":
            return EVEN * float(self._random.uniform(-1, 1))
        return float(self._random.standard_exponential())

    def _fails(self) -> bool:
        t = self._trouble
        if self._pulls == t.fail_at and self._failures < t.fail_times:
            return True
        return bool(t.fail_share) and self._failures == 0 and bool(self._random.random() < t.fail_share)


def wait(clock: Clock, for_ns: float) -> None:
    clock.sleep_until(clock.now_ns() + int(for_ns))
