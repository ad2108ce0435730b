"""The guard: half duplex where the echo stays, back when it goes, and no flapping."""

from __future__ import annotations

import pytest

from orchestrator.echo_guard import BACK_MS, JUDGED_MS, OWN_WORDS_MS, WARM_UP_MS, EchoGuard, EchoWindow
from timeline.clock import NS_PER_MS

MS = 32.0
BAD = EchoWindow(MS, -20.0, -20.0, -22.0, 0.9)  # all comes back
GOOD = EchoWindow(MS, -20.0, -20.0, -60.0, 0.02)
USER = EchoWindow(MS, -20.0, -18.0, -22.0, 0.95)  # speaks over us: much is left, and is speech
QUIET = EchoWindow(MS, -90.0, -60.0, -60.0, 0.02)


def fed(guard: EchoGuard, window: EchoWindow, for_ms: float) -> list[bool]:
    changes = [guard.feed(window) for _ in range(int(for_ms / MS) + 1)]
    return [change.half_duplex for change in changes if change is not None]


def test_an_echo_that_stays_makes_it_half_duplex_and_one_that_goes_brings_it_back():
    guard = EchoGuard()
    assert fed(guard, BAD, WARM_UP_MS + 2 * JUDGED_MS) == [True]
    assert fed(guard, GOOD, BACK_MS + 2 * JUDGED_MS) == [False]
    assert not guard.half_duplex


def test_nothing_is_concluded_while_the_canceller_learns_the_room():
    guard = EchoGuard()
    assert fed(guard, BAD, WARM_UP_MS) == []
    assert fed(guard, GOOD, 10 * JUDGED_MS) == []


def test_a_user_who_speaks_over_us_is_no_echo():
    """Two seconds of it at once: by then we have long stopped."""
    guard = EchoGuard()
    fed(guard, GOOD, WARM_UP_MS + JUDGED_MS)
    for _ in range(10):
        assert fed(guard, USER, 1500) == []
        assert fed(guard, GOOD, 4000) == []


def test_silence_says_nothing():
    guard = EchoGuard()
    fed(guard, BAD, WARM_UP_MS + 2 * JUDGED_MS)
    assert fed(guard, QUIET, 10 * BACK_MS) == []
    assert guard.half_duplex


def test_each_relapse_makes_it_stay_longer():
    guard = EchoGuard()
    stays = []
    for _ in range(4):
        fed(guard, BAD, WARM_UP_MS + 2 * JUDGED_MS)
        assert guard.half_duplex
        windows = 0
        while guard.half_duplex:
            guard.feed(GOOD)
            windows += 1
        stays.append(windows * MS)
    assert stays == sorted(stays) and stays[-1] > 4 * stays[0]


def test_two_transcripts_of_our_own_words_are_enough_one_is_not():
    guard = EchoGuard()
    assert guard.own_words(0) is None
    change = guard.own_words(5000 * NS_PER_MS)
    assert change is not None and change.half_duplex


def test_two_that_are_far_apart_are_not():
    guard = EchoGuard()
    assert guard.own_words(0) is None
    assert guard.own_words((OWN_WORDS_MS + 1) * NS_PER_MS) is None
    assert not guard.half_duplex


def test_what_it_took_off_is_told():
    guard = EchoGuard()
    fed(guard, GOOD, WARM_UP_MS + JUDGED_MS)
    assert guard.erle_db == pytest.approx(40.0)
