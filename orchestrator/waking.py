"""Waking: who is asleep hears nothing but one word, and after it everything, until nobody has spoken for a while.

    block -> Spotter: windows -> WakeWord -> position -> Waking: asleep? then awake, and ears hear on from hear_from

Rules. A word is spotted a moment after it has ended, and whoever says it may have gone on by then; so what the ears
hear begins before the position where it was spotted. For `wake_refractory_ms` after a word no other counts: the spotter
says it several times over. Awake is `wake_stay_ms` from the word, or from the end of the last turn, whoever had it.
Pure; positions are samples of the ear's stream.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from adapters.ears.base import WakeWord
from orchestrator.settings import ListenSettings
from stitcher.pcm import Int16


class Spotter:
    """Cuts the ear's stream into the windows that a wake word takes."""

    def __init__(self, word: WakeWord) -> None:
        self._word = word
        self._rest: Int16 = np.zeros(0, np.int16)
        self._position = 0  # samples fed

    def feed(self, block: Int16) -> Iterator[int]:
        """Take in int16[n] at EAR_RATE_HZ, any n; yields where the word was spotted."""
        size = self._word.window_samples
        waiting = np.concatenate((self._rest, block))
        whole = waiting.size // size * size
        self._rest = waiting[whole:]
        for window in waiting[:whole].reshape(-1, size):
            self._position += size
            if self._word.feed(window):
                yield self._position


class Waking:
    """`wanted`: there is a word to wait for; else it is always awake."""

    def __init__(self, settings: ListenSettings, rate_hz: int, wanted: bool) -> None:
        per_ms = rate_hz / 1000
        self._refractory = round(settings.wake_refractory_ms * per_ms)
        self._preroll = round(settings.wake_preroll_ms * per_ms)
        self._stay = round(settings.wake_stay_ms * per_ms)
        self._wanted = wanted
        self._until = 0  # position at which it falls asleep
        self._deaf_until = 0  # and up to which no word counts
        self.hear_from = 0  # nothing before this position is for us

    def awake(self, position: int) -> bool:
        return not self._wanted or position < self._until

    def spotted(self, position: int) -> bool:
        """The word was spotted; True where it wakes, or is said anew to who is awake."""
        if position < self._deaf_until:
            return False
        if not self.awake(position):
            self.hear_from = max(self.hear_from, position - self._preroll)
        self._deaf_until = position + self._refractory
        self.stay(position)
        return True

    def stay(self, position: int) -> None:
        """Somebody has the floor, or had it up to here."""
        self._until = max(self._until, position + self._stay)
