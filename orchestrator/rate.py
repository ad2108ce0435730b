"""The rate controller: how much to ask for next, and when.

The controlled variable is the lead, the audio queued ahead of the sink. What a call costs, and costs at worst, is
learnt (orchestrator.cost). All times are nanoseconds.

    safe(rung)   = worst(rung) + tick                 how long the next chunk may take
    breath(rung) = 2 max(safe, length of a rung)      the comfort band's lower edge: one chunk is played while the
                                                      next is rendered, and as much again for a call that is late
Rules. The first chunk is the rung that sounds soonest without a gap behind it; it is held back from the sink where the
second might take longer than the first lasts. A chunk is asked for when the lead has sunk to a breath. One
rung up when it has stood long enough and the next rung is safe. When the lead is below safe: low latency, and half the
rung where that helps, though never below the smallest rung that keeps up at all: with a high fixed
cost, smaller chunks starve it faster. After a step down the next step up waits longer (no sawtooth).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from adapters.base import Capability
from orchestrator.cost import CostModel
from timeline.clock import NS_PER_MS, NS_PER_S

TICK_NS = 20 * NS_PER_MS  # decisions come with the sink's blocks, and the stitcher holds back as much: one frame
SAFE_MOST_NS = 2 * NS_PER_S  # what takes longer is a stall; a lead against that would not fit the ring (8 s)
DEAR = 0.1  # share by which a second of audio may cost more in small chunks than in large ones
DWELL_CHUNKS = 1  # at a rung before the first steps up
DWELL_AFTER_DOWN_NS = 12 * NS_PER_S  # of audio before stepping up again: 10 s of sound, and what the lead gains
HALF_SAVES = 0.25  # of a rung's worst time, for certain, or stepping down is in vain: a burst is as long on any rung
SPARE = 0.03  # of an engine's time, to keep up: ten calls that jitter by a fifth tell a speed no finer than that
SPARE_EARLY = 0.1  # the same as long as an engine that was never measured has answered fewer than ten
CALLS_TO_KNOW = 10
SETTLED_NS = 5 * NS_PER_S  # of audio in an utterance; by then an engine that is slow by nature has shown it
EARLY_NS = 5 * NS_PER_MS  # by which a sink may ask for its next block sooner, after one that it asked for late
GONE_NS = 3 * TICK_NS  # of lead: it is gone by the next block or two
LOW = 0.75  # of a breath: a lead that sinks below it though chunks are asked for is running out
CALLS_TO_JUDGE = 2  # of an engine that was never measured: one call does not tell fixed cost from slowness


@dataclass(frozen=True, slots=True)
class Ask:
    units: int
    low_latency: bool


class RateController(Protocol):
    """Told what chunks cost, asked what to ask for. One object a session; `begin` at each utterance."""

    def begin(self, block_ns: int = TICK_NS) -> None:
        """An utterance, into a sink that takes `block_ns` at a time."""
        ...

    def waiting(self, lead_ns: int, waited_ns: int) -> None:
        """The call in flight has taken so long; so much lead is left."""
        ...

    def next(self, lead_ns: int) -> Ask | None:
        """What to ask for now that the lead is `lead_ns`; None: nothing yet."""
        ...

    def insist(self, lead_ns: int) -> Ask:
        """What to ask for where more is wanted whatever the lead."""
        ...

    def observe(self, units: int, render_ns: int) -> None: ...

    def began(self, first_ns: int) -> None:
        """An utterance's first chunk lasts `first_ns`; what it lacks of what was asked for, later ones may lack too."""
        ...

    def hold_ns(self, first_ns: int) -> int:
        """How long an utterance's first chunk, which lasts `first_ns`, is kept from the sink after it was
        observed, so that the second one comes in time. It need not wait longer than for the second."""
        ...

    @property
    def reserve_ns(self) -> float:
        """How long the next chunk may take, at worst: lead that other work must leave alone."""
        ...

    @property
    def keeps_up(self) -> bool:
        """False where no rung is rendered faster than it is played, and the lead is sinking."""
        ...


