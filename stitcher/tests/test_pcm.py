"""Samples from one type to the other, their level and their digest."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stitcher.pcm import dbfs, digest, frame_samples, to_float32, to_int16

SAMPLES = hnp.arrays(np.int16, st.integers(0, 200))
ANY_FLOATS = hnp.arrays(np.float32, st.integers(0, 200), elements=st.floats(width=32))


@given(SAMPLES)
def test_int16_survives_the_journey(pcm):
    np.testing.assert_array_equal(to_int16(to_float32(pcm)), np.maximum(pcm, -32767))
    assert np.abs(to_float32(pcm)).max(initial=0) <= 32768 / 32767


@pytest.mark.filterwarnings("error")
@given(ANY_FLOATS)
def test_whatever_an_engine_hands_over_is_a_sample(pcm):
    out = to_int16(pcm)
    assert out.dtype == np.int16
    assert np.abs(out.astype(int)).max(initial=0) <= 32767
    assert not out[np.isnan(pcm)].any()
    assert (out[pcm >= 1] == 32767).all() and (out[pcm <= -1] == -32767).all()


@pytest.mark.parametrize(("rate_hz", "samples"), [(8_000, 160), (22_050, 441), (24_000, 480), (48_000, 960)])
def test_a_frame_is_20_ms(rate_hz, samples):
    assert frame_samples(rate_hz) == samples


@pytest.mark.parametrize("rate_hz", [0, -24_000, 11_025])
def test_a_rate_without_whole_frames_is_refused(rate_hz):
    with pytest.raises(ValueError, match=r"audio\.rate_hz"):
        frame_samples(rate_hz)


@given(SAMPLES)
def test_a_level_lies_between_silence_and_full_scale(pcm):
    assert -120 <= dbfs(pcm) <= 0.001


@pytest.mark.parametrize(("value", "level"), [(0, -120.0), (32767, 0.0), (-3277, -20.0), (1, -90.3)])
def test_levels(value, level):
    assert dbfs(np.full(480, value, np.int16)) == pytest.approx(level, abs=0.01)


def test_a_digest_is_of_little_endian_bytes():
    pcm = np.array([1, -2, 300], np.int16)
    assert digest(pcm) == digest(pcm.astype(">i2")) == digest(np.repeat(pcm, 2)[::2])
    assert digest(pcm) != digest(pcm[:2])
    assert digest(pcm) == hashlib.sha256(struct.pack("<3h", 1, -2, 300)).hexdigest()
