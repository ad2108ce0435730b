"""Waking: one word wakes, once; what follows it is heard whole; and who is not spoken to falls asleep again."""

from __future__ import annotations

import numpy as np
import pytest

from orchestrator.settings import ListenSettings
from orchestrator.waking import Spotter, Waking

RATE_HZ = 1000  # a sample is a millisecond
SETTINGS = ListenSettings(wake_preroll_ms=300, wake_refractory_ms=1000, wake_stay_ms=5000)


class Loud:
    """A word that is any window whose last sample is loud."""

    window_samples = 10

    def feed(self, window):
        assert window.shape == (10,)
        return bool(window[-1] > 0)


def waking(wanted=True):
    return Waking(SETTINGS, RATE_HZ, wanted)


def test_without_a_word_it_is_always_awake():
    assert waking(wanted=False).awake(0) and waking(wanted=False).awake(10**9)


def test_asleep_until_the_word_and_awake_after_it():
    it = waking()
    assert not it.awake(2000)
    assert it.spotted(2000)
    assert it.awake(2000) and it.awake(6999) and not it.awake(7000)


def test_what_the_user_said_behind_the_word_before_it_was_spotted_is_heard():
    it = waking()
    it.spotted(2000)
    assert it.hear_from == 1700


def test_a_word_at_the_very_beginning_is_heard_from_the_first_sample():
    it = waking()
    it.spotted(100)
    assert it.hear_from == 0


def test_the_same_word_counts_once():
    it = waking()
    assert [it.spotted(at) for at in (2000, 2010, 2999)] == [True, False, False]
    assert it.spotted(3000)


def test_said_anew_while_awake_it_takes_nothing_away_from_the_turn():
    it = waking()
    it.spotted(2000)
    it.spotted(4000)
    assert it.hear_from == 1700
    assert it.awake(8999)


def test_it_stays_awake_after_the_last_turn_and_then_sleeps_until_the_next_word():
    it = waking()
    it.spotted(2000)
    it.stay(9000)
    assert it.awake(13_999) and not it.awake(14_000)
    it.stay(8000)  # what ended earlier does not shorten it
    assert it.awake(13_999)
    it.spotted(20_000)
    assert it.hear_from == 19_700


@pytest.mark.parametrize("sizes", [[1000], [7] * 143, [1, 999], [10] * 100])
def test_blocks_of_any_size_are_the_same_stream(sizes):
    stream = np.zeros(1001, np.int16)
    stream[[99, 509, 515]] = 1000
    spotter, found, at = Spotter(Loud()), [], 0
    for size in sizes:
        found += spotter.feed(stream[at : at + size])
        at += size
    assert found == [100, 510]


@pytest.mark.parametrize("name", ["wake_preroll_ms", "wake_refractory_ms", "wake_stay_ms"])
def test_settings_that_mean_nothing_are_refused_by_name(name):
    with pytest.raises(ValueError, match=rf"listen\.{name}"):
        ListenSettings(**{name: 0})
