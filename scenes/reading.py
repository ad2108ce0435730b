"""A reading: one text as one voice has spoken it, and what can be measured in it alone.

    read_aloud(tts, phrases, voice), heard(simulator, phrases) -> Reading -> pace, pauses, loudness, pitch, balance

Words are known by their places in the text, so that two readings of it can be laid beside each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from adapters.base import Marker, Natural, Span, Tts
from adapters.tts import calibrate
from adapters.tts.whole import pull_whole
from adapters.voice import Voice
from orchestrator import actions as act
from scenes.balance import spectral_balance_db
from scenes.simulator import Simulator
from stitcher.loudness import loudness_lufs
from stitcher.pcm import Float32, to_float32
from stitcher.pitch import median_hz, pitch_contour_hz
from stitcher.speaking import FRAME_MS, Float64, Mask, levels_db, speaking
from timeline import events as ev

SPANS_KEPT = 200  # of what engines have read, 0.5 MB each: a slow one need not say the same sentence again


@dataclass(frozen=True, slots=True)
class Phrase:
    """A piece of the text that is spoken at once, `place`: characters into the text."""

    place: int
    text: str
    seed: int


@dataclass(frozen=True, slots=True)
class Word:
    """One token. `place`: characters into the text. Samples since the reading began."""

    place: int
    start: int
    end: int


@dataclass(frozen=True)
class Reading:
    """float32[n]; `chars`: of the text."""

    pcm: Float32
    rate_hz: int
    words: Sequence[Word]
    chars: int

    @cached_property
    def level_db(self) -> Float64:
        return levels_db(self.pcm, self.rate_hz)

    @cached_property
    def speaking(self) -> Mask:
        """Which frames are no pause."""
        return speaking(self.level_db)

    @property
    def chars_per_s(self) -> float:
        """Without the pauses."""
        return self.chars / (float(np.count_nonzero(self.speaking)) * FRAME_MS / 1000)

    @property
    def pause_s(self) -> float:
        """Of all pauses between its first sound and its last."""
        sounding = np.flatnonzero(self.speaking)
        inside = self.speaking[sounding[0] : sounding[-1]]
        return float(np.count_nonzero(~inside)) * FRAME_MS / 1000

    @cached_property
    def balance_db(self) -> Float64:
        return spectral_balance_db(self.pcm, self.rate_hz)

    @cached_property
    def loudness_lufs(self) -> float:
        return loudness_lufs(self.pcm, self.rate_hz)

    @cached_property
    def pitch_hz(self) -> Float64:
        return pitch_contour_hz(self.pcm, self.rate_hz)

    @property
    def median_hz(self) -> float:
        return median_hz(self.pitch_hz)

    def frames(self, word: Word) -> slice:
        first, last = (at * 1000 // (self.rate_hz * FRAME_MS) for at in (word.start, word.end))
        return slice(first, max(first + 1, last))


def read_aloud(tts: Tts, phrases: Sequence[Phrase], voice: Voice) -> Reading:
    """Spoken by an engine itself, phrase after phrase. Raises AdapterError."""
    pieces: list[Float32] = []
    words: list[Word] = []
    for phrase in phrases:
        begin = sum(piece.size for piece in pieces)
        pcm, marks = _read(tts, Span(phrase.text, voice, phrase.seed))
        pieces.append(pcm)
        words += [Word(phrase.place + m.text_start, begin + m.start_sample, begin + m.end_sample) for m in marks]
    return Reading(np.concatenate(pieces), tts.describe().rate_hz, words, sum(len(phrase.text) for phrase in phrases))


def by_itself(tts: Tts, voice: Voice) -> Natural:
    """How an engine speaks in this voice at pace 1.0. Raises AdapterError."""
    pcm, _ = _read(tts, Span(calibrate.TEXT, replace(voice, pace=1.0), calibrate.SEED))
    return calibrate.measured(pcm, tts.describe().rate_hz, len(calibrate.TEXT))


def _read(tts: Tts, span: Span) -> tuple[Float32, list[Marker]]:
    """Once for all who ask the same of the same engine; of one that takes no seed, whatever the seed."""
    key = (tts, repr(replace(span, seed=span.seed if tts.describe().supports_seed else 0)))
    if key not in _spans:
        if len(_spans) == SPANS_KEPT:
            del _spans[next(iter(_spans))]
        _spans[key] = pull_whole(tts, span)
    return _spans[key]


_spans: dict[tuple[Tts, str], tuple[Float32, list[Marker]]] = {}


def heard(simulator: Simulator, phrases: Sequence[Phrase]) -> Reading:
    """As the sink of a session played it; of the session's one utterance, which never ran dry."""
    first = next(tick for _, tick in simulator.of(ev.SinkTick) if tick.played_samples)
    base = first.position + first.first_offset - (first.read_index - first.played_samples)
    opened = [fact.phrase for _, fact in simulator.of(act.OpenPhrase)]
    places = {number: phrase.place for number, phrase in zip(opened, phrases, strict=True)}
    words = [
        Word(places[stitched.phrase] + mark.text_start, base + mark.start_index, base + mark.end_index)
        for _, stitched in simulator.of(ev.ChunkStitched)
        for mark in stitched.marks
    ]
    pcm = to_float32(simulator.audio())
    return Reading(pcm, simulator.settings.rate_hz, words, sum(len(phrase.text) for phrase in phrases))


def phrases_of(simulator: Simulator, text: str) -> list[Phrase]:
    """The phrases that a session made of a text."""
    phrases: list[Phrase] = []
    place = 0
    for _, fact in simulator.of(act.OpenPhrase):
        place = text.index(fact.text, place)
        phrases.append(Phrase(place, fact.text, fact.seed))
        place += len(fact.text)
    return phrases
