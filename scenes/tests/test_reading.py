"""What an engine has read is read once."""

from __future__ import annotations

from dataclasses import replace

from adapters.base import Capability
from adapters.tts.null import ToneTts
from adapters.voice import PLAIN, Voice
from scenes import reading
from scenes.reading import Phrase, by_itself, read_aloud


class Counting(ToneTts):
    def __init__(self, supports_seed: bool = True) -> None:
        self.supports_seed = supports_seed
        self.opened = 0

    def describe(self) -> Capability:
        return replace(super().describe(), supports_seed=self.supports_seed)

    def open(self, span):
        self.opened += 1
        return super().open(span)


PHRASES = (Phrase(0, "Good morning to you.", 1), Phrase(21, "It rains.", 2))


def test_the_same_is_read_once_and_each_engine_for_itself():
    tts, other = Counting(), Counting()
    first, again = read_aloud(tts, PHRASES, PLAIN), read_aloud(tts, PHRASES, PLAIN)
    assert tts.opened == 2 and (first.pcm == again.pcm).all() and first.words == again.words
    read_aloud(other, PHRASES, PLAIN)
    assert other.opened == 2


def test_another_voice_and_another_seed_are_read_anew():
    tts = Counting()
    for voice, seed in ((PLAIN, 1), (Voice(pace=1.5), 1), (PLAIN, 2)):
        read_aloud(tts, [replace(PHRASES[0], seed=seed)], voice)
    assert tts.opened == 3


def test_an_engine_that_takes_no_seed_reads_once_whatever_it_is():
    tts = Counting(supports_seed=False)
    for seed in (1, 2):
        read_aloud(tts, [replace(PHRASES[0], seed=seed)], PLAIN)
    assert tts.opened == 1


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(reading, "SPANS_KEPT", 3)
    monkeypatch.setattr(reading, "_spans", {})
    tts = Counting()
    for seed in range(10):
        read_aloud(tts, [replace(PHRASES[0], seed=seed)], PLAIN)
    assert len(reading._spans) == 3


def test_by_itself_an_engine_speaks_at_its_own_pace():
    assert by_itself(ToneTts(), Voice(pace=2.0)) == by_itself(ToneTts(), PLAIN)


def test_words_are_where_their_phrases_are():
    read = read_aloud(ToneTts(), PHRASES, PLAIN)
    assert [word.place for word in read.words] == [0, 5, 13, 16, 21, 24]
