"""Playback on paper: one utterance under one rule, as the stitcher and the sink would hold it. All times in ns.

The sink takes a block every 20 ms. Of what was stitched, the last frame is held back until the next chunk or the
end; the lead that a rule is told counts it. A rule is asked after every block and every chunk while the
engine is idle, and the engine renders one call at a time. The first chunk may be kept back for a while
(`hold_ns`), the engine going on meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from orchestrator.rate import Ask
from scenes.bench.pacing.traces import BLOCK_NS, SECONDS, UNIT_NS, Trace
from timeline.clock import NS_PER_S

TAIL_NS = BLOCK_NS  # stitcher.stitcher holds one frame back
NEVER_NS = 1 << 62
RUN_MOST_NS = 8 * SECONDS * NS_PER_S  # of a run; a rule that has not ended by then has stopped asking


class Rule(Protocol):
    """The part of orchestrator.rate.RateController that playback needs."""

    def begin(self) -> None: ...

    def waiting(self, lead_ns: int, waited_ns: int) -> None: ...

    def next(self, lead_ns: int) -> Ask | None: ...

    def observe(self, units: int, render_ns: int) -> None: ...

    def hold_ns(self, first_ns: int) -> int: ...

    @property
    def keeps_up(self) -> bool: ...


@dataclass
class Run:
    """What happened. Times since the first request."""

    start_ns: int = -1  # the first sample sounds
    end_ns: int = 0
    underruns: int = 0  # gaps: runs of blocks that were not full
    underrun_ns: int = 0
    first_underrun_ns: int = NEVER_NS
    said_ns: int = NEVER_NS  # the rule said that the engine cannot keep up
    asked: list[tuple[int, int]] = field(default_factory=list)  # (when, units)
    lead_sum_ns: int = 0  # at each block
    blocks: int = 0
    lead_most_ns: int = 0


class Playback:
    def __init__(self, trace: Trace, rule: Rule, seconds: float = SECONDS) -> None:
        self.trace, self.rule, self.run = trace, rule, Run()
        self._left = int(seconds * NS_PER_S) // UNIT_NS  # units not asked for
        self._stitched_ns = self._audible_ns = self._read_ns = 0
        self._held_ns = 0  # of chunks that are kept from the sink
        self._release_ns = -1  # when they are let go; -1: nothing has come yet
        self._due_ns, self._asked = NEVER_NS, (0, 0)  # the call in flight: when it is done; (units, since)
        self._dry = False

    def speak(self) -> Run:
        """Run to the last sample."""
        now_ns, tick_ns = 0, self.trace.phase_ns
        self.rule.begin()
        self._ask(0)
        while not self._over and now_ns < RUN_MOST_NS:
            holding = self._held_ns and self._release_ns > now_ns
            now_ns = min(tick_ns, self._due_ns, self._release_ns if holding else NEVER_NS)
            if now_ns == self._due_ns:
                self._arrive(now_ns)
            if self._held_ns and now_ns >= self._release_ns:
                self._stitch()
            if now_ns == tick_ns:
                self._tick(now_ns)
                tick_ns += BLOCK_NS
            self._ask(now_ns)
            if self.run.said_ns == NEVER_NS and not self.rule.keeps_up:
                self.run.said_ns = now_ns
        self.run.end_ns = now_ns
        return self.run

    @property
    def _finished(self) -> bool:
        return self._left == 0 and self._due_ns == NEVER_NS

    @property
    def _over(self) -> bool:
        return self._finished and not self._held_ns and self._read_ns == self._stitched_ns

    def _ask(self, now_ns: int) -> None:
        lead_ns = self._stitched_ns + self._held_ns - self._read_ns
        if self._due_ns != NEVER_NS:
            self.rule.waiting(lead_ns, now_ns - self._asked[1])
        if self._due_ns != NEVER_NS or not self._left:
            return
        ask = self.rule.next(lead_ns)
        if ask is None:
            return
        units = min(ask.units, self._left)
        self._left -= units
        self._asked = units, now_ns
        self._due_ns = self.trace.finish_ns(now_ns, self.trace.work_ns(len(self.run.asked), units))
        self.run.asked.append((now_ns, ask.units))

    def _arrive(self, now_ns: int) -> None:
        units, since_ns = self._asked
        self._due_ns = NEVER_NS
        self.rule.observe(units, now_ns - since_ns)
        self._held_ns += units * UNIT_NS
        first = self._release_ns < 0
        if first and not self._finished:
            self._release_ns = now_ns + self.rule.hold_ns(self._held_ns)
        else:
            self._release_ns = now_ns  # a second chunk is there: no reason to wait

    def _stitch(self) -> None:
        self._stitched_ns += self._held_ns
        self._held_ns = 0
        self._audible_ns = self._stitched_ns if self._finished else self._stitched_ns - TAIL_NS
        self.run.lead_most_ns = max(self.run.lead_most_ns, self._stitched_ns - self._read_ns)

    def _tick(self, now_ns: int) -> None:
        run = self.run
        if not self._stitched_ns:
            return
        if run.start_ns < 0:
            run.start_ns = now_ns
        run.blocks += 1
        run.lead_sum_ns += self._stitched_ns - self._read_ns
        taken_ns = min(BLOCK_NS, self._audible_ns - self._read_ns)
        self._read_ns += taken_ns
        dry = taken_ns < BLOCK_NS and not self._finished
        if dry:
            run.underrun_ns += BLOCK_NS - taken_ns
            run.underruns += not self._dry
            run.first_underrun_ns = min(run.first_underrun_ns, now_ns)
        self._dry = dry
