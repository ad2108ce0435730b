"""The echo guard: automatic half duplex where the canceller does not cope, and back.

    windows of the ears, while we sound --> is our own voice taken for a user's? --> half duplex --> and back

Rules. Only windows count in which the reference sounds; in silence nothing is learned. Two signs of an echo that stays:
what is left of it lies hardly below what was heard, for seconds; or transcripts that are our own words. Half duplex
ends when the canceller has done well for a while, longer each time that it turned out too early: no flapping. Pure:
windows and transcripts in, changes out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

WARM_UP_MS = 2500  # of own speech until the canceller knows the room; till then nothing is concluded
JUDGED_MS = 4000  # of own speech that a verdict rests on: a sentence
HIGH_SHARE = 0.5  # of windows with speech in what is left: a user over our voice stops us long before
LOW_SHARE = 0.1  # hysteresis: between the two nothing changes
HIGH_ERLE_DB = 6.0  # less than this off the echo is as good as nothing
LOW_ERLE_DB = 12.0
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


@dataclass(frozen=True, slots=True)
class EchoChange:
    """`erle_db`: how much the canceller took off, lately."""

    half_duplex: bool
    erle_db: float
    reason: str


class EchoGuard:
    """`half_duplex`: do not listen while our own voice is in the room."""

    def __init__(self) -> None:
        self.half_duplex = False
        self._windows: deque[EchoWindow] = deque()
        self._judged_ms = 0.0  # own speech that `_windows` hold
        self._spoken_ms = 0.0  # own speech so far
        self._good_ms = 0.0  # own speech that was cancelled well, without a break
        self._back_ms = BACK_MS / 2
        self._own_words_ns: deque[int] = deque(maxlen=OWN_WORDS)

    @property
    def warming_up(self) -> bool:
        """The canceller has hardly heard us yet: it cannot be helped that some of our voice is left."""
        return self._spoken_ms < WARM_UP_MS

    @property
    def erle_db(self) -> float:
        """Echo return loss enhancement: how much less is left than was heard, in the median of the last windows."""
        losses = sorted(window.near_dbfs - window.clean_dbfs for window in self._windows)
        return losses[len(losses) // 2] if losses else 0.0

    def feed(self, window: EchoWindow) -> EchoChange | None:
        """One window; a change where it makes one."""
        if window.far_dbfs < PLAYED_DBFS:
            return None
        self._spoken_ms += window.window_ms
        if self.warming_up:
            return None
        self._windows.append(window)
        self._judged_ms += window.window_ms
        while self._judged_ms > JUDGED_MS:
            self._judged_ms -= self._windows.popleft().window_ms
        return self._back(window.window_ms) if self.half_duplex else self._give_up()

    def own_words(self, now_ns: int) -> EchoChange | None:
        """A transcript was what we said ourselves."""
        self._own_words_ns.append(now_ns)
        recent = now_ns - self._own_words_ns[0] <= OWN_WORDS_MS * 1_000_000
        if self.half_duplex or len(self._own_words_ns) < OWN_WORDS or not recent:
            return None
        return self._change(True, "our own words were heard")

    def _give_up(self) -> EchoChange | None:
        if self._judged_ms < JUDGED_MS * 0.9:
            return None
        if self._share() >= HIGH_SHARE and self.erle_db < HIGH_ERLE_DB:
            return self._change(True, "most of our voice comes back")
        return None

    def _back(self, window_ms: float) -> EchoChange | None:
        well = self._share() <= LOW_SHARE and self.erle_db >= LOW_ERLE_DB
        self._good_ms = self._good_ms + window_ms if well else 0.0
        return self._change(False, "the echo is cancelled") if self._good_ms >= self._back_ms else None

    def _share(self) -> float:
        """Of windows in which somebody seems to speak."""
        return sum(window.speech_prob >= SPEECH for window in self._windows) / max(1, len(self._windows))

    def _change(self, half_duplex: bool, reason: str) -> EchoChange:
        self.half_duplex = half_duplex
        change = EchoChange(half_duplex, round(self.erle_db, 1), reason)
        if half_duplex:
            self._back_ms = min(BACK_MOST_MS, 2 * self._back_ms)
        self._good_ms = 0.0
        self._own_words_ns.clear()
        self._windows.clear()
        self._judged_ms = 0.0
        return change
