"""What was heard, in every case that an interruption can make."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline.events import WordMark
from timeline.ledger import CHARS_PER_S, Entry, Ledger

RATE_HZ = 1000
TEXT = "One two three."
MARKS = (WordMark(0, 3, 0, 300), WordMark(4, 7, 300, 600), WordMark(8, 14, 600, 900))


def ledger(*entries: Entry) -> Ledger:
    made = Ledger(RATE_HZ)
    for entry in entries:
        made.add(entry)
    return made


def entry(start: int, end: int, *, phrase: int = 1, utterance: int = 1, marks=(), measured=True, eos=True) -> Entry:
    return Entry(start, end, utterance, phrase, 0, tuple(marks), measured, eos)


# -- with marks ---------------------------------------------------------------------------


@pytest.mark.parametrize(("read_index", "heard"), [
    (0, ""), (1, ""), (149, ""), (150, "One"), (449, "One"), (450, "One two"), (749, "One two"),
    (750, TEXT), (899, TEXT), (1000, TEXT), (99_999, TEXT),
])  # fmt: skip
def test_a_word_counts_once_half_of_it_has_sounded(read_index, heard):
    chars, measured = ledger(entry(0, 1000, marks=MARKS)).heard_chars(1, TEXT, read_index)
    assert (TEXT[:chars], measured) == (heard, True)


@pytest.mark.parametrize("read_index", [-1, 0, 500, 2000])
def test_before_the_first_frame_nothing_was_heard(read_index):
    assert ledger().heard_chars(1, TEXT, read_index) == (0, True)
    late = ledger(entry(2000, 3000, measured=False))
    assert late.heard_chars(1, TEXT, read_index) == (0, True)


def test_marks_of_a_phrase_that_is_still_being_rendered():
    begun = ledger(entry(0, 400, marks=MARKS[:1], eos=False), entry(400, 650, marks=MARKS[1:2], eos=False))
    assert begun.heard_chars(1, TEXT, 500) == (7, True)
    assert begun.heard_chars(1, TEXT, 650) == (7, True)


def test_estimated_marks_are_called_an_estimate():
    assert ledger(entry(0, 1000, marks=MARKS, measured=False)).heard_chars(1, TEXT, 400) == (3, False)


def test_all_of_a_phrase_needs_no_estimate():
    assert ledger(entry(0, 1000, measured=False)).heard_chars(1, TEXT, 1000) == (len(TEXT), True)


# -- after a cut --------------------------------------------------------------------------


def test_after_a_cut_the_next_utterance_begins_behind_the_hole():
    """The sink fell silent at 400 and skipped to 1000, where the next stream begins."""
    cut = ledger(entry(0, 1000, marks=MARKS))
    assert cut.heard_chars(1, TEXT, 400)[0] == 3
    cut.forget()
    assert cut.heard_chars(1, TEXT, 99_999) == (0, True)
    moved = [WordMark(m.text_start, m.text_end, m.start_index + 1000, m.end_index + 1000) for m in MARKS]
    cut.add(entry(1000, 2000, phrase=2, utterance=2, marks=moved))
    assert [cut.heard_chars(2, TEXT, at)[0] for at in (1000, 1149, 1150, 1500)] == [0, 0, 3, 7]


def test_a_hole_inside_a_phrase_is_not_counted_as_heard():
    text = "aaaa bbbb cccc dddd"
    holed = ledger(entry(0, 100, eos=False, measured=False), entry(900, 1000, measured=False))
    heard = [holed.heard_chars(1, text, at) for at in (100, 500, 900)]
    assert heard == [(9, False)] * 3


def test_what_was_heard_to_its_end_is_kept_as_a_number_only():
    kept = ledger(
        entry(0, 10, phrase=1), entry(10, 20, phrase=2, eos=False), entry(20, 30, phrase=2), entry(30, 40, phrase=3)
    )
    kept.pass_over(25)
    assert [(e.phrase, e.start_index) for e in kept.entries] == [(2, 10), (2, 20), (3, 30)]
    assert kept.heard_chars(1, TEXT, 25) == (len(TEXT), True)
    kept.pass_over(30)
    assert [e.phrase for e in kept.entries] == [3]
    assert kept.heard_chars(2, TEXT, 30) == (len(TEXT), True)
    kept.forget()
    assert kept.entries == []
    assert kept.heard_chars(1, TEXT, 99) == (0, True)


# -- without marks ------------------------------------------------------------------------


def test_without_marks_the_share_of_samples_gives_whole_words():
    plain = ledger(entry(0, 1400, measured=False))
    heard = [TEXT[: plain.heard_chars(1, TEXT, at)[0]] for at in (1, 299, 300, 699, 700, 1399)]
    assert heard == ["", "", "One", "One", "One two", "One two"]


def test_of_an_unfinished_phrase_a_speaking_rate_gives_whole_words():
    plain = ledger(entry(0, 5000, measured=False, eos=False))
    at = int(8 / CHARS_PER_S * RATE_HZ)
    assert plain.heard_chars(1, TEXT, at) == (7, False)


WORDS = st.lists(st.text("ab.é", min_size=1, max_size=8), min_size=1, max_size=8)


@given(words=WORDS, gap=st.sampled_from([" ", "\n", "  ", " \t"]), eos=st.booleans(), read=st.integers(-10, 9000))
def test_an_estimate_ends_with_a_words_end_inside_the_text(words, gap, eos, read):
    text = gap.join(words)
    chars, _ = ledger(entry(0, 4000, measured=False, eos=eos)).heard_chars(1, text, read)
    assert chars in {0, *(match.end() for match in re.finditer(r"\S+", text))}


@given(words=WORDS, eos=st.booleans(), marked=st.booleans(), reads=st.lists(st.integers(0, 5000), min_size=2))
def test_who_listens_longer_has_heard_no_less(words, eos, marked, reads):
    text = " ".join(words)
    marks = [WordMark(m.start(), m.end(), m.start() * 50, m.end() * 50) for m in re.finditer(r"\S+", text)]
    made = ledger(entry(0, 4000, marks=marks if marked else (), measured=marked, eos=eos))
    heard = [made.heard_chars(1, text, at)[0] for at in sorted(reads)]
    assert heard == sorted(heard)
    assert all(0 <= chars <= len(text) for chars in heard)


# -- taken back ---------------------------------------------------------------------------


def test_what_was_taken_back_was_never_said():
    made = ledger(entry(0, 900, marks=MARKS, eos=False), entry(900, 1200, phrase=2))
    made.retract(600)
    assert [(kept.phrase, kept.end_index, kept.eos) for kept in made.entries] == [(1, 600, True)]
    assert made.heard_chars(1, TEXT[:7], 600) == (7, True)
    assert [mark.text_start for mark in made.marks(1)] == [0, 4]


def test_a_phrase_that_ends_where_the_stream_is_cut_is_whole():
    made = ledger(entry(0, 900, marks=MARKS), entry(900, 1200, phrase=2))
    made.retract(900)
    assert [(kept.phrase, kept.end_index, kept.eos) for kept in made.entries] == [(1, 900, True)]


def test_words_are_listed_where_they_begin_phrases_without_marks_too():
    made = ledger(entry(0, 900, marks=MARKS), entry(900, 1200, phrase=2))
    assert made.words() == [(0, 1, 0), (300, 1, 4), (600, 1, 8), (900, 2, 0)]


@pytest.mark.parametrize(("ended", "marked", "cut"), [
    (300, 300, 300), (300, 360, 300), (300, 400, 300), (300, 900, 800), (320, 300, 300),
])  # fmt: skip
def test_a_word_is_cut_off_a_little_before_its_mark_but_behind_the_word_before(ended, marked, cut):
    marks = (WordMark(0, 3, 0, ended), WordMark(4, 7, marked, marked + 100))
    assert ledger(entry(0, 2000, marks=marks)).words() == [(0, 1, 0), (cut, 1, 4)]
