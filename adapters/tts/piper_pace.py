"""How much faster a Piper voice speaks for a given length scale: measured, for half the scale is not twice the pace.

The graph rounds each phoneme's frames up, so none is shorter than one: at half the scale a voice of 11.6 ms frames
speaks 1.6 times as fast, and near its own scale, where many phonemes last just a frame, hardly anything changes. The
frames of the calibration text at a few scales give the curve; between them it is straight in the logarithms of both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SCALES = (2.5, 1.6, 1.25, 1.1, 1.0, 0.9, 0.8, 0.63, 0.4, 0.25)  # of the voice's own: past the ends little follows

Frames = Callable[[float], int]
"""Length scale, relative to the voice's own -> frames of the calibration text"""


@dataclass(frozen=True, slots=True)
class PaceCurve:
    paces: tuple[float, ...]  # at SCALES, ascending

    def scale(self, pace: float) -> tuple[float, bool]:
        """The relative length scale for a pace, and whether the voice goes so far."""
        log_scale = np.interp(np.log(pace), np.log(self.paces), np.log(SCALES))
        return round(float(np.exp(log_scale)), 4), self.paces[0] <= pace <= self.paces[-1]


def measure(frames: Frames) -> PaceCurve:
    own = frames(1.0)
    return PaceCurve(tuple(own / frames(scale) for scale in SCALES))
