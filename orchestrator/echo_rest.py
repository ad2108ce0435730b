"""Is what the canceller leaves a user, or the rest of our own voice?

    what was heard, what is left, the reference in it --> rest of an echo, or a user

Rules. Whatever the reference is found in is an echo. For the rest levels speak: what a room keeps of an echo lies far
below the loudest that was just heard, and is not to be taken for somebody who begins to speak; once somebody was heard,
their soft sounds are theirs. Pure: windows in, verdicts out.
"""

from __future__ import annotations

from orchestrator.echo_guard import EchoWindow
from stitcher.echo_delay import Found

SOUNDS_DBFS = -60.0  # of the reference: below, it is found in what is looked at because it was there a moment ago
BEGINS_STRENGTH = 7.0  # of what is left: a user over our voice stays below in nine windows of ten, a bare echo above
GOES_ON_STRENGTH = 10.0  # the same once somebody was heard, over whom our voice may be found too
REFLECTED_S = 0.06  # behind the reference: later, what looks like an echo is a coincidence
BEGINS_DB = 16.0  # below the loudest just heard: few begin so softly, and what is left in a room hardly ever gets there
LEARNING_DB = 9.0  # the same while the room is not known: whoever is heard then is clearly louder than its echo's rest
GOES_ON_DB = 20.0  # below what is heard at once: a user so far below our echo would not be understood
SURE = 0.99  # probability of speech that what is left of an echo hardly ever has: whoever has it may begin softly
WRONG_DB = 1.0  # more is left than was heard: no user does that, but a filter does whose echo has jumped
BEGUN = 3  # windows of a user, 96 ms, gaps of GAP not counted: as many as make our voice pause
GAP = 2
BELIEVED = 10  # windows, a third of a second: between two words


class EchoRest:
    """Asked of every window in which the reference sounds."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Nobody speaks into our voice any more."""
        self._run = 0  # windows of a user
        self._gap = 0  # windows since the last of them
        self._believed = 0  # windows for which somebody is still taken to be speaking

    def is_user(self, window: EchoWindow, loudest_dbfs: float, found: Found, delay_s: float, learning: bool) -> bool:
        """`loudest_dbfs`: of what was just heard; `found`: the reference in what is left, read `delay_s` late;
        `learning`: the room is not known yet."""
        most = GOES_ON_STRENGTH if self._believed else BEGINS_STRENGTH
        if window.far_dbfs >= SOUNDS_DBFS and found.strength > most and found.delay_s <= delay_s + REFLECTED_S:
            return False  # nearer too: where the echo has jumped to
        if self._believed or (window.speech_prob >= SURE and not learning):
            return window.clean_dbfs >= window.near_dbfs - GOES_ON_DB
        least_dbfs = loudest_dbfs - (LEARNING_DB if learning else BEGINS_DB)
        return least_dbfs <= window.clean_dbfs <= window.near_dbfs + WRONG_DB

    def keep(self, user: bool) -> None:
        """What the window came to."""
        if user:
            self._run, self._gap = self._run + 1, 0
            if self._run >= BEGUN:
                self._believed = BELIEVED
            return
        self._gap += 1
        self._believed = max(0, self._believed - 1)
        if self._gap > GAP:
            self._run = 0
