"""What is left of our own voice begins nothing; a user who has begun is heard out."""

from __future__ import annotations

import pytest

from orchestrator.echo_guard import EchoWindow
from orchestrator.echo_rest import BEGUN, BELIEVED, EchoRest
from stitcher.echo_delay import Found

DELAY_S = 0.1
NOWHERE = Found(0.4, 5.0)
LOUDEST = -20.0


def window(clean: float, near: float = -22.0, far: float = -20.0, prob: float = 0.9) -> EchoWindow:
    return EchoWindow(32.0, far, near, clean, prob)


def heard(rest: EchoRest, one: EchoWindow, found: Found = NOWHERE, learning: bool = False) -> bool:
    user = rest.is_user(one, LOUDEST, found, DELAY_S, learning)
    rest.keep(user)
    return user


def begun() -> EchoRest:
    rest = EchoRest()
    assert all(heard(rest, window(-26.0)) for _ in range(BEGUN))
    return rest


def test_what_a_room_keeps_begins_nothing():
    assert not heard(EchoRest(), window(-38.0))
    assert heard(EchoRest(), window(-34.0))


def test_while_the_room_is_not_known_a_user_is_to_be_clearly_louder():
    assert not heard(EchoRest(), window(-34.0), learning=True)
    assert heard(EchoRest(), window(-26.0), learning=True)


def test_who_has_begun_may_speak_softly_until_they_have_been_silent():
    rest = begun()
    assert heard(rest, window(-38.0))
    for _ in range(BELIEVED):
        assert not heard(rest, window(-60.0))
    assert not heard(rest, window(-38.0))


def test_a_sound_or_two_are_not_believed():
    rest = EchoRest()
    for _ in range(BEGUN - 1):
        assert heard(rest, window(-26.0))
    assert not heard(rest, window(-38.0))


def test_what_is_surely_speech_may_begin_softly():
    assert heard(EchoRest(), window(-38.0, prob=0.995))
    assert not heard(EchoRest(), window(-45.0, prob=0.995))
    assert not heard(EchoRest(), window(-38.0, prob=0.995), learning=True)


@pytest.mark.parametrize("delay_s", [DELAY_S, DELAY_S + 0.05, 0.02])
def test_the_reference_in_what_is_left_is_an_echo_where_it_was_and_nearer(delay_s):
    assert not heard(EchoRest(), window(-26.0), Found(delay_s, 8.0))
    assert heard(EchoRest(), window(-26.0), Found(DELAY_S + 0.1, 8.0)), "a coincidence"


def test_our_voice_under_a_user_is_no_reason_not_to_hear_them():
    rest = begun()
    assert heard(rest, window(-26.0), Found(DELAY_S, 8.0))
    assert not heard(rest, window(-26.0), Found(DELAY_S, 12.0))


def test_once_our_voice_is_silent_what_was_found_of_it_is_over():
    assert heard(EchoRest(), window(-26.0, far=-120.0), Found(DELAY_S, 20.0))


def test_more_than_was_heard_is_a_filter_at_a_loss():
    assert not heard(EchoRest(), window(-19.0))


def test_nobody_is_believed_after_a_silence_of_ours():
    rest = begun()
    rest.forget()
    assert not heard(rest, window(-38.0))
