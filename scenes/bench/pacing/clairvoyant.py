"""The clairvoyant schedule: the smallest start delay with which some sequence of rungs never runs dry, all costs known.

A delay D (the block at which the sink begins to take) is feasible if every chunk is there before the first block that
needs it. As work done grows with time alone (see traces), a call that begins later never ends earlier: to wait is never
better, and of two ways to p units in k calls the one with less work is never worse. So this is all that has to be
remembered, and

    work[k+1][p + L] = min over L of work[k][p] + cost(k, L),   where the machine has done that by deadline(D, p)

is exact. Feasible for D is feasible for any later D, hence the search by halves. The lead is not bounded here, as
it is in the ring: where that would matter, the result is a lower bound.
"""

from __future__ import annotations

import math

import numpy as np

from scenes.bench.pacing.playback import TAIL_NS
from scenes.bench.pacing.traces import BLOCK_NS, RUNGS, SECONDS, UNIT_NS, Floats, Trace
from timeline.clock import NS_PER_S

STEP = math.gcd(*RUNGS)  # units; what can be reached
DELAY_MOST_NS = 4 * SECONDS * NS_PER_S  # a search that gets there has no answer


def least_delay_ns(trace: Trace, seconds: float = SECONDS) -> int:
    """From the first request to the first block that sounds; -1 where none up to DELAY_MOST_NS will do."""
    total = int(seconds * NS_PER_S) // UNIT_NS // STEP
    low, high = -1, 0  # in blocks: low fails, high is tried
    while not feasible(trace, trace.phase_ns + high * BLOCK_NS, total):
        low, high = high, max(1, 2 * high)
        if high * BLOCK_NS > DELAY_MOST_NS:
            return -1
    while high - low > 1:
        middle = (low + high) // 2
        if feasible(trace, trace.phase_ns + middle * BLOCK_NS, total):
            high = middle
        else:
            low = middle
    return trace.phase_ns + high * BLOCK_NS


def feasible(trace: Trace, delay_ns: int, total: int) -> bool:
    """Can `total` steps of speech be heard without a gap from `delay_ns` on?"""
    limits = work_limits(trace, delay_ns, total)
    work = np.full(total + 1, np.inf)
    work[0] = 0.0
    call = 0
    while np.isfinite(work).any():
        if np.isfinite(work[total]):
            return True
        work = after_call(trace, call, work, limits)
        call += 1
    return False


def work_limits(trace: Trace, delay_ns: int, total: int) -> Floats:
    """float64[total + 1]: with p steps there, how much work may be done by the time that the next chunk is there."""
    audible_ns = np.maximum(0, np.arange(total + 1) * STEP * UNIT_NS - TAIL_NS)
    return np.array([trace.done_ns(delay_ns + at // BLOCK_NS * BLOCK_NS) for at in audible_ns.tolist()])


def after_call(trace: Trace, call: int, work: Floats, limits: Floats) -> Floats:
    """float64[total + 1]: the least work for p steps in one call more. The last chunk may be shorter than a rung."""
    total = work.size - 1
    found = np.full(total + 1, np.inf)
    for units in RUNGS:
        steps = units // STEP
        if steps > total:
            break
        cost = work[: total + 1 - steps] + trace.work_ns(call, units)
        late = cost > limits[: cost.size]
        cost[late] = np.inf
        np.minimum(found[steps:], cost, out=found[steps:])
    for steps in range(1, min(RUNGS[-1] // STEP, total + 1)):
        rest = work[total - steps] + trace.work_ns(call, steps * STEP)
        if rest <= limits[total - steps]:
            found[total] = min(found[total], rest)
    return found
