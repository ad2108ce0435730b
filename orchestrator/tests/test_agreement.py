"""What two successive hypotheses agree on stays, and is never taken back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.agreement import Agreement


def fed(*hypotheses: str) -> list[tuple[str, str]]:
    agreement = Agreement()
    return [agreement.feed(text) for text in hypotheses]


def test_nothing_is_stable_at_first():
    assert fed("Please turn") == [("", "Please turn")]


def test_what_two_agree_on_is_stable_and_the_rest_is_not():
    assert fed("Please turn of", "Please turn off the light", "Please turn off the lights in")[1:] == [
        ("Please turn", "off the light"),
        ("Please turn off the", "lights in"),
    ]


def test_two_that_agree_are_successive_ones():
    assert fed("the cat", "a cat", "the cat")[-1] == ("", "the cat")


def test_the_same_twice_is_stable_as_a_whole():
    assert fed("Thank you.", "Thank you.")[-1] == ("Thank you.", "")


def test_case_and_punctuation_make_no_other_word_and_the_later_spelling_stays():
    assert fed("please turn, off", "Please turn off. The", "PLEASE TURN OFF the light")[1:] == [
        ("Please turn off.", "The"),
        ("Please turn off. the", "light"),
    ]


def test_marks_alone_are_words_of_their_own():
    assert fed("a - b", "a - c")[-1] == ("a -", "c")
    assert fed("a - b", "a , b")[-1] == ("a", ", b")


def test_letters_beyond_ascii_are_letters():
    assert fed("Köln ist schön", "köln IST SCHÖN!")[-1] == ("köln IST SCHÖN!", "")
    assert fed("ｆｕｌｌ", "full")[-1] == ("full", "")
    assert fed("की", "का")[-1] == ("", "का")  # vowel signs tell words apart


@pytest.mark.parametrize(
    ("later", "unstable"),
    [
        ("Well please turn off the light", "the light"),  # a word more in front
        ("please off the light", "the light"),  # one less
        ("please turn of the light", "the light"),  # another
        ("please turn off", ""),  # it has not gone on
        ("please turn", ""),  # nor come as far
    ],
)
def test_what_is_stable_stays_however_it_is_told_later(later, unstable):
    agreement = Agreement()
    agreement.feed("please turn off")
    assert agreement.feed("please turn off") == ("please turn off", "")
    assert agreement.feed(later) == ("please turn off", unstable)


def test_an_empty_hypothesis_says_nothing():
    assert fed("we meet at", "", " ", "we meet at noon") == [
        ("", "we meet at"), ("", "we meet at"), ("", "we meet at"), ("we meet at", "noon"),
    ]  # fmt: skip
    assert fed("", "")[-1] == ("", "")


def test_a_word_said_twice_is_stable_twice():
    assert fed("no no", "no no no", "no no no")[1:] == [("no no", "no"), ("no no no", "")]


texts = st.lists(st.sampled_from("the The a cat, cat sat on mat. - ,".split()), max_size=8).map(" ".join)


@given(st.lists(texts, max_size=8))
def test_what_was_stable_once_is_the_beginning_of_what_is_stable_later(hypotheses):
    before = ""
    for stable, unstable in fed(*hypotheses):
        assert stable.startswith(before)
        assert not (unstable and not unstable.strip())
        before = stable


@given(texts)
def test_a_hypothesis_that_is_repeated_becomes_stable_as_a_whole(text):
    assert fed(text, text)[-1] == (text, "")
