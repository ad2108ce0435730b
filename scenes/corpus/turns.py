"""Turns with pauses: said in one go, then drawn apart at the places where a speaker may pause.

    "Set a timer | for ten minutes." -> spoken whole -> cut at the word after each | -> silences of known length between

So the voice has the tune of a sentence that goes on, and each pause's place and the turn's end are known to the sample.
Lengths are drawn from a seed; positions are samples at EAR_RATE_HZ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Literal, NamedTuple

import numpy as np

from adapters.base import EAR_RATE_HZ
from scenes.corpus.cast import Cast, Speaker, Spoken
from scenes.corpus.levels import loud_range, quietest
from scenes.corpus.noises import NOISES, beneath
from scenes.corpus.texts import TURNS
from stitcher.pcm import Float32

PAUSE_LEAST_MS, PAUSE_MOST_MS = 200, 900  # within turns people pause that long
LEAD_MS, TAIL_MS = 500, 2500  # around a turn: whoever waits for its end has this long
SEARCH_SAMPLES = EAR_RATE_HZ * 60 // 1000  # an engine's mark of a word is about that far from where its sound begins
FADE_SAMPLES = EAR_RATE_HZ // 100  # a voice that stops does not click
SNRS_DB = (40.0, 25.0, 15.0)  # a quiet room, an office, a kitchen
PER_SPEAKER = 6
FILLERS = ("um", "uh")
Kind = Literal["filler", "clause", "hesitation"]


class Pause(NamedTuple):
    """[start, end) of a silence within a turn. `kind`: by the word before it, see scenes.corpus.texts."""

    start: int
    end: int
    kind: Kind


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """One turn, its background beneath it; it is over at `end`."""

    text: str
    who: Speaker
    noise: str
    snr_db: float
    pcm: Float32
    begin: int
    pauses: tuple[Pause, ...]
    end: int


def turns(cast: Cast, seed: int = 0, per_speaker: int = PER_SPEAKER) -> Iterator[Turn]:
    """Each speaker's, in turns; no text twice before all were used. Raises AdapterError."""
    random = Random(f"turns {seed}")
    texts: list[str] = []
    for _ in range(per_speaker):
        for who in cast.speakers:
            if not texts:
                texts = random.sample(TURNS, len(TURNS))
            yield _turn(cast, who, texts.pop(), random)


def _turn(cast: Cast, who: Speaker, written: str, random: Random) -> Turn:
    text, places = parted(written)
    lengths = [random.randint(PAUSE_LEAST_MS, PAUSE_MOST_MS) * EAR_RATE_HZ // 1000 for _ in places]
    voice, gaps = drawn_apart(cast.speak(who, text), places, lengths)
    lead = LEAD_MS * EAR_RATE_HZ // 1000
    speech = np.pad(voice, (lead, TAIL_MS * EAR_RATE_HZ // 1000))
    noise, snr_db = random.choice(NOISES), random.choice(SNRS_DB)
    pcm = beneath(speech, noise, snr_db, random.getrandbits(32))
    kinds = (kind_of(text[:place]) for place in places)
    pauses = tuple(Pause(lead + start, lead + end, kind) for (start, end), kind in zip(gaps, kinds, strict=True))
    return Turn(text, who, noise, snr_db, pcm, lead, pauses, lead + voice.size)


def parted(written: str) -> tuple[str, list[int]]:
    """The text to speak, and where in it the words behind pauses begin."""
    parts = [part.strip() for part in written.split("|")]
    places = [len(" ".join(parts[:count])) + 1 for count in range(1, len(parts))]
    return " ".join(parts), places


def kind_of(before: str) -> Kind:
    """Why a speaker pauses behind these words."""
    last = before.split()[-1]
    if last.strip(",") in FILLERS:
        return "filler"
    return "clause" if last.endswith(",") else "hesitation"


def drawn_apart(spoken: Spoken, places: Sequence[int], lengths: Sequence[int]) -> tuple[Float32, list[tuple[int, int]]]:
    """The speech with silences of `lengths` samples before the words at `places`, and where they came to lie. What
    was quiet there before is part of the silence."""
    marks = [int(spoken.words[spoken.words[:, 0] <= place][-1, 2]) for place in places]
    cuts = [quietest(spoken.pcm, mark - SEARCH_SAMPLES, mark + SEARCH_SAMPLES) for mark in marks]
    pieces: list[Float32] = []
    gaps: list[tuple[int, int]] = []
    at = 0
    for number, (start, end) in enumerate(pairwise([0, *cuts, spoken.pcm.size])):
        piece = _faded(spoken.pcm[start:end])
        if number:
            gaps.append((at, at + lengths[number - 1]))
            pieces.append(np.zeros(lengths[number - 1], np.float32))
            at += lengths[number - 1]
        pieces.append(piece)
        at += piece.size
    return np.concatenate(pieces), gaps


def _faded(piece: Float32) -> Float32:
    """Its loud part, which begins and ends softly."""
    start, end = loud_range(piece)
    loud = piece[start:end].copy()
    ramp = np.linspace(0.0, 1.0, min(FADE_SAMPLES, loud.size), dtype=np.float32)
    loud[: ramp.size] *= ramp
    loud[loud.size - ramp.size :] *= ramp[::-1]
    return loud
