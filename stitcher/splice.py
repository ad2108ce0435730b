"""Splices: a stream made shorter or longer by a piece, so that it is not heard.

    shorten   ...aaaa[piece]bbbb...  ->  ...aaaa x bbbb...           x: crossfaded, where both sides are most alike
    lengthen  ...aaaa[piece]bbbb...  ->  ...aaaa[piece] x [piece]bbbb...

In a silence any place will do. Elsewhere the length of the piece is the lag at which the stream is most like itself, a
pitch period or some of them (as in WSOLA; Verhelst and Roelands, ICASSP 1993).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stitcher.pcm import Float32
from stitcher.seams import crossfade

SILENT = 0.003  # amplitude, -50 dB of full scale
OVERLAP_MS = 5  # crossfade: a deep voice's period, too short to be heard as an echo
LAG_LEAST_MS, LAG_MOST_MS = 4, 16  # pitch periods of 62 to 250 Hz, and several of higher voices
STARTS_MS = 5  # how closely places for a splice are tried


@dataclass(frozen=True, slots=True)
class Splice:
    """In samples: the `piece` after `start`, and the crossfade's `overlap`."""

    start: int
    piece: int
    overlap: int


def samples_needed(rate_hz: int) -> int:
    """The least audio in which `find_alike` can look."""
    return (LAG_MOST_MS + OVERLAP_MS) * rate_hz // 1000


def find_silence(pcm: Float32, rate_hz: int, most: int) -> Splice | None:
    """The longest silence, all but its edges and `most` samples at most; None where none is worth it."""
    overlap = OVERLAP_MS * rate_hz // 1000
    loud = np.concatenate(([-1], np.flatnonzero(np.abs(pcm) >= SILENT), [pcm.size]))
    longest = int(np.argmax(np.diff(loud)))
    start, end = int(loud[longest]) + 1, int(loud[longest + 1])
    piece = min(most, end - start - overlap)
    return Splice(start, piece, overlap) if piece >= overlap // 2 else None


def find_alike(pcm: Float32, rate_hz: int) -> Splice | None:
    """Start and lag at which the stream is most like itself by normalized correlation; None in too short a piece."""
    overlap, least, most = (ms * rate_hz // 1000 for ms in (OVERLAP_MS, LAG_LEAST_MS, LAG_MOST_MS))
    best, found = -2.0, None
    for start in range(0, pcm.size - most - overlap + 1, STARTS_MS * rate_hz // 1000):
        here = pcm[start : start + overlap].astype(np.float64)
        there = np.lib.stride_tricks.sliding_window_view(pcm[start + least : start + most + overlap], overlap)
        power = np.sum(np.square(there, dtype=np.float64), axis=1) * np.dot(here, here)
        alike = there @ here / np.sqrt(np.maximum(power, 1e-12))
        lag = int(np.argmax(alike))
        if alike[lag] > best:
            best, found = float(alike[lag]), Splice(start, least + lag, overlap)
    return found


def shorten(pcm: Float32, at: Splice) -> Float32:
    """float32[n] -> float32[n - piece]."""
    a, b, w = at.start, at.start + at.piece, at.overlap
    return np.concatenate((pcm[:a], crossfade(pcm[a : a + w], pcm[b : b + w]), pcm[b + w :]))


def lengthen(pcm: Float32, at: Splice) -> Float32:
    """float32[n] -> float32[n + piece]."""
    a, b, w = at.start, at.start + at.piece, at.overlap
    return np.concatenate((pcm[:b], crossfade(pcm[b : b + w], pcm[a : a + w]), pcm[a + w :]))
