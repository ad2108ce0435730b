"""Phrases: nothing that has a sound is lost, however the text arrives, and none is too long to be spoken."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestrator import phrase
from orchestrator.phrase import ABBREVIATIONS, PHRASE_CHARS_MOST, PhraseCutter, clean, speakable

# What makes the cutter think, and what no one can say, beside any text at all.
PIECES = st.sampled_from(
    [
        "Dr. ",
        "e.g. ",
        "3.5 ",
        "No.",
        "Well, ",
        "so; ",
        " - ",
        " — ",
        "...",
        "?! ",
        '." ',
        "I. ",
        "J. ",
        "!!! ",
        "\n",
        "\t",
        "  ",
        "。",
        "！”",
        "，",
        "🙂",
        "\u200d",
        "\x00",
        "\ud800",
        "你好",
        "مرحبا",
        "e\u0301",
        "word " * 60,
        "x" * 300,
        "a, " * 40,
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=20), max_size=12).map("".join)
THOROUGH = settings(max_examples=400, deadline=None, derandomize=True)


def cut(*deltas: str) -> list[str]:
    cutter = PhraseCutter()
    return [text for delta in deltas for text in cutter.feed(delta)] + cutter.finish()


def sounds(text: str) -> str:
    return "".join(ch for ch in clean(text) if ch.isalnum())


@THOROUGH
@given(TEXTS)
def test_nothing_that_has_a_sound_is_lost_or_moved(text):
    assert "".join(sounds(piece) for piece in cut(text)) == sounds(text)


@THOROUGH
@given(TEXTS, st.lists(st.integers(0, 600), max_size=8))
@example("好。！行", [2])
@example("a" * 238 + ".  " + "b" * 10, [240])
@example("Hello there.  " + "word " * 60, [13])
def test_the_phrases_do_not_depend_on_how_the_text_arrives(text, cuts):
    places = [0, *sorted(min(place, len(text)) for place in cuts), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(places)]
    assert cut(*pieces) == cut(text) == cut(*text)


@THOROUGH
@given(TEXTS)
@example("a " * 200 + "b, c")
def test_no_phrase_is_longer_than_the_bound_or_empty(text):
    for piece in cut(text):
        assert 0 < len(piece) <= PHRASE_CHARS_MOST
        assert speakable(piece) and piece == " ".join(piece.split())


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("It costs 3.5 dollars. Fine.", ["It costs 3.5 dollars.", "Fine."]),
        ("Ask Dr. No, e.g. today. Then go.", ["Ask Dr. No,", "e.g. today.", "Then go."]),
        ("J. R. Tolkien wrote. It sold.", ["J. R. Tolkien wrote.", "It sold."]),
        ("So did I. And you?", ["So did I.", "And you?"]),
        ("Well, that is how it is, you see.", ["Well, that is how it is,", "you see."]),
        ("Really?! Yes!", ["Really?!", "Yes!"]),
        ('He said "Go." Then he went.', ['He said "Go."', "Then he went."]),
        ("One line\nanother line", ["One line", "another line"]),
        ("你好。我是鸭嘴兽！真的吗？", ["你好。", "我是鸭嘴兽！", "真的吗？"]),
        ("🙂 Hi! 🙂 --- There.\x07", ["Hi!", "--- There."]),
        ("🙂 ... !!! \n\n", []),
        ("", []),
    ],
)
def test_phrases(text, phrases):
    assert cut(text) == phrases


@pytest.mark.parametrize("name", sorted(ABBREVIATIONS))
def test_an_abbreviation_ends_no_sentence(name):
    assert cut(f"Here {name}. goes on. End.") == [f"Here {name}. goes on.", "End."]


def test_the_first_phrase_is_a_clause_and_the_next_a_sentence():
    assert cut("In the beginning, there was, they say, a duck. It swam, slowly.") == [
        "In the beginning,", "there was, they say, a duck.", "It swam, slowly.",
    ]  # fmt: skip


def test_where_somebody_waits_a_short_clause_is_a_phrase_but_a_word_is_none():
    cutter = PhraseCutter()
    assert cutter.hurry() == cutter.feed("Yes,") == cutter.hurry() == cutter.feed(" I ") == []
    assert cutter.hurry() == ["Yes,"]
    assert cutter.feed("can, too, do ") == cutter.hurry() == [], "only the first is hurried"
    assert cutter.finish() == ["I can, too, do"]


def test_a_longer_clause_that_is_there_is_not_cut_short():
    cutter = PhraseCutter()
    assert cutter.feed("Well, that is how it is, you see.") == ["Well, that is how it is,"]
    assert cutter.hurry() == []


def test_a_phrase_is_given_as_soon_as_it_is_known_to_be_over():
    cutter = PhraseCutter()
    assert cutter.feed("One two three.") == []
    assert cutter.feed(" ") == ["One two three."]


@pytest.mark.parametrize("piece", ["word ", "xxxxx", "\t\t\t\t\t", "e.g. ", "A b. "])
def test_of_an_enormous_text_only_a_phrase_is_looked_at_at_a_time(piece, monkeypatch):
    """Counted in characters looked at, not in seconds: a constant for each character of the text."""
    text = piece * 200_000
    looked_at = 0
    once = PhraseCutter._cut

    def counted(cutter):
        nonlocal looked_at
        looked_at += len(cutter._pending)
        return once(cutter)

    monkeypatch.setattr(phrase.PhraseCutter, "_cut", counted)
    assert "".join(map(sounds, cut(text))) == sounds(text)
    assert looked_at < 100 * len(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [("*** So, **bold** words.", "So, bold words."), ("It is 2*3.", "It is 2*3."), ("* one\n* two", "one")],
)
def test_emphasis_is_not_read_out(text, said):
    cutter = PhraseCutter()
    assert (cutter.feed(text) + cutter.finish())[0] == said
