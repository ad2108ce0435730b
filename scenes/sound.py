"""What the sound itself says: which words were heard, and of which phrase. No ledger need be believed.

For the null engine, which speaks a tone per word whose pitch follows from the seed of its phrase.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from orchestrator.speech import SEED_STRIDE
from stitcher.pcm import Int16

TONES = "null"  # the engine that speaks like that, and renders next to nothing: many seeds of it cost little
WORD_GAP_SAMPLES = 800  # half of what a space lasts in the null engine at 24 kHz: tones closer than this are one word


def pitch_hz(audio: Int16, rate_hz: int) -> float:
    """The strongest frequency of int16[n], to the width of a bin of a second."""
    spectrum = np.abs(np.fft.rfft(audio.astype(np.float64) * np.hanning(audio.size), rate_hz))
    return float(np.argmax(spectrum))


def pitch_of_phrase(phrase: int, seed: int = 0) -> float:
    """As the null engine speaks it in a session of that seed."""
    return 110.0 + (seed * SEED_STRIDE + phrase) % 2**31 % 12 * 10


def tones(audio: Int16, seams: Sequence[int] = ()) -> list[tuple[int, int]]:
    """Ranges of the words that sound in int16[n]; at `seams` (samples) phrases meet, where words may touch."""
    loud = np.flatnonzero(audio)
    if not loud.size:
        return []
    breaks = np.flatnonzero(np.diff(loud) > WORD_GAP_SAMPLES)
    met = np.searchsorted(loud, np.asarray(seams, np.int64)) - 1  # the last loud sample of the phrase before
    breaks = np.union1d(breaks, met[(met >= 0) & (met < loud.size - 1)]).astype(np.int64)
    starts, ends = loud[np.r_[0, breaks + 1]], loud[np.r_[breaks, loud.size - 1]] + 1
    return [(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]
