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
    """Equal-power crossfade of two pieces of the same length: for signals that are not in phase the
    power stays level, where a linear fade would dip by 3 dB."""
    assert old.size == new.size, "a crossfade needs two pieces of one length"
    angle = np.pi / 2 * (np.arange(old.size) + 0.5) / max(1, old.size)
    return (old * np.cos(angle) + new * np.sin(angle)).astype(np.float32)


def _rise(count: int) -> Float32:
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / max(1, count))).astype(np.float32)
