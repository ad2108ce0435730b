"""The benchmark of the wake word counts as a session would be woken."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.base import EAR_RATE_HZ
from scenes.bench.wake import Listened, listen, spotted


class Loud:
    """A word that is any loud window."""

    window_samples = 160

    def __init__(self) -> None:
        self.resets = 0

    def feed(self, window):
        return bool(window.max() > 16_000)

    def reset(self):
        self.resets += 1


def beeps(*at_s: float) -> np.ndarray:
    """Half a second each, in ten seconds."""
    pcm = np.zeros(10 * EAR_RATE_HZ, np.float32)
    for begin in at_s:
        pcm[int(begin * EAR_RATE_HZ) :][: EAR_RATE_HZ // 2] = 0.9
    return pcm


def test_a_word_that_is_spotted_many_times_over_wakes_once():
    word = Loud()
    assert spotted(word, beeps(2.0, 6.0)) == [2 * EAR_RATE_HZ + 160, 6 * EAR_RATE_HZ + 160]
    assert word.resets == 1


def test_false_accepts_are_told_by_the_hour():
    assert listen(Loud(), [beeps(1.0), beeps(), beeps(3.0, 8.0)]) == Listened(pytest.approx(30 / 3600), 3)
    assert Listened(0.5, 1).per_hour == 2.0
