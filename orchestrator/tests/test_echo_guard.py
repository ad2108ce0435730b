"""The guard: half duplex where the echo stays, back when it goes, and no flapping."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from orchestrator.echo_guard import (
    BACK_MS,
    JUDGED_MS,
    OWN_WORDS_MS,
    WARM_UP_LEAST_MS,
    WARM_UP_MOST_MS,
    EchoGuard,
    EchoWindow,
)
from timeline.clock import NS_PER_MS

MS = 32.0
SETTLED_MS = WARM_UP_MOST_MS + JUDGED_MS
Make = Callable[[float, float], EchoWindow]
"""Of the level of our voice in the room, and of another level that knows nothing of it, in dBFS."""


def bad(own: float, _other: float) -> EchoWindow:
    """All comes back, with the room's share in it."""
    return EchoWindow(MS, own, own, own - 2, 0.9)


def good(own: float, _other: float) -> EchoWindow:
    return EchoWindow(MS, own, own, own - 40, 0.02)


def user(own: float, other: float) -> EchoWindow:
    """Somebody speaks over us: much is left, and is speech."""
    return EchoWindow(MS, own, max(own, other) + 1, other, 0.95)


def quiet(_own: float, _other: float) -> EchoWindow:
    return EchoWindow(MS, -90.0, -60.0, -60.0, 0.02)


def fed(guard: EchoGuard, make: Make, for_ms: float) -> list[bool]:
    """Every change to half duplex and back."""
    draw, changes = Random(int(for_ms)), []
    for _ in range(int(for_ms / MS) + 1):
        before = guard.half_duplex
        guard.feed(make(draw.uniform(-35, -15), draw.uniform(-35, -15)))
        changes += [guard.half_duplex] if guard.half_duplex != before else []
    return changes


def test_an_echo_that_stays_makes_it_half_duplex_and_one_that_goes_brings_it_back():
    guard = EchoGuard()
    assert fed(guard, bad, 2 * SETTLED_MS) == [True]
    assert guard.reason == "most of our voice comes back"
    assert fed(guard, good, BACK_MS + 2 * JUDGED_MS) == [False]
    assert guard.reason == "the echo is cancelled"


def test_nothing_is_concluded_while_the_canceller_learns_the_room():
    guard = EchoGuard()
    assert fed(guard, bad, WARM_UP_MOST_MS - 2 * MS) == []
    assert guard.warming_up
    assert fed(guard, good, 10 * JUDGED_MS) == []


def test_the_room_is_known_once_the_echo_is_seen_to_be_cancelled_and_at_the_latest_after_a_sentence():
    quick, slow = EchoGuard(), EchoGuard()
    fed(quick, good, WARM_UP_LEAST_MS - 2 * MS)
    assert quick.warming_up
    fed(quick, good, 2 * MS)
    assert not quick.warming_up
    fed(slow, bad, WARM_UP_MOST_MS)
    assert not slow.warming_up


def test_a_user_who_speaks_over_us_is_no_echo():
    """However long: what is left does not follow our voice."""
    guard = EchoGuard()
    fed(guard, good, SETTLED_MS)
    for _ in range(10):
        assert fed(guard, user, 6000) == []
        assert fed(guard, good, 4000) == []


def test_an_echo_is_known_for_one_though_it_comes_late():
    guard, before = EchoGuard(), [-30.0] * 9

    def late(own: float, _other: float) -> EchoWindow:
        before.append(own)
        heard = before.pop(0)
        return EchoWindow(MS, own, heard, heard - 2, 0.9)

    assert fed(guard, late, 2 * SETTLED_MS) == [True]


def test_silence_says_nothing():
    guard = EchoGuard()
    fed(guard, bad, 2 * SETTLED_MS)
    assert fed(guard, quiet, 10 * BACK_MS) == []
    assert guard.half_duplex


def test_each_relapse_makes_it_stay_longer():
    guard = EchoGuard()
    stays = []
    for _ in range(4):
        fed(guard, bad, 2 * SETTLED_MS)
        assert guard.half_duplex
        windows = 0
        while guard.half_duplex:
            fed(guard, good, 0)
            windows += 1
        stays.append(windows * MS)
    assert stays == sorted(stays) and stays[-1] > 4 * stays[0]


def test_two_transcripts_of_our_own_words_are_enough_one_is_not():
    guard = EchoGuard()
    guard.own_words(0)
    assert not guard.half_duplex
    guard.own_words(5000 * NS_PER_MS)
    assert guard.half_duplex and guard.reason == "our own words were heard"


def test_two_that_are_far_apart_are_not():
    guard = EchoGuard()
    guard.own_words(0)
    guard.own_words((OWN_WORDS_MS + 1) * NS_PER_MS)
    assert not guard.half_duplex


def test_what_it_took_off_is_told():
    guard = EchoGuard()
    fed(guard, good, SETTLED_MS)
    assert guard.erle_db == pytest.approx(40.0)
