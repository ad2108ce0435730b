"""The linear echo: learned from what is played, kept while somebody else speaks, learned anew in another room."""

from __future__ import annotations

import numpy as np
import pytest

from stitcher.linear_echo import PARTITIONS, LinearEcho

SIZE = 160
HZ = 16_000


def babble(seed: int, seconds: float) -> np.ndarray:
    """Coloured noise that comes and goes as syllables do."""
    draw, at_s = np.random.default_rng(seed), np.arange(int(seconds * HZ)) / HZ
    white = draw.normal(size=at_s.size)
    return np.convolve(white, np.exp(-np.arange(8)), "same") * 0.05 * np.maximum(0, np.sin(2 * np.pi * 3 * at_s + seed))


def room(seed: int, rt60_s: float = 0.2, delay: int = 300) -> np.ndarray:
    tail = np.random.default_rng(seed).normal(size=int(rt60_s * HZ)) * np.exp(
        -6.9 * np.arange(int(rt60_s * HZ)) / rt60_s / HZ
    )
    return np.concatenate((np.zeros(delay), tail / np.sqrt((tail**2).sum())))


def heard(far: np.ndarray, response: np.ndarray) -> np.ndarray:
    return np.convolve(far, response)[: far.size] + np.random.default_rng(9).normal(0, 1e-4, far.size)


def cancelled(linear: LinearEcho, near: np.ndarray, far: np.ndarray) -> np.ndarray:
    blocks = [slice(at, at + SIZE) for at in range(0, near.size - SIZE + 1, SIZE)]
    near, far = near.astype(np.float32), far.astype(np.float32)
    return np.concatenate([linear.cancel(near[block], far[block]) for block in blocks])


def loss_db(before: np.ndarray, after: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(before**2) / np.mean(after**2)))


def test_it_learns_the_room_within_seconds():
    far = babble(0, 6)
    near = heard(far, room(1))
    left = cancelled(LinearEcho(SIZE), near, far)
    assert loss_db(near[HZ : 2 * HZ], left[HZ : 2 * HZ]) > 10
    assert loss_db(near[4 * HZ :], left[4 * HZ :]) > 20


def test_a_user_who_speaks_over_it_is_left_whole_and_the_room_is_not_unlearned():
    far, user = babble(0, 9), babble(5, 9)
    user[: 4 * HZ] = user[6 * HZ :] = 0.0
    near = heard(far, room(1)) + user
    left = cancelled(LinearEcho(SIZE), near, far)
    together = slice(4 * HZ, 6 * HZ)
    assert loss_db(user[together], left[together] - user[together]) > 10, "what is left is the user"
    assert loss_db(near[6 * HZ : 7 * HZ], left[6 * HZ : 7 * HZ]) > 15, "at once, without learning again"


def test_a_user_alone_passes_untouched():
    user = babble(5, 2).astype(np.float32)
    np.testing.assert_array_equal(cancelled(LinearEcho(SIZE), user, np.zeros_like(user)), user)


def test_another_room_is_learned():
    far = babble(0, 12)
    near = np.concatenate((heard(far, room(1))[: 6 * HZ], heard(far, room(2))[6 * HZ :]))
    left = cancelled(LinearEcho(SIZE), near, far)
    assert loss_db(near[10 * HZ :], left[10 * HZ :]) > 12


def test_what_comes_later_than_it_remembers_stays():
    far = babble(0, 4)
    near = heard(far, room(1, delay=PARTITIONS * SIZE))
    left = cancelled(LinearEcho(SIZE), near, far)
    assert loss_db(near[2 * HZ :], left[2 * HZ :]) == pytest.approx(0.0, abs=3)


def test_forgetting_is_beginning_anew():
    far = babble(0, 2)
    near, linear = heard(far, room(1)), LinearEcho(SIZE)
    first = cancelled(linear, near, far)
    linear.reset()
    np.testing.assert_array_equal(cancelled(linear, near, far), first)
