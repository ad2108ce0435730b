"""OuteTTS's tokens, spelt by hand: frames are pairs, words have times, and what the model makes up has none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Marker
from adapters.tts.outetts_tokens import CODES, TokenReader, Word, WordFinder, letters
from adapters.tts.tests.oute_writer import C1, C2, TEXT, TIMES, VOCABULARY, word


def read(*ids: int) -> TokenReader:
    reader = TokenReader(VOCABULARY)
    reader.begin()
    for id in ids:
        reader.feed(id)
    return reader


def test_words_begin_at_their_frames_and_last_as_long_as_they_tell():
    reader = read(*word("Hello,", range(30), first=True), *word("you.", range(15)))
    assert reader.words == [Word("hello", 0, 30), Word("you", 30, 15)]
    assert reader.frames == 45
    assert reader.codes(28, 32) == ([28, 29, 0, 1],) * 2


def test_half_a_frame_is_none_and_does_not_shift_the_next_answer():
    reader = read(*word("a", range(3), first=True), C1 + 7)
    assert (reader.frames, reader.codes(0, 9)) == (3, ([0, 1, 2], [0, 1, 2]))
    reader.begin()
    for id in word("b", range(2), first=True):
        reader.feed(id)
    assert reader.codes(3, 9) == ([0, 1], [0, 1])
    assert reader.words[-1] == Word("b", 3, 2)


def test_a_code_that_no_codec_takes_is_the_last_that_one_does():
    assert read(C1 + CODES, C2 + CODES).codes(0, 1) == ([CODES - 1], [CODES - 1])


@given(st.lists(st.sampled_from([1, 2, 3, 4, C1, C2, C1 + 9, C2 + 9, TIMES + 20, TEXT + 65])))
def test_whatever_the_model_writes_is_read(ids):
    reader = read(*ids)
    assert reader.frames == min(sum(C1 <= id < C2 for id in ids), sum(C2 <= id < TIMES for id in ids))
    assert [entry.first_frame for entry in reader.words] == sorted(entry.first_frame for entry in reader.words)


def found(text: str, *words: str) -> list[str]:
    """The tokens of the text that got a mark from these words, ten frames each."""
    finder = WordFinder(text)
    marks = [finder.find(Word(letters(spoken), 10 * number, 10), 320) for number, spoken in enumerate(words)]
    return [text[mark.text_start : mark.text_end] for mark in marks if mark]


@pytest.mark.parametrize(
    ("text", "words", "marked"),
    [
        ("Hello there, you!", "Hello there, you!", "Hello there, you!"),
        ("It is 3.14 now", "It is 3. 14 now", "It is 3.14 now"),  # the package parts numbers
        ("one two three four", "one three four", "one three four"),  # a word left out
        ("one two", "one er two", "one two"),  # a word made up
        ("Well — yes", "Well yes", "Well yes"),  # a token without sound
        ("ÉCOLE", "école", "ÉCOLE"),
        ("a b", "zebra", ""),
    ],
)
def test_words_are_laid_along_the_text(text, words, marked):
    assert " ".join(found(text, *words.split())) == marked


def test_marks_do_not_overlap_where_a_word_is_shorter_than_it_told():
    finder = WordFinder("one two")
    assert finder.find(Word("one", 0, 12), 320) == Marker(0, 3, 0, 12 * 320)
    assert finder.find(Word("two", 10, 5), 320) == Marker(4, 7, 12 * 320, 15 * 320)
    assert finder.find(Word("two", 15, 5), 320) is None
