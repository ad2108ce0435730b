"""Pauses: scaled by the factor, the sound between them untouched and found again by the map."""

from __future__ import annotations

import numpy as np
import pytest

from stitcher.pauses import KEPT_MS, pauses, with_pauses

RATE_HZ = 24_000
WORD, PAUSE, STOP = 6_000, 7_200, 1_920  # samples: 250 ms, 300 ms, 80 ms


def sound(count: int = WORD) -> np.ndarray:
    return np.full(count, 0.3, np.float32)


def silence(count: int) -> np.ndarray:
    return np.zeros(count, np.float32)


SPEECH = np.concatenate((sound(), silence(STOP), sound(), silence(PAUSE), sound(), silence(PAUSE)))


def test_pauses_are_found_and_the_closure_of_a_stop_is_none():
    first = 2 * WORD + STOP
    assert pauses(SPEECH, RATE_HZ) == [(first, first + PAUSE), (SPEECH.size - PAUSE, SPEECH.size)]
    assert pauses(sound(), RATE_HZ) == []
    assert pauses(silence(PAUSE), RATE_HZ) == [(0, PAUSE)]


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 2.0, 3.0])
def test_each_pause_is_scaled_and_no_sound_is_lost(factor):
    stretched, _ = with_pauses(SPEECH, RATE_HZ, factor)
    shortest = 2 * RATE_HZ * KEPT_MS // 1000
    assert stretched.size - SPEECH.size == 2 * (max(shortest, round(PAUSE * factor)) - PAUSE)
    assert np.count_nonzero(stretched) == np.count_nonzero(SPEECH)
    assert stretched.dtype == np.float32


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 2.0])
def test_the_map_finds_each_sample_of_the_sound(factor):
    marked = SPEECH * (1 + np.arange(SPEECH.size) / 1e6).astype(np.float32)
    stretched, moved = with_pauses(marked, RATE_HZ, factor)
    for at in np.flatnonzero(marked)[::500]:
        assert stretched[round(moved.to(int(at)))] == marked[at]


def test_without_a_pause_nothing_changes():
    stretched, moved = with_pauses(sound(), RATE_HZ, 3.0)
    np.testing.assert_array_equal(stretched, sound())
    assert moved.to(100) == 100
