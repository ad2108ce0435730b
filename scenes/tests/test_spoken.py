"""What was spoken: pauses and sentences are found in the sound, words by their places."""

from __future__ import annotations

import numpy as np
import pytest

from scenes.reading import Word
from scenes.spoken import BETWEEN_MS, Spoken

RATE_HZ = 1000  # a sample is a millisecond
LOUD = 10_000


def sound(*lengths_ms: int) -> np.ndarray:
    """Silence and sound by turns, silence first."""
    return np.concatenate([np.full(length, LOUD * (k % 2), np.int16) for k, length in enumerate(lengths_ms)])


def test_a_pause_is_the_longest_silence_near():
    spoken = Spoken(sound(50, 300, 120, 200, 80, 300, 40), RATE_HZ, ())
    assert spoken.pause_ms(400) == spoken.pause_ms(500) == pytest.approx(120, abs=1)
    assert spoken.pause_ms(200) <= 1  # it is far from any
    assert spoken.pause_ms(700) == pytest.approx(80, abs=1)
    assert spoken.pause_ms(640) == pytest.approx(80, abs=1)  # it begins 30 ms behind
    assert spoken.pause_ms(610) <= 1  # the one has ended 140 ms before, the other is the next word's
    assert spoken.pause_ms(610, BETWEEN_MS) == pytest.approx(120, abs=1)


def test_sentences_are_cut_out_in_the_pauses_before_them():
    words = [Word(0, 60, 300), Word(5, 480, 660), Word(9, 760, 1050)]  # the second one's mark is late
    spoken = Spoken(sound(50, 300, 100, 210, 100, 300, 40), RATE_HZ, words)
    for first, last, begin, end in ((0, 5, 24, 399), (5, 9, 399, 709), (9, 20, 709, 1079), (0, 20, 24, 1079)):
        np.testing.assert_array_equal(spoken.sentence(first, last), spoken.audio[begin:end])


def test_where_there_is_no_pause_the_mark_says_where_to_cut():
    spoken = Spoken(np.full(1000, LOUD, np.int16), RATE_HZ, [Word(0, 0, 400), Word(5, 400, 1000)])
    assert (spoken.sentence(0, 5).size, spoken.sentence(5, 9).size) == (400, 600)


def test_words_are_known_by_how_many_letters_come_before_them():
    spoken = Spoken(sound(0, 1000), RATE_HZ, [Word(0, 0, 300), Word(4, 300, 700), Word(9, 700, 1000)])
    assert [spoken.index(place) for place in (0, 1, 4, 5, 9, 10)] == [0, 300, 300, 700, 700, 1000]
    assert [spoken.place(index) for index in (0, 299, 300, 999, 1000)] == [0, 0, 4, 9, 10]
    assert spoken.between(4, 9).size == 400


def test_a_word_is_known_again_by_its_sound():
    noise = np.random.default_rng(7).normal(0, 3000, 3000).astype(np.int16)
    words = [Word(0, 0, 400), Word(4, 400, 900), Word(9, 900, 1500)]
    spoken = Spoken(noise[:1500], RATE_HZ, words)
    shifted = [Word(word.place, word.start + 302, word.end + 302) for word in words]  # its marks are 2 ms late
    again = Spoken(
        np.concatenate((noise[2000:2300], noise[:400] // 2, noise[2400:2900], noise[900:1500])), RATE_HZ, shifted
    )
    assert [spoken.sounds_as(again, place) for place in (0, 4, 9)] == [True, False, True]
    assert not spoken.sounds_as(Spoken(noise[:1500], RATE_HZ, words[1:]), 0)
    assert not Spoken(np.zeros(1500, np.int16), RATE_HZ, words).sounds_as(spoken, 0)
