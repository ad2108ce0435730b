"""Prosody beside prosody: what two readings of one text by unlike voices have in common.

    rhythm    correlation of how long each word sounds
    balance   correlation of the spectral balance (see balance), at POINTS places of each word
    tune      correlation of the words' median pitch, in semitones
    pace      how much shorter are the words that hold no pause, taken together

Words are matched by their places in the text, and each is looked at in its own time: so a difference of pace or of
pauses changes none of the first three. Engines mark where words begin up to 70 ms apart, measured against the sound;
the balance is that of the shift at which it is highest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scenes.reading import Reading, Word
from stitcher.pitch import semitones
from stitcher.speaking import FRAME_MS, Float64

POINTS = 8
WORDS_LEAST = 8  # fewer say nothing about rhythm
SHIFT_MOST_MS = 100  # further, the sound would be a neighbour's


@dataclass(frozen=True, slots=True)
class Likeness:
    """Correlations from -1 to 1, NaN where there is too little to compare; `pace`: above 1, the first is faster;
    `shift_ms`: how much earlier than the other's the first one's marks are."""

    words: int
    rhythm: float
    balance: float
    tune: float
    pace: float
    shift_ms: int


def likeness(one: Reading, other: Reading) -> Likeness:
    """Of two readings of one text, at the words that both mark."""
    a, b = _shared(one, other), _shared(other, one)
    balance, shift_ms = _balance(one, a, other, b)
    return Likeness(
        len(a),
        _correlation(_lengths(one, a), _lengths(other, b)),
        balance,
        _correlation(_pitches(one, a), _pitches(other, b)),
        _pace(one, a, other, b),
        shift_ms,
    )


def _shared(mine: Reading, other: Reading) -> list[Word]:
    """My words that begin where one of the other's does, each with those after it that do not; one at each place, for
    who reads another text may mark a place twice."""
    places = {word.place for word in other.words}
    found: dict[int, Word] = {}
    last = None
    for word in mine.words:
        if word.place in places and word.place not in found:
            last = found[word.place] = word
        elif last is not None:
            last = found[last.place] = Word(last.place, last.start, word.end)
    return [found[place] for place in sorted(found)]


def _lengths(reading: Reading, words: Sequence[Word]) -> Float64:
    """Frames that each word sounds, at least one."""
    return np.array([max(1.0, np.count_nonzero(reading.speaking[reading.frames(word)])) for word in words])


def _pace(one: Reading, a: Sequence[Word], other: Reading, b: Sequence[Word]) -> float:
    """By the marks, summed: word by word, rounding to frames is as large as what is looked for."""
    whole = [
        one.speaking[one.frames(m)].all() and other.speaking[other.frames(n)].all() for m, n in zip(a, b, strict=True)
    ]
    mine, theirs = (
        sum((word.end - word.start) / reading.rate_hz for word, counts in zip(words, whole, strict=True) if counts)
        for reading, words in ((one, a), (other, b))
    )
    return theirs / mine if mine else float("nan")


def _balance(one: Reading, a: Sequence[Word], other: Reading, b: Sequence[Word]) -> tuple[float, int]:
    """The highest correlation, and the shift (ms) that gives it."""
    if len(a) < WORDS_LEAST:
        return float("nan"), 0
    theirs = _balances(other, b, 0)
    shifts_ms = range(-SHIFT_MOST_MS, SHIFT_MOST_MS + 1, FRAME_MS)
    return max((_correlation(_balances(one, a, shift_ms), theirs), shift_ms) for shift_ms in shifts_ms)


def _balances(reading: Reading, words: Sequence[Word], shift_ms: int) -> Float64:
    """At the middles of POINTS parts of each word, between frames: a frame is a good part of a short word."""
    balance = reading.balance_db
    frame = reading.rate_hz * FRAME_MS / 1000
    middles = (np.arange(POINTS) + 0.5) / POINTS
    places = [(word.start + middles * (word.end - word.start)) / frame + shift_ms / FRAME_MS for word in words]
    return np.interp(np.concatenate(places), np.arange(balance.size), balance)


def _pitches(reading: Reading, words: Sequence[Word]) -> Float64:
    if not reading.median_hz:
        return np.full(len(words), np.nan)
    contour = semitones(reading.pitch_hz, reading.median_hz)
    parts = [contour[reading.frames(word)] for word in words]
    return np.array([np.median(part[~np.isnan(part)]) if (~np.isnan(part)).any() else np.nan for part in parts])


def _correlation(a: Float64, b: Float64) -> float:
    both = ~(np.isnan(a) | np.isnan(b))
    if np.count_nonzero(both) < WORDS_LEAST or not (np.ptp(a[both]) and np.ptp(b[both])):
        return float("nan")
    return float(np.corrcoef(a[both], b[both])[0, 1])
