"""Splices: as many samples as they say, no click, and in a voice a whole period."""

from __future__ import annotations

import numpy as np
import pytest

from stitcher.seam_measures import measure_seam
from stitcher.splice import OVERLAP_MS, SILENT, Splice, find_alike, find_silence, lengthen, samples_needed, shorten

RATE_HZ = 24_000
OVERLAP = OVERLAP_MS * RATE_HZ // 1000


def voice(count: int, hz: float = 140, seed: int = 0) -> np.ndarray:
    """A buzz with formants: harmonics of random phase, falling with their number."""
    draw = np.random.default_rng(seed)
    at = np.arange(count) / RATE_HZ
    partials = sum(np.sin(2 * np.pi * hz * k * at + draw.uniform(0, 6)) / k for k in range(1, 20))
    return (0.1 * partials).astype(np.float32)


@pytest.mark.parametrize("hz", [70, 110, 140, 200, 233])
def test_a_voice_loses_or_gains_whole_periods(hz):
    pcm = voice(2 * samples_needed(RATE_HZ), hz)
    at = find_alike(pcm, RATE_HZ)
    periods = at.piece * hz / RATE_HZ
    assert periods == pytest.approx(round(periods), abs=0.02) and round(periods) >= 1


@pytest.mark.parametrize("hz", [80, 140, 233])
@pytest.mark.parametrize(("change", "sign"), [(shorten, -1), (lengthen, 1)])
def test_a_splice_does_not_click(change, sign, hz):
    pcm = voice(RATE_HZ, hz)
    at = find_alike(pcm[12_000:14_000], RATE_HZ)
    at = Splice(12_000 + at.start, at.piece, at.overlap)
    out = change(pcm, at)
    assert out.size == pcm.size + sign * at.piece
    np.testing.assert_array_equal(out[:12_000], pcm[:12_000])
    np.testing.assert_array_equal(out[-8000:], pcm[-8000:])
    for place in range(at.start, at.start + at.piece + OVERLAP, 60):
        assert measure_seam(out, place, RATE_HZ).click_ratio <= 1.05


def test_a_raw_cut_at_any_other_place_does():
    pcm = voice(RATE_HZ)
    raw = np.concatenate((pcm[:12_000], pcm[12_060:]))
    assert measure_seam(raw, 12_000, RATE_HZ).click_ratio > 1.5


def test_the_longest_silence_is_found_and_its_edges_kept():
    pcm = voice(4000)
    pcm[:] = np.where(np.abs(pcm) < SILENT, 0.01, pcm)
    pcm[500:900] = 0.001
    pcm[2000:3000] = -0.002
    at = find_silence(pcm, RATE_HZ, 10_000)
    assert at == Splice(2000, 1000 - OVERLAP, OVERLAP)
    assert find_silence(pcm, RATE_HZ, 300).piece == 300
    out = shorten(pcm, at)
    assert np.abs(out[2000 : 2000 + OVERLAP]).max() < SILENT and out.size == 4000 - at.piece


def test_where_there_is_none_nothing_is_found():
    assert find_silence(np.full(4000, 0.1, np.float32), RATE_HZ, 1000) is None
    assert find_silence(np.zeros(OVERLAP, np.float32), RATE_HZ, 1000) is None
    assert find_silence(np.zeros(0, np.float32), RATE_HZ, 1000) is None
    assert find_alike(voice(samples_needed(RATE_HZ) - 1), RATE_HZ) is None
