"""Reading between samples: in tune at any step, and nothing folds."""

from __future__ import annotations

import numpy as np
import pytest

from stitcher.sinc import Sinc


def tone(hz: float, places: np.ndarray, rate_hz: float) -> np.ndarray:
    return np.sin(2 * np.pi * hz * places / rate_hz)


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 24_000, 44_100, 48_000])
def test_a_tone_is_read_where_it_is(rate_hz):
    sinc = Sinc(rate_hz / 16_000)
    pcm = tone(3000, np.arange(rate_hz // 2), rate_hz).astype(np.float32)
    places = 100.3 + rate_hz / 16_000 * np.arange(2000)
    expected = tone(3000, places + sinc.behind, rate_hz)
    np.testing.assert_allclose(sinc.read(pcm, places), expected, atol=2e-3)


@pytest.mark.parametrize("rate_hz", [24_000, 48_000])
def test_what_the_new_rate_cannot_carry_is_kept_out(rate_hz):
    sinc = Sinc(rate_hz / 16_000)
    pcm = tone(10_500, np.arange(rate_hz // 2), rate_hz).astype(np.float32)
    assert np.abs(sinc.read(pcm, 100 + rate_hz / 16_000 * np.arange(2000))).max() < 0.003


def test_a_constant_stays_constant():
    np.testing.assert_allclose(Sinc(1.5).read(np.ones(400, np.float32), 1.37 * np.arange(200)), 1.0, atol=1e-5)
