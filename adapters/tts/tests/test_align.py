"""Tokens of a text along its phonemes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tts.align import align, tokens

LETTERS = st.text("abə ˈ,", max_size=12)


@given(st.text())
def test_tokens_are_the_runs_without_white_space(text):
    assert [text[a:b] for a, b in tokens(text)] == text.split() or any(c in "\x1c\x1d\x1e\x1f" for c in text)


@given(sentence=LETTERS, own=st.lists(LETTERS, max_size=6))
def test_ranges_ascend_inside_the_sentence_whatever_they_are_given(sentence, own):
    ranges = align(list(sentence), own)
    assert len(ranges) == len(own)
    found = [place for place in ranges if place is not None]
    assert all(0 <= a < b <= len(sentence) for a, b in found)
    assert all(first[1] <= second[0] for first, second in pairwise(found))


@given(st.lists(st.text("abə", min_size=1, max_size=6), min_size=1, max_size=8))
def test_words_that_sound_alone_as_they_do_together_are_exact(words):
    sentence = " ".join(words)
    assert [sentence[a:b] for a, b in align(list(sentence), words)] == words


@pytest.mark.parametrize(("sentence", "own", "expected"), [
    ("wˈʌn twˈɛnti θɹˈiː", ["wˈʌn", "twˈɛnti θɹˈiː"], ["wˈʌn", "twˈɛnti θɹˈiː"]),  # one token, two words
    ("ʌvðə dˈɔɡ", ["ʌv", "ðə", "dˈɔɡ"], ["ʌv", "ðə", "dˈɔɡ"]),  # two tokens, one word
    ("ə dˈɔɡ", ["ɐ", "dˈɔɡ"], ["ə", "dˈɔɡ"]),  # a weak form
    ("hˈaɪ", ["hˈaɪ", "..."], ["hˈaɪ", None]),  # a token without a sound
])  # fmt: skip
def test_what_speech_does_to_words(sentence, own, expected):
    ranges = align(list(sentence), own)
    found = [None if place is None else sentence[place[0] : place[1]].strip("ˈ") for place in ranges]
    assert found == [None if text is None else text.strip("ˈ") for text in expected]


@given(LETTERS)
def test_a_sentence_without_a_sound_has_no_places(sentence):
    silent = "".join(c for c in sentence if c in " ˈ,")
    assert align(list(silent), ["ab", ""]) == [None, None]
