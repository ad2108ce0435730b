"""An echo is found where it is, and none is found in what is not one."""

from __future__ import annotations

import numpy as np
import pytest

from stitcher.echo_delay import DELAY_MOST_S, WINDOW_S, find_echo

HZ = 16_000
LATEST = int(DELAY_MOST_S * HZ)
WINDOW = int(WINDOW_S * HZ)


def speech(seed: int, count: int) -> np.ndarray:
    white = np.random.default_rng(seed).normal(0, 0.05, count + 64)
    return np.convolve(white, np.exp(-np.arange(64) / 6) * np.cos(np.arange(64) / 3), "valid")[:count]


def room(rt60_s: float) -> np.ndarray:
    at = np.arange(int(rt60_s * HZ))
    tail = np.random.default_rng(3).normal(size=at.size) * np.exp(-6.9 * at / rt60_s / HZ)
    tail[0] = 1.4 * np.sqrt((tail[1:] ** 2).sum())
    return tail


@pytest.mark.parametrize("delay_ms", [0, 20, 60, 300, 590])
@pytest.mark.parametrize("rt60_s", [0.05, 0.4])
def test_an_echo_is_found_where_it_is(delay_ms, rt60_s):
    played = speech(0, 2 * HZ)
    near = np.convolve(np.roll(played, delay_ms * HZ // 1000), room(rt60_s))[: played.size]
    found = find_echo(near[-WINDOW:], played[-WINDOW - LATEST :], HZ, delay_ms / 1000)
    assert found.delay_s == pytest.approx(delay_ms / 1000, abs=0.0005)
    assert found.strength > 9
    assert found.here == pytest.approx(found.strength)


@pytest.mark.parametrize("seed", range(1, 9))
def test_somebody_else_is_no_echo(seed):
    found = find_echo(speech(seed, WINDOW), speech(0, WINDOW + LATEST), HZ)
    assert found.strength < 6.5


def test_silence_is_no_echo():
    assert find_echo(np.zeros(WINDOW), speech(0, WINDOW + LATEST), HZ).strength == 0.0
