"""Gain: a voice made louder or softer, sample by sample, so that it is the same in whatever pieces it comes."""

from __future__ import annotations

import numpy as np

from stitcher.pcm import Float32

KNEE = 0.7  # of full scale: peaks above it are bent so that they never reach 1.0, where they would be cut off


def amplified(pcm: Float32, gain_db: float) -> Float32:
    """float32[n] by `gain_db`. Softer is exact; louder bends what rises above KNEE (soft clipping by tanh), so the
    loudest parts gain a little less than asked."""
    if gain_db == 0.0:
        return pcm
    scaled: Float32 = pcm * np.float32(10 ** (gain_db / 20))
    if gain_db < 0.0:
        return scaled
    size = np.abs(scaled)
    bent = KNEE + (1 - KNEE) * np.tanh((size - KNEE) / (1 - KNEE))
    return np.where(size > KNEE, np.copysign(bent, scaled), scaled).astype(np.float32)