class Ladder:
    """`steady`: nobody is waiting; the largest rung from beginning to end."""

    def __init__(self, capability: Capability, steady: bool = False) -> None:
        self.rungs = capability.granularity
        self.unit_ns = capability.unit_samples * NS_PER_S / capability.rate_hz
        self.cost = CostModel(capability, self.unit_ns)
        self.steady = steady
        self._lost_ns = 0.0  # of an utterance's first chunk, which does not sound: silence before the first word
        self.begin()

    def begin(self, block_ns: int = TICK_NS) -> None:
        self._block_ns = block_ns
        self._slack_ns = max(TICK_NS, block_ns)  # of a lead, that may not sound: a frame is held back, blocks are whole
        self.rung = len(self.rungs) - 1 if self.steady else self._first_rung()
        self._low_latency = not self.steady
        self._first = True
        self._stepped_down = False
        self._second_ns = self._second()  # before the first was seen: one quick call does not make the next one quick
        self._low = True  # the lead was low when it was last looked at
        self._chunks_here, self._audio_here_ns = 0, 0.0
        self._slow = self._slow_again = False  # the last call took longer than its audio; so does the one in flight
        self._spoken_ns = 0.0  # of audio in this utterance
        self._gone = True  # the lead has been used up, and not won back yet

    @property
    def keeps_up(self) -> bool:
        if self._slow_again:
            return False
        cost, top = self.cost, len(self.rungs) - 1
        if not self._low or not (cost.measured or cost.calls >= CALLS_TO_JUDGE):
            return True
        spare = SPARE if cost.measured or cost.calls >= CALLS_TO_KNOW else SPARE_EARLY
        return cost.predict_ns(self.rungs[top]) < (1 - spare) * self.length_ns(top)

    @property
    def reserve_ns(self) -> float:
        return self.safe_ns(self.rung)

    def safe_ns(self, rung: int) -> float:
        """How long a chunk of this rung may take, at worst."""
        return min(self.cost.worst_ns(self.rungs[rung]) + self._slack_ns, SAFE_MOST_NS)

    def breath_ns(self, rung: int) -> float:
        """The lead below which the next chunk is asked for."""
        return 2 * max(self.safe_ns(rung), self.length_ns(rung))

    def length_ns(self, rung: int) -> float:
        return self.rungs[rung] * self.unit_ns

    def began(self, first_ns: int) -> None:
        lost_ns = max(0.0, self.length_ns(self.rung) - first_ns)
        self._lost_ns = max(lost_ns, (lost_ns + self._lost_ns) / 2)

    def hold_ns(self, first_ns: int) -> int:
        audible = audible_ns(first_ns, self._block_ns) - EARLY_NS
        return round(max(0.0, max(self._second_ns, self._second()) - audible))

    def waiting(self, lead_ns: int, waited_ns: int) -> None:
        length_ns = self.length_ns(self.rung)
        overdue = waited_ns > length_ns and lead_ns < length_ns / 2
        sinking = lead_ns < GONE_NS and not self._gone
        if self._slow and (overdue or sinking):
            self._slow_again = True
        self._gone = self._gone or lead_ns < TICK_NS

    def next(self, lead_ns: int) -> Ask | None:
        self._low = lead_ns < LOW * self.breath_ns(self.rung)
        self._gone = self._gone and lead_ns < self.safe_ns(self.rung)
        if self._first:
            self._first = False
        elif self.steady:
            if lead_ns > self.breath_ns(self.rung):
                return None
        elif lead_ns < self.safe_ns(self.rung):
            self._hurry()
        elif self._may_step_up(lead_ns):
            self._stand_on(self.rung + 1)
            self._low_latency = False
        elif lead_ns > self.breath_ns(self.rung):
            return None
        return Ask(self.rungs[self.rung], self._low_latency)

    def insist(self, lead_ns: int) -> Ask:
        return self.next(lead_ns) or Ask(self.rungs[self.rung], self._low_latency)

    def observe(self, units: int, render_ns: int) -> None:
        self.cost.observe(units, render_ns)
        self._slow = render_ns > units * self.unit_ns
        self._slow_again = self._slow_again and self._slow
        self._chunks_here += 1
        self._audio_here_ns += units * self.unit_ns
        self._spoken_ns += units * self.unit_ns

    def _first_rung(self) -> int:
        """The rung with which speech begins soonest, if the second chunk is of it too."""

        def start_ns(rung: int) -> float:
            sounds_ns = audible_ns(self.length_ns(rung) - self._lost_ns, self._block_ns) - EARLY_NS
            return self.cost.predict_ns(self.rungs[rung]) + max(0.0, self.cost.likely_ns(self.rungs[rung]) - sounds_ns)

        able = [rung for rung in range(len(self.rungs)) if self._sustains(rung)]
        return min(able or range(len(self.rungs)), key=start_ns)

    def _second(self) -> float:
        """How long the second chunk is likely to take at most, if it is of this rung too."""
        return min(self.cost.likely_ns(self.rungs[self.rung]), SAFE_MOST_NS)

    def _may_step_up(self, lead_ns: int) -> bool:
        above = self.rung + 1
        if above >= len(self.rungs) or not self._safe_above_ns() <= lead_ns <= self.breath_ns(above):
            return False
        if self._stepped_down:
            return self._audio_here_ns >= DWELL_AFTER_DOWN_NS
        return self._chunks_here >= DWELL_CHUNKS

    def _safe_above_ns(self) -> float:
        """Safe of the next rung: what strayed on this one strays in proportion there. Nothing presses, hence at least
        twice what is likely."""
        units, above = self.rungs[self.rung], self.rungs[self.rung + 1]
        stray_ns = self.cost.worst_ns(units) - self.cost.predict_ns(units)
        predicted_ns = self.cost.predict_ns(above)
        likely_ns = self.cost.likely_ns(above) - predicted_ns
        return predicted_ns + max(stray_ns * above / units, 2 * likely_ns) + self._slack_ns

    def _hurry(self) -> None:
        """The lead is short."""
        self._low_latency = True
        floor = self._floor()
        if self.rung < floor:
            if self._chunks_here >= DWELL_CHUNKS:
                self._stand_on(self.rung + 1)
            return
        half = self.rungs[self.rung] // 2
        target = max(floor, max((i for i, units in enumerate(self.rungs) if units <= half), default=0))
        saved_ns = self.cost.predict_ns(self.rungs[self.rung]) - self.cost.predict_ns(self.rungs[target])
        if target < self.rung and saved_ns >= HALF_SAVES * self.safe_ns(self.rung):
            self._stepped_down = True
            self._stand_on(target)

    def _stand_on(self, rung: int) -> None:
        self.rung = rung
        self._chunks_here, self._audio_here_ns = 0, 0.0

    def _floor(self) -> int:
        """The smallest rung that keeps up. Where none does any more: as long as there is a lead, which small chunks
        spend more evenly, the smallest that costs hardly more. Once it is gone the largest, for few long gaps; and
        at first, when what seems slow may be a fixed cost."""
        top = len(self.rungs) - 1
        dear = self.cost.predict_ns(self.rungs[top]) / self.length_ns(top)
        if dear >= 1 and (self._gone or self._spoken_ns < SETTLED_NS):
            return top
        limit = max(1.0, (1 + DEAR) * dear)
        return next(i for i in range(top + 1) if self.cost.predict_ns(self.rungs[i]) <= limit * self.length_ns(i))

    def _sustains(self, rung: int) -> bool:
        """Is this rung rendered faster than it is played?"""
        return self.cost.predict_ns(self.rungs[rung]) < self.length_ns(rung)


def audible_ns(lead_ns: float, block_ns: int) -> float:
    """How long a sink that begins now sounds: it takes whole blocks, and one frame is held back for the seam."""
    return max(0.0, lead_ns - TICK_NS) // block_ns * block_ns
