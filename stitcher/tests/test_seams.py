"""Fades and crossfades: level in power, and no step that was not there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stitcher.seams import crossfade, fade_in, fade_out

COUNTS = st.integers(0, 600)


@given(size=COUNTS, count=COUNTS)
def test_a_fade_rises_and_leaves_the_rest_and_its_source_alone(size, count):
    ones = np.ones(size, np.float32)
    for faded in (fade_in(ones, count), fade_out(ones, count)[::-1]):
        ramp = min(size, count)
        assert (np.diff(faded[: ramp + 1]) >= 0).all()
        assert (faded[:ramp] < 1.0001).all() and (faded[ramp:] == 1).all()
        assert np.abs(np.diff(faded[:ramp])).max(initial=0) <= np.pi / 2 / max(1, ramp) + 1e-6
    assert (ones == 1).all()


@pytest.mark.parametrize("count", [48, 120, 480])
def test_a_fade_begins_in_silence(count):
    assert fade_in(np.ones(600, np.float32), count)[0] < 0.001
    assert fade_out(np.ones(600, np.float32), count)[-1] < 0.001


@given(size=COUNTS, seed=st.integers(0, 99))
def test_a_crossfade_of_unlike_pieces_keeps_the_power(size, seed):
    """The gains' squares add up to one at every sample: two voices out of phase stay level."""
    ones, none = np.ones(size, np.float32), np.zeros(size, np.float32)
    np.testing.assert_allclose(crossfade(ones, none) ** 2 + crossfade(none, ones) ** 2, 1, atol=1e-6)
    old = np.random.default_rng(seed).uniform(-1, 1, size).astype(np.float32)
    np.testing.assert_allclose(crossfade(old, none) + crossfade(none, -old), crossfade(old, -old), atol=1e-6)


@given(size=st.integers(2, 600), level=st.floats(0.1, 1), seed=st.integers(0, 99))
def test_a_crossfade_of_like_pieces_is_the_piece(size, level, seed):
    piece = np.random.default_rng(seed).uniform(-1, 1, size).astype(np.float32)
    np.testing.assert_allclose(crossfade(piece, piece), piece, atol=1e-5)
    softer = np.abs(crossfade(piece, np.float32(level) * piece))
    assert (softer <= np.abs(piece) + 1e-5).all() and (softer >= level * np.abs(piece) - 1e-5).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_crossfade_of_two_noises_is_level(seed):
    old, new = np.random.default_rng(seed).normal(0, 0.1, (2, 48_000)).astype(np.float32)
    levels = [float(np.sqrt(np.mean(part**2))) for part in np.split(crossfade(old, new), 8)]
    assert max(levels) / min(levels) < 1.06  # 0.5 dB


@given(size=st.integers(2, 600), old_hz=st.integers(50, 2000), new_hz=st.integers(50, 2000))
def test_a_crossfade_makes_no_larger_step(size, old_hz, new_hz):
    at = np.arange(size) / 24_000
    old, new = (np.sin(2 * np.pi * hz * at).astype(np.float32) for hz in (old_hz, new_hz))
    own = np.abs(np.diff(old)).max() + np.abs(np.diff(new)).max()
    assert np.abs(np.diff(crossfade(old, new))).max() <= own + np.pi / size + 1e-6


def test_pieces_of_two_lengths_do_not_cross():
    with pytest.raises(AssertionError):
        crossfade(np.zeros(3, np.float32), np.zeros(4, np.float32))
