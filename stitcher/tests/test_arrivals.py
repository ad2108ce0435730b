"""Arrivals: each sample is dated when it was heard, however its blocks came."""

from __future__ import annotations

import numpy as np
import pytest

from stitcher.arrivals import STEADY_BLOCKS, Arrivals
from timeline.clock import NS_PER_MS, NS_PER_S

RATE_HZ = 16_000
BLOCK = 320
BLOCK_NS = 20 * NS_PER_MS


def off_ms(late_ns, blocks=500, drift_ppm=0.0):
    """How far each block's end is dated off the truth; `late_ns(n, when it was heard)`."""
    arrivals, off = Arrivals(RATE_HZ), []
    for n in range(1, blocks + 1):
        heard_ns = round(n * BLOCK_NS * (1 - drift_ppm * 1e-6)) + NS_PER_S
        arrivals.feed(n * BLOCK, heard_ns + late_ns(n, heard_ns))
        off.append((arrivals.time_of(n * BLOCK) - heard_ns) / NS_PER_MS)
    return np.array(off)


def test_blocks_in_time_are_dated_as_they_say():
    assert not off_ms(lambda n, heard_ns: 0).any()


@pytest.mark.parametrize("burst", [2, 20, 75])
def test_a_burst_moves_nothing(burst):
    """All blocks of a burst come with its last one."""
    off = off_ms(lambda n, heard_ns: -n % burst * BLOCK_NS)
    assert np.abs(off[2 * burst :]).max() <= 0.001


def test_jitter_dates_nothing_further_off_than_itself():
    random = np.random.default_rng(1)
    off = off_ms(lambda n, heard_ns: int(random.integers(0, 8 * NS_PER_MS)))
    assert off.min() >= 0 and off.max() <= 8 and off[10:].mean() < 3


def test_a_clock_that_drifts_is_followed():
    for ppm in (-300, 300):
        assert np.abs(off_ms(lambda n, heard_ns: 0, 5000, ppm)).max() < 1.0


def test_a_device_that_lost_audio_is_dated_rightly_within_some_blocks():
    off = off_ms(lambda n, heard_ns: 300 * NS_PER_MS if n > 100 else 0)  # what was heard later counts earlier
    assert np.abs(off[101 + STEADY_BLOCKS :] - 300).max() <= 0.001


def test_a_device_that_loses_audio_all_the_time_is_dated_by_the_last_blocks():
    off = off_ms(lambda n, heard_ns: n * BLOCK_NS // 4)
    assert np.abs(off - np.arange(1, 501) * 5).max() <= STEADY_BLOCKS * 5


def test_dates_never_run_backwards():
    random = np.random.default_rng(2)
    arrivals, last_ns = Arrivals(RATE_HZ), 0
    for n in range(1, 500):
        arrivals.feed(n * BLOCK, n * BLOCK_NS + int(random.integers(0, NS_PER_S)))
        for position in (n * BLOCK - 200, n * BLOCK):
            assert arrivals.time_of(position) >= last_ns
            last_ns = arrivals.time_of(position)
