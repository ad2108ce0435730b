"""Seams: how two pieces of audio meet without a click.

CONTINUE   the same synthesis goes on: samples butt together, nothing is touched
JOIN       another phrase follows: the old tail fades out, the new head fades in, no overlap
CROSS      another engine takes over in mid-speech: one frame of equal-power crossfade
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from stitcher.pcm import Float32

EDGE_MS = 5
"""A fade this short cannot be heard as a fade, and turns a step into a slope."""


class Seam(StrEnum):
    CONTINUE = "continue"
    JOIN = "join"
    CROSS = "cross"


def fade_in(pcm: Float32, count: int) -> Float32:
    """A copy whose first `count` samples rise from silence along a raised cosine."""
    out = pcm.copy()
    count = min(count, out.size)
    out[:count] *= _rise(count)
    return out


def fade_out(pcm: Float32, count: int) -> Float32:
    """A copy whose last `count` samples fall to silence along a raised cosine."""
    out = pcm.copy()
    count = min(count, out.size)
    if count:
        out[-count:] *= _rise(count)[::-1]
    return out


def crossfade(old: Float32, new: Float32) -> Float32:
    """Crossfade of two pieces of the same length that keeps the power level: equal-power where they are unlike, where
    a linear fade would dip by 3 dB; towards linear the more they are alike, where equal power would swell by 3 dB
    (after Fink, Holters and Zölzer, "Signal-matched power-complementary cross-fading", DAFx 2016). Opposite ones are
    taken for unlike: to raise a dip would make one of them louder than it is."""
    assert old.size == new.size, "a crossfade needs two pieces of one length"
    angle = np.pi / 2 * (np.arange(old.size) + 0.5) / max(1, old.size)
    swell = np.sqrt(1 + likeness(old, new) * np.sin(2 * angle))
    return ((old * np.cos(angle) + new * np.sin(angle)) / swell).astype(np.float32)


def likeness(old: Float32, new: Float32) -> float:
    """Correlation of two pieces, 0 (unlike or opposite) to 1 (the same but for their level)."""
    power = float(np.dot(old, old)) * float(np.dot(new, new))
    return min(1.0, max(0.0, float(np.dot(old, new)) / power**0.5)) if power > 0 else 0.0


def _rise(count: int) -> Float32:
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / max(1, count))).astype(np.float32)
