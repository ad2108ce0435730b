"""Loudness: the values that the standard and its test signals (EBU Tech 3341) state."""

from __future__ import annotations

import numpy as np
import pytest

from stitcher.loudness import SILENCE_LUFS, block_powers, k_weighting, loudness_lufs, weighted_power

RATES_HZ = (16_000, 22_050, 24_000, 44_100, 48_000)
EXACT_LU = 0.1  # what EBU Tech 3341 allows a meter


def sine(level_dbfs: float, seconds: float, rate_hz: int = 48_000, hz: float = 997.0) -> np.ndarray:
    """`level_dbfs` is that of its peak."""
    at = np.arange(int(seconds * rate_hz)) / rate_hz
    return (10 ** (level_dbfs / 20) * np.sin(2 * np.pi * hz * at)).astype(np.float32)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_full_scale_sine_at_997_hz_has_3_01_below_zero(rate_hz):
    assert loudness_lufs(sine(0.0, 3, rate_hz), rate_hz) == pytest.approx(-3.01, abs=0.02)


@pytest.mark.parametrize("level_dbfs", [-6.0, -20.0, -40.0])
def test_loudness_follows_level(level_dbfs):
    assert loudness_lufs(sine(level_dbfs, 3), 48_000) == pytest.approx(level_dbfs - 3.01, abs=0.02)


def test_the_weighting_is_that_of_the_standard():
    """Its coefficients for 48 kHz, taken from its tables 1 and 2."""
    shelf = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1, -1.69065929318241, 0.73248077421585))
    pass_ = ((1.0, -2.0, 1.0), (1, -1.99004745483398, 0.99007225036621))
    hz = np.array([20.0, 50.0, 100.0, 500.0, 997.0, 2000.0, 10_000.0, 20_000.0])
    z = np.exp(-2j * np.pi * hz / 48_000)
    stated = [np.polyval(b[::-1], z) / np.polyval(a[::-1], z) for b, a in (shelf, pass_)]
    np.testing.assert_allclose(k_weighting(hz), np.abs(stated[0] * stated[1]) ** 2, rtol=1e-4)


def test_silence_has_the_floor_and_so_has_nothing():
    for pcm in (np.zeros(0, np.float32), np.zeros(100, np.float32), np.zeros(48_000, np.float32), sine(-80.0, 2)):
        assert loudness_lufs(pcm, 48_000) == SILENCE_LUFS


def test_soft_parts_are_gated_out():
    """Tech 3341's third case, its levels for one channel: what lies more than 10 LU below does not count."""
    pcm = np.concatenate((sine(-33.0, 10), sine(-20.0, 60), sine(-33.0, 10)))
    assert loudness_lufs(pcm, 48_000) == pytest.approx(-23.01, abs=EXACT_LU)


def test_parts_within_ten_lu_count():
    """Two halves 6 dB apart: the mean of their powers."""
    pcm = np.concatenate((sine(-20.0, 30), sine(-26.0, 30)))
    expected = -20 - 3.01 + 10 * np.log10((1 + 10**-0.6) / 2)
    assert loudness_lufs(pcm, 48_000) == pytest.approx(expected, abs=EXACT_LU)


def test_pauses_do_not_make_it_softer():
    part = sine(-20.0, 4)
    pcm = np.concatenate((part, np.zeros(8 * 48_000, np.float32), part))
    assert loudness_lufs(pcm, 48_000) == pytest.approx(loudness_lufs(part, 48_000), abs=0.3)


def test_less_than_a_block_is_measured_as_it_is():
    assert loudness_lufs(sine(-20.0, 0.2), 48_000) == pytest.approx(-23.01, abs=0.05)
    assert block_powers(sine(-20.0, 1), 48_000).size == 7  # of 400 ms, one each 100 ms


@pytest.mark.parametrize("size", [999, 1000])
def test_power_by_the_spectrum_is_power_by_the_samples(size):
    """Far above the shelf the weighting is a constant 4.04 dB: the rest must be the mean square."""
    pcm = sine(-6.0, 1, hz=12_000.0)[None, :size]
    assert weighted_power(pcm, 48_000)[0] == pytest.approx(10**0.404 * np.mean(pcm**2), rel=0.02)
