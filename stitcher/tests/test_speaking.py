"""Speaking: pauses are found whatever the level, and what is short is none."""

from __future__ import annotations

import numpy as np
import pytest

from stitcher.speaking import FRAME_MS, levels_db, speaking

RATES_HZ = (16_000, 24_000)


def parts(rate_hz: int, *ms: int, level: float = 0.3) -> np.ndarray:
    """Tone and silence by turns, each of so many milliseconds."""
    at = np.arange(rate_hz * sum(ms) // 1000)
    gate = np.concatenate([np.full(rate_hz * one // 1000, k % 2 == 0) for k, one in enumerate(ms)])
    return (level * gate * np.sin(2 * np.pi * 300 * at / rate_hz)).astype(np.float32)


def spoken_ms(pcm: np.ndarray, rate_hz: int) -> int:
    return int(np.count_nonzero(speaking(levels_db(pcm, rate_hz)))) * FRAME_MS


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("level", [0.9, 0.3, 0.01])
def test_a_pause_is_left_out_at_any_level(rate_hz, level):
    assert spoken_ms(parts(rate_hz, 500, 400, 600, level=level), rate_hz) == pytest.approx(1100, abs=60)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_the_closure_of_a_stop_is_speech(rate_hz):
    assert spoken_ms(parts(rate_hz, 500, 80, 600), rate_hz) == pytest.approx(1180, abs=40)


def test_noise_far_below_is_a_pause():
    pcm = parts(24_000, 500, 400, 600)
    noise = np.random.default_rng(1).normal(0, 0.001, pcm.size).astype(np.float32)
    assert spoken_ms(pcm + noise, 24_000) == pytest.approx(1100, abs=60)


@pytest.mark.parametrize("rate_hz", [22_050, 24_000])
def test_frames_do_not_drift_where_a_rate_has_no_whole_one(rate_hz):
    """A tone that begins after a minute is found there, to a frame."""
    pcm = np.concatenate((np.zeros(60 * rate_hz, np.float32), parts(rate_hz, 500)))
    first = int(np.flatnonzero(speaking(levels_db(pcm, rate_hz)))[0])
    assert first * FRAME_MS == pytest.approx(60_000, abs=2 * FRAME_MS)


def test_silence_is_no_speech():
    assert spoken_ms(np.zeros(24_000, np.float32), 24_000) == 0
    assert spoken_ms(np.zeros(0, np.float32), 24_000) == 0


def test_levels_are_those_of_the_tone():
    levels = levels_db(parts(24_000, 500), 24_000)
    louder = levels_db(2 * parts(24_000, 500), 24_000)
    np.testing.assert_allclose(louder - levels, 20 * np.log10(2), atol=1e-4)
