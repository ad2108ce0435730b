"""The way past our own voice: the reference goes where the echo is, and what is left of an echo is no user."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.base import EAR_RATE_HZ
from orchestrator.alignment import HOME_S, LOOKS, Alignment
from orchestrator.ears import Ears
from orchestrator.echo import WAIT_MOST_SAMPLES, EchoPath
from stitcher.capture import Capture
from stitcher.echo_delay import Found
from stitcher.echo_reference import EchoReference
from timeline.clock import NS_PER_S
from timeline.events import EarFrame, EchoState

HZ = EAR_RATE_HZ
BLOCK = 320
ECHO = Found(0.15, 20.0)


def fed(alignment: Alignment, found: Found, looks: int = LOOKS) -> list[bool]:
    return [alignment.feed(found) for _ in range(looks)]


# -- where the echo is ---------------------------------------------------------------------


def test_looks_that_agree_move_the_reference_to_just_before_the_echo():
    alignment = Alignment()
    assert fed(alignment, ECHO) == [False] * (LOOKS - 1) + [True]
    assert alignment.delay_s == pytest.approx(0.15 - HOME_S)
    assert fed(alignment, ECHO, 20) == [False] * 20, "it stays"


def test_looks_that_are_not_sure_or_do_not_agree_move_nothing():
    alignment = Alignment()
    assert not any(fed(alignment, Found(0.15, 6.0), 20))
    assert not any(alignment.feed(Found(0.1 + 0.01 * number, 20.0)) for number in range(20))


def test_an_echo_near_its_place_is_left_to_the_canceller():
    alignment = Alignment()
    assert not any(fed(alignment, Found(HOME_S + 0.012, 20.0), 20))
    assert alignment.found_s == pytest.approx(HOME_S + 0.012)


def test_a_place_that_only_looks_like_an_echo_does_not_move_it():
    alignment = Alignment()
    fed(alignment, ECHO)
    assert not any(fed(alignment, Found(0.3, 15.0, here=12.0), 20))
    assert fed(alignment, Found(0.3, 15.0, here=3.0))[-1]


def test_it_is_unsettled_from_the_first_sign_of_a_move_until_it_is_cancelled_at_the_new_place():
    alignment = Alignment()
    fed(alignment, ECHO, 40)
    assert alignment.settled
    alignment.feed(Found(0.3, 15.0))
    assert not alignment.settled
    fed(alignment, Found(0.3, 15.0), 30)
    assert alignment.settled


# -- the whole way -------------------------------------------------------------------------


class Loud:
    """Takes whatever is loud for speech."""

    window_samples = 512

    def probability(self, window):
        return float(np.abs(window.astype(float)).mean() > 100)

    def reset(self):
        pass


def babble(seed: int, seconds: float, syllables_hz: float = 3.0) -> np.ndarray:
    draw, at_s = np.random.default_rng(seed), np.arange(int(seconds * HZ)) / HZ
    return draw.normal(size=at_s.size) * 3000 * np.maximum(0.1, np.sin(2 * np.pi * syllables_hz * at_s + seed))


def listened(echo: EchoPath | None, near: np.ndarray, far: np.ndarray, lag_blocks: int = 0) -> list[float]:
    """Probabilities of windows; the speaker has what it plays a block ahead, or is late by `lag_blocks`."""
    return [fact.speech_prob for fact in facts(echo, near, far, lag_blocks) if isinstance(fact, EarFrame)]


def facts(echo: EchoPath | None, near: np.ndarray, far: np.ndarray, lag_blocks: int = 0) -> list:
    """All that the ears tell."""
    ears, told = Ears(Capture(HZ), Loud(), echo), []
    for number in range(near.size // BLOCK):
        due = number + 1 - lag_blocks
        if echo is not None and 0 <= due < far.size // BLOCK:
            block = far[due * BLOCK : (due + 1) * BLOCK].astype(np.int16)
            echo.reference.played(block, due * BLOCK * NS_PER_S // HZ)
        heard = near[number * BLOCK : (number + 1) * BLOCK].astype(np.int16)
        ears.capture.take(heard, (number + 1) * BLOCK * NS_PER_S // HZ)
        told += ears.listen()
    return told


def path() -> EchoPath:
    """Without a canceller behind the linear part."""
    return EchoPath(None, EchoReference(HZ, HZ))


def delayed(far: np.ndarray, delay_ms: int) -> np.ndarray:
    return 0.5 * np.concatenate((np.zeros(delay_ms * HZ // 1000), far))[: far.size]


@pytest.mark.parametrize("delay_ms", [5, 80, 250])
def test_our_own_voice_is_nobody(delay_ms):
    far, echo = babble(0, 5), path()
    near = delayed(far, delay_ms)
    assert np.mean(listened(None, near, far)) > 0.5, "without it we hear ourselves"
    assert np.mean(listened(echo, near, far)) < 0.02
    assert echo.latency_ms == pytest.approx(delay_ms, abs=1)
    assert echo.guard.erle_db > 20


def test_a_delay_that_jumps_is_followed_and_nobody_is_heard_meanwhile():
    far, echo = babble(0, 8), path()
    near = np.concatenate((delayed(far, 60)[: 4 * HZ], delayed(far, 200)[4 * HZ :]))
    assert sum(listened(echo, near, far)) * 32 < 256, "less than what interrupts"
    assert echo.latency_ms == pytest.approx(200, abs=1)


def test_a_user_is_heard_over_our_voice_and_after_it():
    far, user = babble(0, 8), 0.3 * babble(4, 8)
    user[: 4 * HZ] = 0
    both = listened(path(), delayed(far, 60) + user, far)[4 * HZ // 512 :]
    assert np.mean(both) > 0.35, "half of it is loud, and most of that louder than what the room may keep"
    far[3 * HZ :] = 0
    alone = listened(path(), delayed(far, 60) + user, far)[5 * HZ // 512 :]
    assert np.mean(alone) > 0.45


def test_a_speaker_that_stands_still_does_not_make_us_deaf():
    """The reference is waited for, but not longer than WAIT_MOST_SAMPLES."""
    far, user, echo = babble(0, 1), babble(4, 4), path()
    ears = listened(echo, user, far)
    assert len(ears) * 512 > user.size - WAIT_MOST_SAMPLES - BLOCK - 512
    assert np.mean(ears[HZ * 2 // 512 :]) > 0.45


def test_an_echo_that_cannot_be_cancelled_ends_in_half_duplex():
    """A loudspeaker that makes something else of what it is given: as loud, and not to be foreseen."""
    far, echo = babble(0, 14), path()
    rattles = np.abs(far)
    states = [fact for fact in facts(echo, delayed(rattles - rattles.mean(), 60), far) if isinstance(fact, EchoState)]
    assert [state.half_duplex for state in states] == [False, False, True]
    assert states[-1].reason == "most of our voice comes back" and states[-1].erle_db < 6


def test_somebody_who_talks_for_long_does_not_make_it_half_duplex():
    """A television, say, over which our voice goes on."""
    far, echo = babble(0, 20), path()
    listened(echo, delayed(far, 60) + 1.5 * babble(4, 20, 4.1), far)
    assert not echo.guard.half_duplex


def test_what_keeps_our_voice_out_is_told_whenever_it_changes():
    far, echo = babble(0, 5), path()
    states = [fact for fact in facts(echo, delayed(far, 80), far) if isinstance(fact, EchoState)]
    assert states[0] == EchoState("linear", True, False, "the room is not known yet")
    assert not states[-1].warming_up and states[-1].reason == "the echo is cancelled"
    assert states[-1].latency_ms == pytest.approx(80, abs=1) and states[-1].erle_db >= 12
    assert len(states) <= 4


def test_a_user_is_heard_from_our_first_words_on():
    """No deaf time while the canceller learns: half a second after our voice began somebody speaks over it."""
    far, user = babble(0, 2), 0.3 * babble(4, 2)
    user[: HZ // 2] = 0
    both = listened(path(), delayed(far, 60) + user, far)
    assert sum(both[HZ // 2 // 512 : HZ // 512 + 5]) * 32 >= 96, "enough for a pause within half a second"
    assert sum(listened(path(), delayed(far, 60), far)) * 32 < 96
