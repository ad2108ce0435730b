"""Dither: the same bytes from the same seed, a level that was asked for, an error that does not follow the signal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stitcher.dither import DITHER_LEAST_DBFS, DITHER_MOST_DBFS, Dither, make_dither
from stitcher.pcm import FULL_SCALE, dbfs, to_int16
from stitcher.ring import Ring
from stitcher.seams import Seam
from stitcher.stitcher import Stitcher

SILENCE = np.zeros(100_000, np.float32)


def stitched(sizes: list[int], level_dbfs: float | None, seed: int = 3) -> np.ndarray:
    """A faint tone pushed in chunks of `sizes`."""
    stitcher = Stitcher(Ring(np.zeros(48_000, np.int16)), 24_000, make_dither(level_dbfs, seed))
    whole = (0.001 * np.sin(np.arange(sum(sizes)) / 7)).astype(np.float32)
    for k, chunk in enumerate(np.split(whole, np.cumsum(sizes)[:-1])):
        stitcher.push(chunk, 24_000, Seam.CONTINUE, k == len(sizes) - 1)
    stitcher.finish()
    return np.concatenate(stitcher.ring.peek(stitcher.ring.queued))


@given(st.lists(st.integers(0, 1500), min_size=1, max_size=8), st.integers(0, 5))
def test_the_same_seed_is_the_same_bytes_however_the_stream_is_chunked(sizes, seed):
    np.testing.assert_array_equal(stitched(sizes, -80, seed), stitched([sum(sizes)], -80, seed))


def test_another_seed_is_another_noise():
    assert not np.array_equal(stitched([4000], -80, 1), stitched([4000], -80, 2))


def test_without_it_pauses_are_black_and_all_is_as_it_was():
    assert not np.any(stitched([4000], None)[:1])
    assert make_dither(None, 1) is None


@pytest.mark.parametrize("level_dbfs", [DITHER_LEAST_DBFS, -90, -75, -60, DITHER_MOST_DBFS])
def test_a_pause_has_the_level_that_was_asked_for(level_dbfs):
    assert dbfs(Dither(level_dbfs, 1).to_int16(SILENCE, 0)) == pytest.approx(level_dbfs, abs=0.4)


@pytest.mark.parametrize("value", [-0.5, -0.3, 0.0, 0.2, 0.5])
def test_the_mean_lies_between_two_steps_where_rounding_would_take_one(value):
    pcm = np.full(100_000, value / FULL_SCALE, np.float32)
    error = Dither(DITHER_LEAST_DBFS, 1).to_int16(pcm, 0) - value
    assert abs(error.mean()) < 0.01 and error.var() == pytest.approx(0.26, abs=0.02)


def test_a_tone_below_one_step_is_still_there():
    tone = (0.4 / FULL_SCALE * np.sin(2 * np.pi * 440 / 24_000 * np.arange(240_000))).astype(np.float32)
    assert not to_int16(tone).any()
    spectrum = np.abs(np.fft.rfft(Dither(DITHER_LEAST_DBFS, 1).to_int16(tone, 0)))
    assert int(np.argmax(spectrum)) == 4400


def test_neighbours_are_not_alike():
    noise = Dither(-60, 1).to_int16(SILENCE, 0).astype(float)
    for lag in (1, 2, 3, 4, 8):
        assert abs(np.corrcoef(noise[:-lag], noise[lag:])[0, 1]) < 0.02


def test_full_scale_does_not_wrap_and_what_is_no_number_is_silence():
    loud = Dither(DITHER_MOST_DBFS, 1).to_int16(np.array([1, -1, np.nan, 9] * 1000, np.float32), 0).reshape(-1, 4)
    assert loud[:, 0].min() > 32_000 and loud[:, 3].min() > 32_000 and loud[:, 1].max() < -32_000
    assert np.abs(loud[:, 2]).max() < 400


def test_positions_of_a_day_are_as_good_as_the_first():
    day = 24 * 3600 * 48_000
    noise = Dither(-70, 1)
    np.testing.assert_array_equal(noise.to_int16(SILENCE[:100], day + 3)[5:], noise.to_int16(SILENCE[:95], day + 8))


@pytest.mark.parametrize("level_dbfs", [DITHER_LEAST_DBFS - 1, DITHER_MOST_DBFS + 1, 0.0])
def test_a_level_that_makes_no_sense_is_refused(level_dbfs):
    with pytest.raises(ValueError, match="dither_dbfs"):
        Dither(level_dbfs, 0)
