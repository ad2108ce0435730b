"""Pauses of rendered speech made longer or shorter, and where every sample of it then lies."""

from __future__ import annotations

import numpy as np

from stitcher.pcm import Float32
from stitcher.position_map import PositionMap
from stitcher.speaking import PAUSE_LEAST_MS

KEPT_MS = 10  # of a pause at each end, whatever becomes of it: the fades of the sound around it
SILENT = 10 ** (-60 / 20)  # of full scale


def with_pauses(pcm: Float32, rate_hz: int, factor: float) -> tuple[Float32, PositionMap]:
    """float32[n] with each pause `factor` times as long (KEPT_MS at each end stay), and the map of its positions."""
    pieces, moved = [], PositionMap()
    moved.add(0, 0)
    done = length = 0
    for start, end in pauses(pcm, rate_hz):
        keep = rate_hz * KEPT_MS // 1000
        wanted = max(2 * keep, round((end - start) * factor))
        pieces += [pcm[done : start + keep], np.zeros(wanted - 2 * keep, np.float32)]
        length += start + keep - done
        moved.add(start + keep, length)
        length += wanted - 2 * keep
        done = end - keep
        moved.add(done, length)
    pieces.append(pcm[done:])
    return np.concatenate(pieces), moved


def pauses(pcm: Float32, rate_hz: int) -> list[tuple[int, int]]:
    """Ranges of at least PAUSE_LEAST_MS in which nothing sounds, those at the ends included."""
    sounding = np.flatnonzero(np.abs(pcm) > SILENT)
    edges = np.concatenate(([-1], sounding, [pcm.size]))
    long = np.flatnonzero(np.diff(edges) > rate_hz * PAUSE_LEAST_MS // 1000)
    return [(int(edges[k]) + 1, int(edges[k + 1])) for k in long]
