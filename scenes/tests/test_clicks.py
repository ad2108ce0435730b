"""A change of voices beside the same words alone: what a voice does itself is no click, what a cut does is one."""

from __future__ import annotations

import numpy as np
import pytest

from scenes.clicks import click_ratio
from scenes.reading import Word
from scenes.spoken import Spoken

RATE_HZ = 48_000
SEAM = RATE_HZ  # a second in, where the second word begins
FRAME = RATE_HZ // 50


def voice(hz: float, sharp: float = 0.0, at: int = SEAM) -> Spoken:
    """Three seconds of a tone; with one step of `sharp` like those of speech, but larger, at `at`."""
    audio = 8000 * np.sin(2 * np.pi * hz * np.arange(3 * RATE_HZ) / RATE_HZ)
    audio[at] += sharp
    return Spoken(audio.astype(np.int16), RATE_HZ, [Word(0, 0, SEAM), Word(4, SEAM, 2 * RATE_HZ)])


def test_speech_that_nobody_cut_is_as_sharp_as_itself():
    assert click_ratio(voice(200), SEAM) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("offset", [-FRAME, -FRAME // 2, 0])
def test_a_step_anywhere_in_the_crossfade_is_a_click(offset):
    alone = (voice(200), voice(210))
    assert click_ratio(voice(200, 3000, SEAM + offset), SEAM, alone) > 5


def test_a_step_away_from_it_is_the_voices_own():
    assert click_ratio(voice(200, 3000, SEAM + 2 * FRAME), SEAM) < 1.02


def test_what_a_word_does_by_itself_is_no_click_and_hides_none_that_is_larger():
    alone = (voice(200), voice(210, 3000))
    assert click_ratio(voice(200, 3000), SEAM) > 5
    assert click_ratio(voice(200, 3000), SEAM, alone) <= 1.02
    assert click_ratio(voice(200, 6000), SEAM, alone) > 1.5


def test_silence_is_no_click():
    silence = Spoken(np.zeros(3 * RATE_HZ, np.int16), RATE_HZ, [Word(0, 0, RATE_HZ)])
    assert click_ratio(silence, SEAM, (silence,)) == 0
