"""Gain: as much as was asked, never beyond full scale, and the same in any pieces."""

from __future__ import annotations

import numpy as np
import pytest

from stitcher.gain import KNEE, amplified


def tone(level: float) -> np.ndarray:
    return (level * np.sin(2 * np.pi * 200 * np.arange(4800) / 24_000)).astype(np.float32)


@pytest.mark.parametrize("gain_db", [-12.0, -3.0, 3.0, 6.0])
def test_below_the_knee_it_is_exact(gain_db):
    pcm = tone(0.3)
    np.testing.assert_allclose(amplified(pcm, gain_db), pcm * 10 ** (gain_db / 20), rtol=1e-6)


def test_without_gain_nothing_is_touched():
    pcm = tone(1.0)
    assert amplified(pcm, 0.0) is pcm


def test_peaks_are_bent_and_never_cut():
    out = amplified(tone(0.9), 12.0)
    assert out.dtype == np.float32
    assert KNEE < np.abs(out).max() <= 1.0
    assert np.abs(np.diff(out)).max() <= np.abs(np.diff(tone(0.9))).max() * 10**0.6  # steeper nowhere than the gain


def test_louder_stays_in_order():
    rising = np.linspace(-1, 1, 999, dtype=np.float32)
    assert (np.diff(amplified(rising, 6.0)) > 0).all()


def test_pieces_sound_like_the_whole():
    pcm = tone(0.9)
    pieces = [amplified(part, 9.0) for part in np.array_split(pcm, 7)]
    np.testing.assert_array_equal(np.concatenate(pieces), amplified(pcm, 9.0))
