"""Where speech sounds and where it pauses, frame by frame, as the ear weighs it.

A frame is a pause where it lies PAUSE_LU below the loudest, and so do its neighbours for PAUSE_LEAST_MS: the closure of
a stop consonant is silent too, but shorter. The threshold goes with the voice: a soft reading pauses like a loud one.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from stitcher.loudness import FLOOR, weighted_power
from stitcher.pcm import Float32

FRAME_MS = 10
WINDOW_MS = 30  # a period of the deepest voice, and more
PAUSE_LEAST_MS = 120
PAUSE_LU = -30.0  # breath, reverberation and an engine's own noise lie below it

Float64 = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]


def frame_starts(samples: int, rate_hz: int) -> npt.NDArray[np.int64]:
    """Where frames begin in so many samples: a frame of 22,050 Hz is no whole number of them, and none may drift."""
    count = -(-samples * 1000 // (rate_hz * FRAME_MS))
    return np.arange(count) * rate_hz * FRAME_MS // 1000


def levels_db(pcm: Float32, rate_hz: int) -> Float64:
    """K-weighted level around each frame of float32[n], float64[k], none lower than PAUSE_LU below the loudest."""
    window = rate_hz * WINDOW_MS // 1000
    at = frame_starts(pcm.size + window // 2, rate_hz)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(pcm, (window // 2, window)), window)[at]
    power = weighted_power(windows * np.hanning(window), rate_hz)
    floor = max(FLOOR, float(power.max()) * 10 ** (PAUSE_LU / 10))
    levels: Float64 = 10 * np.log10(np.maximum(power, floor))
    return levels


def speaking(levels: Float64) -> Mask:
    """Which frames are speech, bool[k]; none where all are alike."""
    loud: Mask = levels > levels.min()
    for first, last in pairwise(np.flatnonzero(loud)):
        if (last - first) * FRAME_MS < PAUSE_LEAST_MS:
            loud[first:last] = True
    return loud
