"""The rate controller: how much to ask for next, and when.

The controlled variable is the lead, the audio queued ahead of the sink. A call costs c + r * units,
learnt by least squares that forget, plus a worst-case term (four mean deviations, as TCP's timeout, Jacobson
1988), because an average hides bursts. All times are nanoseconds.

    safe(rung)   = c + r * rung + 4 dev + tick      how long the next chunk may take
    breath(rung) = max(2 safe, length of a rung)    the comfort band's lower edge: one chunk is played
                                                    while the next is rendered
Rules. The first chunk is the smallest rung. A chunk is asked for when the lead has sunk to a breath. One
rung up when it has stood long enough and the next rung is safe; when the lead is below safe, half the
rung and low latency, though never below the smallest rung that keeps up at all: with a high fixed
cost, smaller chunks starve it faster. After a step down the next step up waits longer (no sawtooth).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from adapters.base import Capability
from timeline.clock import NS_PER_MS, NS_PER_S

TICK_NS = 20 * NS_PER_MS  # decisions come with the sink's blocks; one frame is what a decision can be late
DEVIATIONS = 4  # of the prediction error, added as the worst case
FORGET = 0.9  # weight of the past at each observation: the last ten calls matter
DEVIATION_GAIN = 0.25  # as in TCP's round trip estimator
DEVIATION_DECAY = 0.02  # a burst is remembered for fifty calls: TCP's four would forget it before the next one comes
SAFE_MOST_NS = 2 * NS_PER_S  # what takes longer is a stall; a lead against that would not fit the ring (8 s)
DWELL_CHUNKS = 1  # at a rung before the first steps up
DWELL_AFTER_DOWN_NS = 10 * NS_PER_S  # of audio at a rung before stepping up again: a change per 10 s at most
UNKNOWN_RTF = 0.3  # what an engine that was not measured is taken to cost


@dataclass(frozen=True, slots=True)
class Ask:
    units: int
    low_latency: bool


class RateController(Protocol):
    """Told what chunks cost, asked what to ask for. One object a session; `begin` at each utterance."""

    def begin(self) -> None: ...

    def next(self, lead_ns: int) -> Ask | None:
        """What to ask for now that the lead is `lead_ns`; None: nothing yet."""
        ...

    def observe(self, units: int, render_ns: int) -> None: ...

    @property
    def reserve_ns(self) -> float:
        """How long the next chunk may take, at worst: lead that other work must leave alone."""
        ...

    @property
    def keeps_up(self) -> bool:
        """False once no rung is rendered faster than it is played."""
        ...


class CostModel:
    """render_ns = fixed + per_unit * units, by weighted least squares with a prior."""

    def __init__(self, capability: Capability, unit_ns: float) -> None:
        rungs, cost = capability.granularity, capability.cost
        fixed, per_unit = (cost.call_ns, cost.unit_ns) if cost else (0.0, UNKNOWN_RTF * unit_ns)
        self._sums = [0.0] * 5  # weights, x, y, xx, xy
        for units in (rungs[0], rungs[-1]):
            self._add(units, fixed + per_unit * units)
        self.fixed_ns, self.unit_ns = float(fixed), float(per_unit)
        self.deviation_ns = self.predict_ns(rungs[0]) / 2

    def predict_ns(self, units: int) -> float:
        return self.fixed_ns + self.unit_ns * units

    def observe(self, units: int, render_ns: int) -> None:
        excess = abs(render_ns - self.predict_ns(units)) - self.deviation_ns
        self.deviation_ns += (DEVIATION_GAIN if excess > 0 else DEVIATION_DECAY) * excess
        self._sums = [FORGET * total for total in self._sums]
        self._add(units, render_ns)
        self._solve()

    def _add(self, x: float, y: float) -> None:
        self._sums = [total + term for total, term in zip(self._sums, (1, x, y, x * x, x * y), strict=True)]

    def _solve(self) -> None:
        weight, x, y, xx, xy = self._sums
        spread = xx - x * x / weight
        slope = (xy - x * y / weight) / spread if spread > weight else self.unit_ns
        slope = max(0.0, slope)
        fixed = (y - slope * x) / weight
        if fixed < 0:  # a line through the origin fits better than a negative cost
            fixed, slope = 0.0, y / x
        self.fixed_ns, self.unit_ns = fixed, slope


class Ladder:
    """`steady`: nobody is waiting; the largest rung from beginning to end."""

    def __init__(self, capability: Capability, steady: bool = False) -> None:
        self.rungs = capability.granularity
        self.unit_ns = capability.unit_samples * NS_PER_S / capability.rate_hz
        self.cost = CostModel(capability, self.unit_ns)
        self.steady = steady
        self.rung = 0
        self._low_latency = True
        self._chunks_here = 0
        self._audio_here_ns = 0.0
        self._stepped_down = False
        self._first = True

    def begin(self) -> None:
        self.rung = len(self.rungs) - 1 if self.steady else 0
        self._low_latency = not self.steady
        self._first = True
        self._stepped_down = False
        self._chunks_here, self._audio_here_ns = 0, 0.0

    @property
    def keeps_up(self) -> bool:
        return self._sustains(len(self.rungs) - 1)

    @property
    def reserve_ns(self) -> float:
        return self.safe_ns(self.rung)

    def safe_ns(self, rung: int) -> float:
        """How long a chunk of this rung may take, at worst."""
        worst_ns = self.cost.predict_ns(self.rungs[rung]) + DEVIATIONS * self.cost.deviation_ns + TICK_NS
        return min(worst_ns, SAFE_MOST_NS)

    def breath_ns(self, rung: int) -> float:
        """The lead below which the next chunk is asked for."""
        return max(2 * self.safe_ns(rung), self.rungs[rung] * self.unit_ns)

    def next(self, lead_ns: int) -> Ask | None:
        if self._first:
            self._first = False
        elif self.steady:
            if lead_ns > self.breath_ns(self.rung):
                return None
        elif lead_ns < self.safe_ns(self.rung):
            self._step_down()
        elif self._may_step_up(lead_ns):
            self._stand_on(self.rung + 1)
            self._low_latency = False
        elif lead_ns > self.breath_ns(self.rung):
            return None
        return Ask(self.rungs[self.rung], self._low_latency)

    def observe(self, units: int, render_ns: int) -> None:
        self.cost.observe(units, render_ns)
        self._chunks_here += 1
        self._audio_here_ns += units * self.unit_ns

    def _may_step_up(self, lead_ns: int) -> bool:
        above = self.rung + 1
        if above >= len(self.rungs) or not self.safe_ns(above) <= lead_ns <= self.breath_ns(above):
            return False
        if self._stepped_down:
            return self._audio_here_ns >= DWELL_AFTER_DOWN_NS
        return self._chunks_here >= DWELL_CHUNKS

    def _step_down(self) -> None:
        self._low_latency = True
        half = self.rungs[self.rung] // 2
        lower = max((i for i, units in enumerate(self.rungs) if units <= half), default=0)
        floor = next((i for i in range(len(self.rungs)) if self._sustains(i)), len(self.rungs) - 1)
        target = max(lower, floor)
        if target != self.rung:
            self._stepped_down = self._stepped_down or target < self.rung
            self._stand_on(target)

    def _stand_on(self, rung: int) -> None:
        self.rung = rung
        self._chunks_here, self._audio_here_ns = 0, 0.0

    def _sustains(self, rung: int) -> bool:
        """Is this rung rendered faster than it is played?"""
        return self.cost.predict_ns(self.rungs[rung]) < self.rungs[rung] * self.unit_ns
