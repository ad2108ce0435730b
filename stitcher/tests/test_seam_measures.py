"""Measured seams: what clicks is found, what our seams leave passes."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.base import Span
from adapters.voice import Voice
from scenes.tests.worlds import WORDS, null_tts
from stitcher.pcm import to_int16
from stitcher.ring import Ring
from stitcher.seam_measures import measure_seam
from stitcher.seams import Seam
from stitcher.stitcher import Stitcher

RATE_HZ = 24_000
EXACT = 1.01  # a click ratio of 1, and the rounding to int16
PEAK = 1.42  # two unlike tones crossed at equal power may peak together: sqrt(2), without any step of the seam's own
NOISE = (
    1.5  # the largest of a frame's steps of white noise lies beyond the 99.9th percentile by chance, seam or no seam
)
SEEDS = range(12)


def tone(hz: float, phase: float = 0.0, level: float = 0.3, count: int = RATE_HZ) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(count) / RATE_HZ + phase)).astype(np.float32)


def noise(seed: int, count: int = RATE_HZ) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.08, count).astype(np.float32)


def words(seed: int) -> np.ndarray:
    """A second of the null engine, from the crest of a word on to the crest of another."""
    synthesis = null_tts()[0].open(Span(WORDS, Voice(), seed))
    pcm = np.concatenate([synthesis.pull(64, False).pcm for _ in range(10)])
    crests = np.flatnonzero(pcm > 0.24)

    def inside_a_word(begin: int) -> int:
        later = crests[crests >= begin]
        return next(k for k in later if np.abs(pcm[k - 400 : k + 400]).reshape(-1, 100).max(axis=1).min() > 0.05)

    first = inside_a_word(400)
    return pcm[first : inside_a_word(first + RATE_HZ)]


def stitch(old: np.ndarray, new: np.ndarray, seam: Seam) -> tuple[np.ndarray, int]:
    stitcher = Stitcher(Ring(np.zeros(4 * RATE_HZ, np.int16)), RATE_HZ)
    stitcher.push(old, RATE_HZ, Seam.JOIN, seam is not Seam.CONTINUE)
    start, _ = stitcher.push(new, RATE_HZ, seam, True)
    stitcher.finish()
    return np.concatenate(stitcher.ring.peek(4 * RATE_HZ)), start


def click_ratio(old: np.ndarray, new: np.ndarray, seam: Seam) -> float:
    """The worst along the seam; a cross is a frame long."""
    pcm, start = stitch(old, new, seam)
    return max(measure_seam(pcm, at, RATE_HZ).click_ratio for at in range(start, start + 481, 120))


# -- what is wrong is found ---------------------------------------------------------------


@pytest.mark.parametrize("phase", [0.5, 1.5, 2.5])
def test_a_hard_step_is_caught_by_its_size_and_by_its_width(phase):
    pcm = np.concatenate((tone(150), tone(150, phase)))
    measure = measure_seam(pcm, RATE_HZ, RATE_HZ)
    assert measure.click_ratio > 5 and measure.high_band_db > 20
    assert measure.click_ratio == pytest.approx(measure_seam(to_int16(pcm), RATE_HZ, RATE_HZ).click_ratio, rel=0.01)
    assert measure_seam(pcm, RATE_HZ - 240, RATE_HZ).click_ratio < EXACT  # 10 ms away there is nothing


@pytest.mark.parametrize("seed", SEEDS)
def test_a_raw_butt_joint_of_speech_fails(seed):
    old, new = words(seed), -words(seed + 1)
    assert measure_seam(np.concatenate((old, new)), old.size, RATE_HZ).click_ratio > 5


def test_one_sample_that_is_wrong_is_enough():
    pcm = tone(200)
    pcm[RATE_HZ // 2] += 0.2
    assert measure_seam(pcm, RATE_HZ // 2, RATE_HZ).click_ratio > 5


# -- what we do passes --------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("seam", [Seam.JOIN, Seam.CONTINUE])
def test_our_seams_are_no_sharper_than_speech(seam, seed):
    draw = np.random.default_rng(seed)
    hz, other_hz = draw.uniform(110, 3000, 2)
    same = seam is Seam.CONTINUE
    whole = words(seed)
    steady = [k for k in range(5000, 18_000) if np.abs(np.diff(whole[k - 200 : k + 700])).max() < 0.1]
    cut = int(draw.choice(steady))  # the null engine's words begin and end with steps of its own
    pairs = {
        "tones": (tone(hz), tone(hz if same else other_hz, 2 * np.pi * hz if same else draw.uniform(0, 6))),
        "noises": (noise(seed), noise(seed + 99)),
        "speech": (whole[:cut], whole[cut:]) if same else (whole, words(seed + 1)),
    }
    for name, (old, new) in pairs.items():
        assert click_ratio(old, new, seam) <= (NOISE if name == "noises" else EXACT), name


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cross_is_no_sharper_than_two_voices_at_once(seed):
    draw = np.random.default_rng(seed)
    hz, other_hz = draw.uniform(110, 3000, 2)
    assert click_ratio(tone(hz), tone(hz, 2 * np.pi * hz * (RATE_HZ - 480) / RATE_HZ), Seam.CROSS) <= EXACT  # in phase
    assert click_ratio(tone(hz), tone(hz, draw.uniform(0, 6)), Seam.CROSS) <= 1.15
    assert click_ratio(tone(hz), tone(other_hz), Seam.CROSS) <= PEAK
    assert click_ratio(words(seed), words(seed + 1), Seam.CROSS) <= PEAK
    assert click_ratio(noise(seed), noise(seed + 99), Seam.CROSS) <= PEAK


# -- levels -------------------------------------------------------------------------------


@pytest.mark.parametrize("difference_db", [-12.0, -3.0, 0.0, 6.0])
def test_the_difference_of_level_is_told_also_across_a_pause(difference_db):
    pause = np.zeros(RATE_HZ // 3, np.float32)
    pcm = np.concatenate((tone(300), pause, tone(300, level=0.3 * 10 ** (difference_db / 20))))
    measure = measure_seam(pcm, RATE_HZ + 4000, RATE_HZ)
    assert measure.level_difference_db == pytest.approx(difference_db, abs=0.25)
    assert measure.loudness_difference_lu == pytest.approx(difference_db, abs=0.25)


def test_the_ear_weighs_low_tones_less_than_high_ones():
    measure = measure_seam(np.concatenate((tone(400), tone(4000))), RATE_HZ, RATE_HZ)
    assert abs(measure.level_difference_db) < 0.2
    assert measure.loudness_difference_lu == pytest.approx(3.8, abs=0.3)


def test_what_cannot_be_measured_is_none_and_not_a_number_made_up():
    one_side = np.concatenate((tone(300), np.zeros(RATE_HZ, np.float32)))
    measure = measure_seam(one_side, RATE_HZ, RATE_HZ)
    assert measure.level_difference_db is None and measure.loudness_difference_lu is None
    assert measure_seam(tone(300), 4000, 8_000).high_band_db is None


def test_a_seam_that_lies_outside_or_has_no_speech_is_refused():
    for index in (0, RATE_HZ):
        with pytest.raises(ValueError, match="outside"):
            measure_seam(tone(300), index, RATE_HZ)
    with pytest.raises(ValueError, match="speech"):
        measure_seam(np.zeros(RATE_HZ, np.float32), 500, RATE_HZ)


def test_the_speech_may_be_named():
    pcm = np.concatenate((tone(300), noise(1)))
    mask = np.arange(pcm.size) < RATE_HZ
    assert measure_seam(pcm, RATE_HZ, RATE_HZ, mask).click_ratio > 3 > measure_seam(pcm, RATE_HZ, RATE_HZ).click_ratio
