"""What was spoken in a session of one utterance: its sound, and where in it each word lies, whoever spoke it.

Words are known by their places: how many letters and digits of the text come before them. So one session can be laid
beside another of the same text, in which other engines spoke, and the same words looked at in both.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator import actions as act
from orchestrator.bus import AUDIBLE
from scenes.reading import Word
from scenes.simulator import Simulator
from stitcher.loudness import loudness_lufs
from stitcher.pcm import FULL_SCALE, Int16, to_float32
from timeline import events as ev

NEAR_MS = 100  # a seam is as near to the pause that it lies in
AFTER_MS = 40  # behind it: shorter than any word, or the pause would be the one behind the word
BETWEEN_MS = 200  # a mark of a sentence's first word is as near to the pause before it: Piper has vowels begin softly
SAME_LEAST = 0.9  # correlation of two that are one but for rounding and where the resampler was; words apart have 0.3
SHIFT_MOST_MS = 5  # of a mark, by rounding to frames
PAUSE_LEAST_MS = 20  # shorter silences lie within words too


@dataclass(frozen=True)
class Spoken:
    """int16[n] as the sink played it; `words`: in order, samples of it."""

    audio: Int16
    rate_hz: int
    words: Sequence[Word]

    def index(self, place: int) -> int:
        """Where the first word at or after a place begins; the end where there is none."""
        at = bisect_left(self.words, place, key=_place)
        return self.words[at].start if at < len(self.words) else self.audio.size

    def place(self, index: int) -> int:
        """Of the first word that ends after a sample."""
        later = (word.place for word in self.words if word.end > index)
        return next(later, self.words[-1].place + 1)

    def between(self, first: int, last: int) -> Int16:
        """The sound of the words from one place on, up to another's."""
        return self.audio[self.index(first) : self.index(last)]

    def loudness_lufs(self, first: int, last: int) -> float:
        return loudness_lufs(to_float32(self.between(first, last)), self.rate_hz)

    def sounds_as(self, other: Spoken, place: int) -> bool:
        """A word is there as it is in another session: sound for sound, if not sample for sample."""
        mine, theirs = (one.words[max(0, bisect_right(one.words, place, key=_place) - 1)] for one in (self, other))
        if mine.place != theirs.place:
            return False
        word = self.audio[mine.start : mine.end].astype(np.float64)
        near = self.rate_hz * SHIFT_MOST_MS // 1000
        field = other.audio[max(0, theirs.start - near) : theirs.start + word.size + near].astype(np.float64)
        if field.size < word.size or not word.any():
            return False
        power = np.convolve(field**2, np.ones(word.size), "valid")
        likeness = np.correlate(field, word, "valid") / np.sqrt(np.maximum(power, 1) * (word**2).sum())
        return bool(likeness.max() >= SAME_LEAST)

    def pause_ms(self, index: int, near_ms: int = NEAR_MS) -> float:
        """The longest silence that a word lies behind which begins near a sample: it ends up to `near_ms` before it, or
        begins up to AFTER_MS behind it."""
        start, end = self._silence(index, near_ms)
        return (end - start) / self.rate_hz * 1000

    def sentence(self, first: int, last: int) -> Int16:
        """The sound of the words from one place on, up to another's, cut out in the pauses around them."""
        return self.audio[self._before(first) : self._before(last)]

    def _before(self, place: int) -> int:
        """The middle of the pause before a word; where it begins if there is none."""
        index = self.index(place)
        start, end = self._silence(index, BETWEEN_MS)
        return (start + end) // 2 if end - start >= self.rate_hz * PAUSE_LEAST_MS // 1000 else index

    def _silence(self, index: int, near_ms: int) -> tuple[int, int]:
        """Where that begins and ends."""
        near, after = (self.rate_hz * ms // 1000 for ms in (near_ms, AFTER_MS))
        loud = np.flatnonzero(np.abs(self.audio.astype(np.int32)) > AUDIBLE * FULL_SCALE)
        loud = np.concatenate(([-1], loud, [self.audio.size]))
        first = max(0, int(np.searchsorted(loud, index - near)) - 1)
        last = int(np.searchsorted(loud, index + after)) + 1
        longest = first + int(np.diff(loud[first:last]).argmax())
        return int(loud[longest]), int(loud[longest + 1])


def _place(word: Word) -> int:
    return word.place


def letters(text: str) -> int:
    """What places count."""
    return sum(char.isalnum() for char in text)


def spoken(simulator: Simulator) -> Spoken:
    """Of a session whose one utterance never ran dry."""
    first = next(tick for _, tick in simulator.of(ev.SinkTick) if tick.played_samples)
    offset = first.position + first.first_offset - (first.read_index - first.played_samples)
    texts = {fact.phrase: fact.text for _, fact in simulator.of(act.OpenPhrase)}
    words: list[Word] = []
    phrase = before = place = -1  # `before`: letters before the phrase; `place`: behind the last word that was spoken
    for number, mark in _kept(simulator):
        if number != phrase:
            phrase, before = number, max(0, place)
        text = texts[number]
        words.append(
            Word(before + letters(text[: mark.text_start]), offset + mark.start_index, offset + mark.end_index)
        )
        place = before + letters(text[: mark.text_end])
    return Spoken(simulator.audio(), simulator.settings.rate_hz, words)


def _kept(simulator: Simulator) -> list[tuple[int, ev.WordMark]]:
    """The marks by phrase, without those that were taken back."""
    kept: list[tuple[int, ev.WordMark]] = []
    for _, _, fact in simulator.records:
        if isinstance(fact, ev.Retracted):
            kept = [one for one in kept if one[1].start_index < fact.end_index]
        elif isinstance(fact, ev.ChunkStitched):
            kept += [(fact.phrase, mark) for mark in fact.marks]
    return kept
