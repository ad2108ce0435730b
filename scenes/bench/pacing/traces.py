"""Traces: what each call of an engine costs, fixed beforehand, so that every controller meets the same engine.

    work(k, units) = (call + unit * units) * noise[k] + extra[k]      nanoseconds of an unloaded machine
    finish(t, work): the machine gives 1 / load(t) of its time        load: 1 is the machine as it was measured

Load slows a call while it runs, as a busy machine does, so a call that begins later never ends earlier. The
clairvoyant schedule rests on that.

A trace's jitter is *bounded* where no call needs more than 1 + JITTER_MOST of what the engine is expected to
need, none has extra, and even the worst is rendered faster than it is played on the largest rung. Whatever lies
outside, an online rule can foresee only by starting later than need be (see tests).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from adapters.base import Capability, Cost
from timeline.clock import NS_PER_MS, NS_PER_S

RUNGS = (8, 12, 16, 24, 32, 48, 64)  # of the design
UNIT_NS = 10 * NS_PER_MS
RATE_HZ = 24_000
SECONDS = 50  # of speech: long enough to climb, to settle, and for three windows of 10 s after that
CALLS = 2 * SECONDS * NS_PER_S // (RUNGS[0] * UNIT_NS)  # draws a trace holds: twice what the smallest rung needs
CALL_MS = 2.0  # what a call costs beside its units; Piper's decoder needs about that
BLOCK_NS = 20 * NS_PER_MS
JITTER_MOST = 0.2  # share of a call's cost; what the controller grants an engine that it has not seen at work
STEPS_PER_S = 2  # a ramp of load is cut into steps this fine

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trace:
    """An engine on a machine. `known`: its cost was measured beforehand, at the load of the beginning."""

    name: str
    seed: int
    call_ns: float
    unit_ns: float
    noise: Floats  # float64[CALLS]
    extra_ns: Floats  # float64[CALLS]
    load_from_ns: tuple[int, ...] = (0,)
    load: tuple[float, ...] = (1.0,)
    known: bool = True
    phase_ns: int = 0  # when the sink takes its first block, after the first request

    def work_ns(self, call: int, units: int) -> float:
        k = min(call, self.noise.size - 1)
        return float((self.call_ns + self.unit_ns * units) * self.noise[k] + self.extra_ns[k])

    @cached_property
    def _done(self) -> list[float]:
        """Work done when each piece of load begins."""
        done = [0.0]
        for i in range(1, len(self.load)):
            done.append(done[-1] + (self.load_from_ns[i] - self.load_from_ns[i - 1]) / self.load[i - 1])
        return done

    def done_ns(self, t_ns: float) -> float:
        """Work that the machine has done from 0 to `t_ns`."""
        i = bisect_right(self.load_from_ns, t_ns) - 1
        return self._done[i] + (t_ns - self.load_from_ns[i]) / self.load[i]

    def finish_ns(self, t_ns: float, work_ns: float) -> int:
        """When work begun at `t_ns` is done, rounded up."""
        done = self.done_ns(t_ns) + work_ns
        i = bisect_right(self._done, done) - 1
        return int(np.ceil(self.load_from_ns[i] + (done - self._done[i]) * self.load[i]))

    @property
    def worst_rtf(self) -> float:
        """The largest rung's cost over its length, at the worst load with the worst noise."""
        top_ns = (self.call_ns + self.unit_ns * RUNGS[-1]) * float(self.noise.max()) * max(self.load)
        return top_ns / (RUNGS[-1] * UNIT_NS)

    @property
    def hopeless(self) -> bool:
        """Nothing keeps up, at the end at the latest: a speech that is long enough runs dry whatever one does."""
        return (self.call_ns + self.unit_ns * RUNGS[-1]) * self.load[-1] >= RUNGS[-1] * UNIT_NS

    @property
    def bounded(self) -> bool:
        calm = self.noise.max() <= 1 + JITTER_MOST and not self.extra_ns.any()
        return bool(calm and self.worst_rtf < 1 and self.known)

    def capability(self) -> Capability:
        """What the controllers are told."""
        scale = self.load[0]
        cost = Cost(call_ns=int(self.call_ns * scale), unit_ns=int(self.unit_ns * scale)) if self.known else None
        return Capability("paper", "1", "tts", unit_samples=RATE_HZ * UNIT_NS // NS_PER_S, granularity=RUNGS,
                          rate_hz=RATE_HZ, cost=cost)  # fmt: skip


