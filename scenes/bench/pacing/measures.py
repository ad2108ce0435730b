"""Measures: runs of one rule on one trace -> numbers.

start delay   from the first request to the first block that sounds
regret        silence heard in all (start delay and underruns), beyond the clairvoyant's start delay
settled       the rung has stood for STAND_S; settling time is when that stand began
changes       of the rung, the most in any 10 s after the settling
"""

from __future__ import annotations

import itertools

from scenes.bench.pacing.playback import Run
from timeline.clock import NS_PER_S

STAND_S = 10


def regret_ns(run: Run, least_ns: int) -> int:
    return run.start_ns + run.underrun_ns - least_ns


def settling_ns(run: Run) -> int:
    """When the rung began its first stand of STAND_S; the run's end where it never did."""
    changes = [0, *rung_changes(run), run.end_ns]
    stands = (a for a, b in itertools.pairwise(changes) if b - a >= STAND_S * NS_PER_S)
    return next(stands, run.end_ns)


def rung_changes(run: Run) -> list[int]:
    """When the rung changed."""
    return [b[0] for a, b in itertools.pairwise(run.asked) if a[1] != b[1]]


def changes_in_10s(run: Run) -> int:
    """The most changes in any 10 s, once settled; of a run that never settled, in all of it."""
    settled_ns = settling_ns(run)
    late = [at for at in rung_changes(run) if settled_ns == run.end_ns or at > settled_ns]
    return max((sum(at <= other < at + 10 * NS_PER_S for other in late) for at in late), default=0)


def mean_lead_s(run: Run) -> float:
    return run.lead_sum_ns / max(1, run.blocks) / NS_PER_S
