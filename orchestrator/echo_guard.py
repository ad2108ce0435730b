"""The echo guard: automatic half duplex where the canceller does not cope, and back.

    windows of the ears, while we sound --> is our own voice taken for a user's? --> half duplex --> and back

Rules. Only windows count in which the reference sounds; in silence nothing is learned. Two signs of an echo that stays:
what is left lies hardly below what was heard, for seconds, and follows the reference's level; or transcripts that are
our own words. Half duplex ends when the canceller has done well for a while, longer each time that it turned out too
early: no flapping. The canceller knows the room once it is seen to cancel. Pure: windows and transcripts in.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WARM_UP_MOST_MS = 2500  # of own speech until the canceller knows the room, unless it is seen to know it sooner
WARM_UP_LEAST_MS = 500  # a syllable or two: what is left of less says nothing
JUDGED_MS = 4000  # of own speech that a verdict rests on: a sentence
HIGH_SHARE = 0.5  # of windows with speech in what is left: a user over our voice stops us long before
LOW_SHARE = 0.1  # hysteresis: between the two nothing changes
HIGH_ERLE_DB = 6.0  # less than this off the echo is as good as nothing
LOW_ERLE_DB = 12.0
FOLLOWS = 0.5  # correlation of what is left with the reference, in levels: bare echoes 0.65 and more, users up to 0.42
FOLLOWS_WITHIN = 20  # windows that an echo is late at most: 0.6 s
PLAYED_DBFS = -45.0  # of the reference: below, what is left says nothing of the canceller
OWN_WORDS = 2  # transcripts of our own words within OWN_WORDS_MS: one may be a coincidence
OWN_WORDS_MS = 60_000
BACK_MS = 8000  # of own speech that must have been cancelled well before we listen again while speaking
BACK_MOST_MS = 128_000  # it doubles up to here with each relapse
SPEECH = 0.5  # probability that counts as speech, as listen.speech_threshold


@dataclass(frozen=True, slots=True)
class EchoWindow:
    """One window of the ears while something is played. Levels in dBFS: of the reference, of what was heard, and of
    what the canceller left; `speech_prob` is of the latter."""

    window_ms: float
    far_dbfs: float
    near_dbfs: float
    clean_dbfs: float
    speech_prob: float


class EchoGuard:
    """`half_duplex`: do not listen while our own voice is in the room. `reason`: why it is as it is."""

    def __init__(self) -> None:
        self.half_duplex = False
        self.warming_up = True  # the canceller does not know the room yet
        self.reason = "the room is not known yet"
        self._windows: deque[EchoWindow] = deque()
        self._judged_ms = 0.0  # own speech that `_windows` hold
        self._spoken_ms = 0.0  # own speech so far
        self._good_ms = 0.0  # own speech that was cancelled well, without a break
        self._back_ms = BACK_MS / 2
        self._own_words_ns: deque[int] = deque(maxlen=OWN_WORDS)

    @property
    def erle_db(self) -> float:
        """Echo return loss enhancement: how much less is left than was heard, in the median of the last windows."""
        losses = sorted(window.near_dbfs - window.clean_dbfs for window in self._windows)
        return round(losses[len(losses) // 2], 1) if losses else 0.0

    def feed(self, window: EchoWindow) -> None:
        """One window."""
        if window.far_dbfs < PLAYED_DBFS:
            return
        self._spoken_ms += window.window_ms
        self._windows.append(window)
        self._judged_ms += window.window_ms
        while self._judged_ms > JUDGED_MS:
            self._judged_ms -= self._windows.popleft().window_ms
        if self.warming_up:
            self._warm_up()
        elif self.half_duplex:
            self._come_back(window.window_ms)
        else:
            self._give_up()

    def own_words(self, now_ns: int) -> None:
        """A transcript was what we said ourselves."""
        self._own_words_ns.append(now_ns)
        recent = now_ns - self._own_words_ns[0] <= OWN_WORDS_MS * 1_000_000
        if not self.half_duplex and len(self._own_words_ns) == OWN_WORDS and recent:
            self._change(True, "our own words were heard")

    def _warm_up(self) -> None:
        learned = self._spoken_ms >= WARM_UP_LEAST_MS and self.erle_db >= LOW_ERLE_DB
        if learned or self._spoken_ms >= WARM_UP_MOST_MS:
            self.warming_up = False
            self.reason = "the echo is cancelled" if learned else "little came back, or little was cancelled"

    def _give_up(self) -> None:
        long_enough = self._judged_ms >= JUDGED_MS * 0.9
        if long_enough and self._share() >= HIGH_SHARE and self.erle_db < HIGH_ERLE_DB and self._follows() >= FOLLOWS:
            self._change(True, "most of our voice comes back")

    def _come_back(self, window_ms: float) -> None:
        well = self._share() <= LOW_SHARE and self.erle_db >= LOW_ERLE_DB
        self._good_ms = self._good_ms + window_ms if well else 0.0
        if self._good_ms >= self._back_ms:
            self._change(False, "the echo is cancelled")

    def _follows(self) -> float:
        """How much what is left rises and falls with the reference: an echo does, a user does not."""
        far, clean = np.array([(window.far_dbfs, window.clean_dbfs) for window in self._windows]).T
        size = far.size - FOLLOWS_WITHIN
        return max(_alike(far[:size], clean[late : late + size]) for late in range(FOLLOWS_WITHIN))

    def _share(self) -> float:
        """Of windows in which somebody seems to speak."""
        return sum(window.speech_prob >= SPEECH for window in self._windows) / max(1, len(self._windows))

    def _change(self, half_duplex: bool, reason: str) -> None:
        self.half_duplex, self.reason = half_duplex, reason
        if half_duplex:
            self._back_ms = min(BACK_MOST_MS, 2 * self._back_ms)
        self._good_ms = 0.0
        self._own_words_ns.clear()


def _alike(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Their correlation; 0 where one does not change."""
    if one.std() == 0.0 or other.std() == 0.0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