Maker = Callable[[int], Trace]


def engine(name: str, rtf: float, call_ms: float = CALL_MS, even: float = 0.0, normal: float = 0.0,
           burst_ms: float = 0.0, load: tuple[tuple[float, float], ...] = ((0, 1),), hiccup_s: float = 0.0,
           known: bool = True) -> Maker:  # fmt: skip
    """`even`: jitter spread evenly to both sides, `normal`: its standard deviation, each as a share; `burst_ms` on one
    call in twenty; `hiccup_s` once, at a call of the first sixty; `load`: (second, factor)."""

    def make(seed: int) -> Trace:
        rng = np.random.default_rng([seed, *name.encode()])
        phase_ns = int(rng.integers(BLOCK_NS))
        noise = 1 + rng.uniform(-even, even, CALLS) + normal * rng.standard_normal(CALLS)
        extra = np.where(rng.random(CALLS) < 0.05, burst_ms * NS_PER_MS, 0.0)
        if hiccup_s:
            extra[int(rng.integers(2, 60))] += hiccup_s * NS_PER_S
        return Trace(
            name, seed, call_ms * NS_PER_MS, rtf * UNIT_NS, np.maximum(0.2, noise), extra,
            tuple(int(at_s * NS_PER_S) for at_s, _ in load), tuple(float(factor) for _, factor in load), known,
            phase_ns,
        )  # fmt: skip

    return make


def sawtooth(low: float, high: float, period_s: float) -> tuple[tuple[float, float], ...]:
    """Load that rises from `low` to `high` and drops back, again and again, for as long as a speech may last."""
    count = int(period_s * STEPS_PER_S)
    rise = [low + (high - low) * i / (count - 1) for i in range(count)]
    return tuple((n / STEPS_PER_S, rise[n % count]) for n in range(3 * SECONDS * STEPS_PER_S))


STEADY = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
TRACES: tuple[Maker, ...] = (
    *(engine(f"constant {rtf:g}", rtf) for rtf in STEADY),
    engine("call 200 ms, 0.3", 0.3, 200),
    *(engine(f"jitter 20 % {rtf:g}", rtf, even=0.2) for rtf in (0.1, 0.3, 0.5, 0.7, 0.8)),
    engine("step up, down", 0.2, load=((0, 1), (15, 3.5), (30, 1))),
    engine("step down, up", 0.2, load=((0, 3.5), (15, 1), (30, 3.5))),
    engine("sawtooth load", 0.2, load=sawtooth(1, 4, 10)),
    *(engine(f"wide jitter {rtf:g}", rtf, normal=0.3) for rtf in (0.3, 0.5, 0.7)),
    *(engine(f"bursts {rtf:g}", rtf, normal=0.3, burst_ms=150) for rtf in (0.1, 0.3, 0.5, 0.7, 0.8)),
    *(engine(f"hiccup 1 s, {rtf:g}", rtf, even=0.1, hiccup_s=1) for rtf in (0.1, 0.3, 0.5)),
    *(engine(f"unknown {rtf:g}", rtf, even=0.1, known=False) for rtf in (0.1, 0.3, 0.5, 0.8)),
    *(engine(f"too slow {rtf:g}", rtf, even=0.1) for rtf in (1.0, 1.05, 1.2)),
    *(engine(f"unknown {rtf:g}", rtf, even=0.1, known=False) for rtf in (1.05, 1.2)),
    engine("step to 1.2", 0.3, even=0.1, load=((0, 1), (15, 4))),
)
