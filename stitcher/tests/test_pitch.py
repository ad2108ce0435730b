"""Pitch: vowels whose fundamental is known, with what voices add to it."""

from __future__ import annotations

import numpy as np
import pytest

from stitcher.pitch import median_hz, pitch_contour_hz, semitones
from stitcher.speaking import FRAME_MS

FORMANTS = {"a": (730, 1090, 2440), "i": (270, 2290, 3010), "u": (300, 870, 2240)}  # Peterson and Barney, 1952
WIDTH_HZ = 90


def vowel(pitch_hz: np.ndarray | float, rate_hz: int, kind: str = "a", seconds: float = 1.0) -> np.ndarray:
    """Harmonics under the formants of a vowel; `pitch_hz`: one, or one for each sample."""
    f0 = np.broadcast_to(np.asarray(pitch_hz, float), (int(seconds * rate_hz),))
    phase = 2 * np.pi * np.cumsum(f0) / rate_hz
    pcm = np.zeros(f0.size)
    for harmonic in range(1, int(min(5000, 0.45 * rate_hz) / f0.max())):
        hz = harmonic * f0
        gain = sum(1 / (1 + ((hz - formant) / WIDTH_HZ) ** 2) for formant in FORMANTS[kind]) + 0.02
        pcm += gain / harmonic * np.sin(harmonic * phase)
    return (0.3 * pcm / np.abs(pcm).max()).astype(np.float32)


def off(contour_hz: np.ndarray, expected_hz: np.ndarray | float) -> np.ndarray:
    """Semitones between what was found and what is true, where something was found."""
    distance = semitones(contour_hz, 1.0) - semitones(np.asarray(expected_hz, float), 1.0)
    return np.abs(distance[~np.isnan(distance)])


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 24_000])
@pytest.mark.parametrize("kind", FORMANTS)
@pytest.mark.parametrize("hz", [62.0, 95.0, 180.0, 310.0, 410.0])
def test_the_fundamental_of_a_vowel_is_found_to_a_tenth_of_a_semitone(hz, kind, rate_hz):
    contour = pitch_contour_hz(vowel(hz, rate_hz, kind), rate_hz)
    assert np.mean(~np.isnan(contour)) > 0.95
    assert off(contour, hz).max() < 0.1
    assert median_hz(contour) == pytest.approx(hz, rel=0.005)


def test_a_vibrato_is_followed():
    rate_hz = 24_000
    at = np.arange(2 * rate_hz) / rate_hz
    f0 = 150 * 2 ** (np.sin(2 * np.pi * 5 * at) / 12)  # a semitone each way, five times a second
    contour = pitch_contour_hz(vowel(f0, rate_hz, seconds=2), rate_hz)
    middle = rate_hz * 15 // 1000  # YIN's window, and half a period more
    expected = f0[np.arange(contour.size) * rate_hz * FRAME_MS // 1000 + middle + rate_hz // 300]
    assert np.percentile(off(contour, expected), 95) < 0.35
    swing = semitones(contour, 150.0)
    assert np.nanmax(swing) == pytest.approx(1, abs=0.2) and np.nanmin(swing) == pytest.approx(-1, abs=0.2)


@pytest.mark.parametrize("snr_db", [30, 20, 15])
def test_noise_costs_frames_but_not_truth(snr_db):
    rate_hz = 24_000
    pcm = vowel(120.0, rate_hz)
    noise = np.random.default_rng(1).normal(0, np.sqrt(np.mean(pcm**2)) * 10 ** (-snr_db / 20), pcm.size)
    contour = pitch_contour_hz((pcm + noise).astype(np.float32), rate_hz)
    assert np.mean(~np.isnan(contour)) > 0.5
    assert median_hz(contour) == pytest.approx(120.0, rel=0.01)


def test_a_strong_octave_does_not_lead_astray():
    """Every other harmonic far stronger, for a fifth of the time: as where a formant meets the second harmonic."""
    rate_hz = 24_000
    pcm = vowel(110.0, rate_hz, seconds=2)
    part = slice(rate_hz // 2, rate_hz * 9 // 10)
    pcm[part] = 0.12 * pcm[part] + vowel(220.0, rate_hz, seconds=0.4)
    contour = pitch_contour_hz(pcm, rate_hz)
    assert median_hz(contour) == pytest.approx(110.0, rel=0.01)
    assert off(contour, 110.0).max() < 1  # no frame an octave off


def test_noise_and_silence_have_no_pitch():
    noise = np.random.default_rng(2).normal(0, 0.1, 24_000).astype(np.float32)
    for pcm in (noise, np.zeros(24_000, np.float32), np.zeros(0, np.float32), np.zeros(100, np.float32)):
        assert median_hz(pitch_contour_hz(pcm, 24_000)) == 0.0


def test_a_pause_has_no_pitch():
    rate_hz = 24_000
    pcm = np.concatenate((vowel(120.0, rate_hz), np.zeros(rate_hz, np.float32), vowel(120.0, rate_hz)))
    contour = pitch_contour_hz(pcm, rate_hz)
    per_s = 1000 // FRAME_MS
    assert np.isnan(contour[per_s + 2 : 2 * per_s - 8]).all()


def test_semitones_count_from_the_reference():
    np.testing.assert_allclose(semitones(np.array([100.0, 200.0, np.nan]), 100.0), [0, 12, np.nan])
