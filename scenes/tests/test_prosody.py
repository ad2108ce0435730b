"""Two readings beside each other: what is the same is found, whatever voice, pace, level and marks are like."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scenes.balance import spectral_balance_db
from scenes.prosody import SHIFT_MOST_MS, likeness
from scenes.reading import Reading, Word

RATE_HZ = 24_000
WORDS = 30


def spoken(seed: int, *, pace: float = 1.0, gain: float = 1.0, late_ms: int = 0, hum_hz: float = 150.0) -> Reading:
    """Words of two sounds each, one that hisses and one that hums, of lengths and in an order that the seed draws."""
    order, noise = np.random.default_rng(seed), np.random.default_rng(1000 + seed)
    pieces, words, at = [], [], 0
    for k in range(WORDS):
        lengths_s = order.uniform(0.06, 0.3, 2) / pace
        sounds = []
        for hisses, seconds in zip(order.permutation([True, False]), lengths_s, strict=True):
            size = int(seconds * RATE_HZ)
            hiss = np.diff(noise.normal(0.0, 0.1, size + 1))
            hum = 0.2 * np.sin(2 * np.pi * hum_hz * np.arange(size) / RATE_HZ)
            sounds.append(gain * (hiss if hisses else hum))
        piece = np.concatenate(sounds)
        late = late_ms * RATE_HZ // 1000
        words.append(Word(6 * k, at + late, at + piece.size + late))
        pieces.append(piece)
        at += piece.size
    return Reading(np.concatenate(pieces).astype(np.float32), RATE_HZ, words, 6 * WORDS)


def test_a_reading_is_like_itself():
    same = likeness(spoken(1), spoken(1))
    assert (same.words, same.shift_ms) == (WORDS, 0)
    assert same.rhythm == pytest.approx(1.0) and same.balance == pytest.approx(1.0) and same.pace == pytest.approx(1.0)


def test_pace_level_and_pitch_make_no_other_rhythm_and_no_other_balance():
    other = likeness(spoken(1, pace=1.3, gain=0.3, hum_hz=90.0), spoken(1))
    assert other.pace == pytest.approx(1.3, rel=0.02)
    assert other.rhythm > 0.95 and other.balance > 0.8


def test_another_text_is_not_alike():
    other = likeness(spoken(1), spoken(2))
    assert abs(other.rhythm) < 0.5 and other.balance < 0.3


@pytest.mark.parametrize("late_ms", [-60, 40])
def test_marks_that_come_late_are_found_and_do_not_count(late_ms):
    other = likeness(spoken(1), spoken(1, late_ms=late_ms))
    assert other.shift_ms == late_ms and other.balance > 0.95


def test_marks_beyond_reach_are_not_excused():
    assert likeness(spoken(1), spoken(1, late_ms=3 * SHIFT_MOST_MS)).balance < 0.4


def test_words_that_only_one_marks_belong_to_the_one_before():
    whole, fewer = spoken(1), spoken(1)
    fewer = replace(fewer, words=[word for word in fewer.words if word.place % 12 == 0])
    assert likeness(whole, fewer).words == likeness(fewer, whole).words == WORDS // 2


def test_too_few_words_say_nothing():
    one = spoken(1)
    few = likeness(replace(one, words=one.words[:4]), one)
    assert np.isnan(few.rhythm) and np.isnan(few.balance) and np.isnan(few.tune)


def test_a_hiss_lies_above_a_hum_whatever_their_level():
    hiss = np.diff(np.random.default_rng(1).normal(0.0, 1.0, RATE_HZ // 2 + 1))
    hum = np.sin(2 * np.pi * 150 * np.arange(RATE_HZ // 2) / RATE_HZ)
    for gain in (0.01, 0.5):
        balance = spectral_balance_db((gain * np.concatenate((hiss, hum))).astype(np.float32), RATE_HZ)
        assert balance[5:40].min() > 10 and balance[60:95].max() < -10


def test_silence_has_no_balance():
    assert not spectral_balance_db(np.zeros(RATE_HZ, np.float32), RATE_HZ).any()
