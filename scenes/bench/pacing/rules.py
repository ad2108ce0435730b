"""The rules that ours is held against. None of them knows what a call will cost; each asks in its own way.

    Fixed     one chunk size; ask while less than two of them lie ahead (double buffering)
    Bba       buffer-based: the lead alone chooses the size, through a reservoir and a cushion
              (BBA-0 of Huang et al., A Buffer-Based Approach to Rate Adaptation, SIGCOMM 2014)
    NetEq     one chunk size; the lead to keep is a quantile of what delays were, from a histogram that forgets
              (as WebRTC's NetEq sets its target level)

They start to play with the first chunk, as their models do, and none says that an engine is too slow.
"""

from __future__ import annotations

from orchestrator.rate import Ask
from scenes.bench.pacing.traces import RUNGS, UNIT_NS
from timeline.clock import NS_PER_MS, NS_PER_S

SMALL, MIDDLE, LARGE = RUNGS[0], RUNGS[3], RUNGS[-1]


class Plain:
    """What the three have in common: nothing is learnt, held or said."""

    keeps_up = True

    def begin(self) -> None:
        pass

    def observe(self, units: int, render_ns: int) -> None:
        pass

    def waiting(self, lead_ns: int, waited_ns: int) -> None:
        pass

    def hold_ns(self, first_ns: int) -> int:
        return 0


class Fixed(Plain):
    def __init__(self, units: int) -> None:
        self.units = units

    def next(self, lead_ns: int) -> Ask | None:
        return None if lead_ns >= 2 * self.units * UNIT_NS else Ask(self.units, False)


class Bba(Plain):
    """The paper's shares of a buffer: 90 s of 240 s are the reservoir, from 90 % on the largest is asked for. The
    buffer here holds 2 s, about what ours keeps where calls jitter."""

    BUFFER_NS = 2 * NS_PER_S
    RESERVOIR_NS = BUFFER_NS * 90 // 240
    UPPER_NS = BUFFER_NS * 9 // 10

    def begin(self) -> None:
        self.rung = 0

    def next(self, lead_ns: int) -> Ask | None:
        if lead_ns >= self.BUFFER_NS:
            return None
        share = (lead_ns - self.RESERVOIR_NS) / (self.UPPER_NS - self.RESERVOIR_NS)
        mapped = RUNGS[0] + min(1.0, max(0.0, share)) * (RUNGS[-1] - RUNGS[0])
        if mapped >= RUNGS[min(self.rung + 1, len(RUNGS) - 1)]:
            self.rung = max(i for i, units in enumerate(RUNGS) if units <= mapped)
        elif mapped <= RUNGS[max(self.rung - 1, 0)]:
            self.rung = min(i for i, units in enumerate(RUNGS) if units >= mapped)
        return Ask(RUNGS[self.rung], False)


class NetEq(Plain):
    """WebRTC's figures: buckets of 20 ms up to 2 s, quantile 0.95, forgetting 0.983 that begins fast, 80 ms at first,
    and of each half second only the longest delay. A chunk's delay is how long its call took."""

    UNITS = MIDDLE
    BUCKET_NS, BUCKETS = 20 * NS_PER_MS, 100
    QUANTILE, FORGET, START_WEIGHT = 0.95, 0.983, 2
    EVERY_NS = NS_PER_S // 2  # of audio
    START_NS = 80 * NS_PER_MS

    def begin(self) -> None:
        self._histogram = [0.0] * self.BUCKETS
        self._count = 0
        self._longest_ns = self._since_ns = 0
        self._target_ns = self.START_NS

    def next(self, lead_ns: int) -> Ask | None:
        return None if lead_ns > self._target_ns + self.UNITS * UNIT_NS else Ask(self.UNITS, False)

    def observe(self, units: int, render_ns: int) -> None:
        self._longest_ns = max(self._longest_ns, render_ns)
        self._since_ns += units * UNIT_NS
        if self._since_ns < self.EVERY_NS:
            return
        self._count += 1
        forget = min(self.FORGET, max(0.0, 1 - self.START_WEIGHT / (self._count + 1)))
        self._histogram = [share * forget for share in self._histogram]
        self._histogram[min(self.BUCKETS - 1, self._longest_ns // self.BUCKET_NS)] += 1 - forget
        self._longest_ns = self._since_ns = 0
        total, bucket = 0.0, -1
        while total < self.QUANTILE * sum(self._histogram):
            bucket += 1
            total += self._histogram[bucket]
        self._target_ns = (bucket + 1) * self.BUCKET_NS
