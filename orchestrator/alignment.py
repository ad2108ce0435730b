"""How late the echo comes beyond what the devices say of themselves: measured while we speak, followed when it jumps.

Each look at what is heard tells a delay and how sure it is. The reference is moved when several looks in a row agree
on a place that is not where an echo belongs, HOME_S after the reference; small differences are the canceller's to
learn.
"""

from __future__ import annotations

from collections import deque

from stitcher.echo_delay import Found

HOME_S = 0.010  # how long after the reference an echo is to come: a little, so that none comes before it
NEAR_S = 0.015  # an echo no further from home than this may stay
AGREE_S = 0.002  # looks that differ by less see the same echo
SURE_STRENGTH = 9.0  # seen: from here on each place was right, in rooms of up to 0.4 s, while nobody else spoke
GONE = 0.5  # an echo that moved is no longer where it was; a place that looks like one is there beside the other
SETTLING_LOOKS = 8  # after a move, a quarter of a second: until what is heard is what was cancelled at the new place
LOOKS = 4  # in a row, 32 ms each: a new latency is taken over well within what interrupts (256 ms)


class Alignment:
    """`delay_s`: by how much the reference is to be read later than the devices say."""

    def __init__(self) -> None:
        self.delay_s = 0.0
        self.found_s: float | None = None  # where the echo was last seen for sure, counted as `delay_s`
        self.moves = 0
        self._unsettled = 0  # looks until it may be believed that the echo is where it is taken for
        self._seen: deque[float] = deque(maxlen=LOOKS)

    @property
    def settled(self) -> bool:
        """The echo is where it is taken for, as far as was seen."""
        return not self._unsettled

    def feed(self, found: Found) -> bool:
        """One look; True where the reference moves."""
        self._unsettled = max(0, self._unsettled - 1)
        if found.strength < SURE_STRENGTH or (self.found_s is not None and self._still_there(found)):
            return False
        delay_s = max(0.0, found.delay_s - HOME_S)
        if abs(delay_s - self.delay_s) > NEAR_S:
            self._unsettled = SETTLING_LOOKS
        self._seen.append(found.delay_s)
        if len(self._seen) < LOOKS or max(self._seen) - min(self._seen) > AGREE_S:
            return False
        self.found_s = found.delay_s
        if abs(delay_s - self.delay_s) <= NEAR_S:
            return False
        self.delay_s = delay_s
        self.moves += 1
        return True

    def _still_there(self, found: Found) -> bool:
        """Another place looks like an echo, and so does the old one: a voice's pitch, or a reflection."""
        assert self.found_s is not None
        return abs(found.delay_s - self.found_s) > NEAR_S and found.here > GONE * found.strength
