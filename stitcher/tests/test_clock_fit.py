"""The clock's fit: right to a few ppm in spite of jitter, stalls and jumps, and jumps are told."""

from __future__ import annotations

import numpy as np
import pytest

from stitcher.clock_fit import BINS_MOST, ClockFit
from timeline.clock import NS_PER_S

RATE_HZ = 24_000
BLOCK = 480


def run(fit: ClockFit, seconds: float, ppm: float, jitter_ns: np.ndarray | float = 0, begin: int = 0, at_ns: float = 0):
    """A device that runs `ppm` fast; returns the jumps that were told."""
    jumps = []
    period_ns = BLOCK * NS_PER_S / RATE_HZ / (1 + ppm * 1e-6)
    for number in range(int(seconds * RATE_HZ / BLOCK)):
        jitter = jitter_ns[number] if isinstance(jitter_ns, np.ndarray) else jitter_ns
        jumps.append(fit.feed(begin + number * BLOCK, int(at_ns + number * period_ns + jitter)))
    return [jump for jump in jumps if jump is not None]


def late(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 5e6, count)


def both_ways(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-5e6, 5e6, count)


def rarely_very_late(seed: int, count: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return draw.exponential(2e6, count) + (draw.random(count) < 0.02) * 80e6


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("ppm", [-300.0, -40.0, 0.0, 120.0, 300.0])
@pytest.mark.parametrize(("jitter", "within_ppm"), [(late, 6), (both_ways, 12), (rarely_very_late, 6)])
def test_a_minute_is_enough_for_a_few_ppm(jitter, within_ppm, ppm, seed):
    fit = ClockFit(RATE_HZ)
    assert run(fit, 62, ppm, jitter(seed, 4000)) == []
    assert fit.drift_ppm == pytest.approx(ppm, abs=within_ppm)


@pytest.mark.parametrize("seed", range(3))
def test_four_minutes_are_enough_for_two(seed):
    fit = ClockFit(RATE_HZ)
    run(fit, 250, 75.0, both_ways(seed, 13_000))
    assert fit.drift_ppm == pytest.approx(75, abs=2)


def test_too_early_it_says_nothing():
    fit = ClockFit(RATE_HZ)
    run(fit, 8, 100.0)
    assert fit.drift_ppm is None


@pytest.mark.parametrize("seconds", [1.0, 3.0, 5.0])
def test_seconds_of_late_ticks_are_no_drift(seconds):
    """The machine was busy, and the device's own clock went on."""
    jitter = late(1, 5000)
    jitter[2000 : 2000 + int(seconds * 50)] += np.linspace(seconds * 1e9, 0, int(seconds * 50)) / 5
    fit = ClockFit(RATE_HZ)
    run(fit, 100, 50.0, jitter)
    assert fit.drift_ppm == pytest.approx(50, abs=8)


@pytest.mark.parametrize("ahead_s", [-3600.0, -0.5, -0.04, 0.3])
def test_a_jump_is_told_once_by_its_size_and_bends_nothing(ahead_s):
    fit = ClockFit(RATE_HZ)
    assert run(fit, 60, 100.0, late(1, 5000)) == []
    at_ns = 60 * NS_PER_S / (1 + 1e-4) - ahead_s * NS_PER_S
    (jump,) = run(fit, 60, 100.0, late(2, 5000), begin=60 * RATE_HZ, at_ns=at_ns)
    assert jump.ahead_ns == pytest.approx(ahead_s * NS_PER_S, abs=2e6 + abs(ahead_s) * 2e5)
    assert 60 * RATE_HZ < jump.position < 66 * RATE_HZ
    assert fit.drift_ppm == pytest.approx(100, abs=8)


def test_a_clock_that_changes_is_followed():
    fit = ClockFit(RATE_HZ)
    run(fit, 120, 20.0)
    run(fit, 300, -60.0, begin=120 * RATE_HZ, at_ns=120 * NS_PER_S / (1 + 2e-5))
    assert fit.drift_ppm == pytest.approx(-60, abs=1)


def test_it_keeps_no_more_than_four_minutes():
    fit = ClockFit(RATE_HZ)
    run(fit, 400, 10.0)
    assert len(fit._bins) == BINS_MOST and len(fit._ticks) <= 101
