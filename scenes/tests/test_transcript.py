"""A transcript beside its text: what is lost or said twice is counted, what a recognizer makes up is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from scenes.reading import Word
from scenes.spoken import Spoken, letters
from scenes.transcript import Heard, lost_or_twice, words_of, wrong
from stitcher.pcm import Int16

SENTENCES = ("One two three.", "They are four.", "Five and six.")
RATE_HZ = 1000


def spoken() -> Spoken:
    """Each sentence sounds half a second, as loud as its number, behind a pause of as long."""
    audio = np.concatenate([np.repeat(np.array([0, 1000 * (k + 1)], np.int16), 500) for k in range(3)])
    places = [sum(letters(text) for text in SENTENCES[:k]) for k in range(3)]
    return Spoken(audio, RATE_HZ, [Word(place, 1000 * k + 500, 1000 * k + 1000) for k, place in enumerate(places)])


def hearing(texts: Mapping[tuple[int, ...], tuple[str, ...]], asked: list[tuple[int, ...]]):
    """Sentences that sound -> what is heard of them, one hearing after the other; what is not there is heard right."""

    def hear(pcm: Int16, rate_hz: int) -> Iterator[str]:
        numbers = tuple(int(level) // 1000 - 1 for level in np.unique(pcm[pcm > 0]))
        asked.append(numbers)
        yield from texts.get(numbers, (" ".join(SENTENCES[k] for k in numbers),))

    return hear


def nothing(place: int) -> bool:
    return False


def test_what_is_heard_right_is_heard_once():
    asked: list[tuple[int, ...]] = []
    assert list(wrong(spoken(), SENTENCES, hearing({}, asked), nothing)) == [Heard(0, "")] * 3
    assert asked == [(0,), (1,), (2,)]


def test_what_is_missed_alone_is_heard_with_its_neighbours():
    asked: list[tuple[int, ...]] = []
    texts = {(1,): ("Four.", "For."), (0, 1): ("One two three are four.",), (2,): ("Five six.", "Five and sticks.")}
    found = list(wrong(spoken(), SENTENCES, hearing(texts, asked), nothing))
    assert [one.words for one in found] == [0, 0, 0]
    assert found[2].text == "Five and sticks."
    assert asked == [(0,), (1,), (0, 1), (1, 2), (2,)]


def test_what_is_lost_is_lost_in_every_hearing():
    texts = {
        (1,): ("They four.", "Four."),
        (0, 1): ("One two three. They four.",),
        (1, 2): ("They four. Five and six.",),
    }
    found = list(wrong(spoken(), SENTENCES, hearing(texts, []), nothing))
    assert [one.words for one in found] == [0, 1, 0]
    assert found[1].text == "They four."


def test_what_is_known_to_be_there_is_not_lost_and_nothing_is_between():
    known = {sum(letters(text) for text in SENTENCES[:2]) + at for at in (0, 4)}
    for heard, count in (
        ("Six.", 0),
        ("Five and.", 1),
        ("Five five and six.", 0),
        ("Five and six six.", 1),
        ("And six. And six.", 2),
    ):
        texts = {(2,): (heard,), (1, 2): (f"They are four. {heard}",)}
        assert [one.words for one in wrong(spoken(), SENTENCES, hearing(texts, []), known.__contains__)] == [
            0,
            0,
            count,
        ]


@pytest.mark.parametrize(("said", "heard", "count"), [
    ("a b c", "a b c", 0), ("a b c", "a x c", 0), ("a b c", "a c", 1), ("a b c", "a b b c", 1),
    ("a b c d", "c d", 2), ("a b c", "a b c b c", 2), ("a b", "", 2), ("They are here", "they're here", 0),
])  # fmt: skip
def test_words_too_many_and_too_few_are_counted(said, heard, count):
    assert lost_or_twice(words_of(said), words_of(heard), [False] * 9) == count


@pytest.mark.parametrize("known", range(6))
def test_a_word_that_two_engines_say_is_never_among_known_ones(known: int):
    """The first says so many words that are known, the other begins with the last of these."""
    said = "alpha bravo charlie delta echo foxtrot".split()
    heard = said[: known + 1] + said[known:]
    there = [number <= known for number in range(len(said))]
    assert lost_or_twice(said, heard, there) == (known + 1 < len(said))
