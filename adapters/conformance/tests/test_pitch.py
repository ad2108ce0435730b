"""The pitch that is measured is the pitch that was made."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.conformance.pitch import median_pitch_hz

RATE_HZ = 24_000


def buzz(pitch_hz: float, rate_hz: int = RATE_HZ) -> np.ndarray:
    """A second of a voice's harmonics, each softer than the one below."""
    at = np.arange(rate_hz) / rate_hz
    harmonics = range(1, 12)
    return sum(0.1 / k * np.sin(2 * np.pi * pitch_hz * k * at) for k in harmonics).astype(np.float32)


@pytest.mark.parametrize("pitch_hz", [80, 110, 157, 220, 330])
@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 48_000])
def test_it_is_found_within_a_fifth_of_a_semitone(pitch_hz, rate_hz):
    assert abs(12 * np.log2(median_pitch_hz(buzz(pitch_hz, rate_hz), rate_hz) / pitch_hz)) < 0.2


def test_the_fundamental_may_be_missing():
    voice = buzz(120) - 0.1 * np.sin(2 * np.pi * 120 * np.arange(RATE_HZ) / RATE_HZ)
    assert abs(median_pitch_hz(voice.astype(np.float32), RATE_HZ) - 120) < 2


@pytest.mark.parametrize("pcm", [np.zeros(RATE_HZ, np.float32), np.zeros(0, np.float32)])
def test_silence_has_none(pcm):
    assert median_pitch_hz(pcm, RATE_HZ) == 0


def test_noise_has_none():
    assert median_pitch_hz(np.random.default_rng(1).standard_normal(RATE_HZ).astype(np.float32) * 0.1, RATE_HZ) == 0
