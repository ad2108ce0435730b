"""PCM: types, units and conversions.

A *sample* is one number of one channel; everything is mono. A *frame* is 20 ms of samples: the
unit of stopping, of crossfades and of provenance. Samples are int16 in rings, files and on the
wire, float32 with full scale 1.0 inside the stitcher.
"""

from __future__ import annotations

import hashlib
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Int16: TypeAlias = npt.NDArray[np.int16]
Float32: TypeAlias = npt.NDArray[np.float32]

BUS_RATE_HZ = 24_000
"""Default rate of the stitched stream: carries speech (12 kHz) and divides into 20 ms frames."""

FRAMES_PER_S = 50
FULL_SCALE = 32767.0


def frame_samples(rate_hz: int) -> int:
    """Samples of one frame at `rate_hz`; raises ValueError where 20 ms is no whole number of them."""
    if rate_hz <= 0 or rate_hz % FRAMES_PER_S:
        raise ValueError(f"audio.rate_hz is {rate_hz}; choose a multiple of {FRAMES_PER_S}, such as 24000")
    return rate_hz // FRAMES_PER_S


def to_int16(pcm: Float32) -> Int16:
    """float32 full scale 1.0 -> int16, rounded and clipped; what is not a number becomes silence."""
    scaled: Float32 = np.rint(np.clip(pcm, -1.0, 1.0) * FULL_SCALE)
    wrong = np.isnan(scaled)
    if wrong.any():
        scaled[wrong] = 0.0
    return scaled.astype(np.int16)


def to_float32(pcm: Int16) -> Float32:
    """int16 -> float32 full scale 1.0."""
    return np.divide(pcm.astype(np.float32), np.float32(FULL_SCALE))


def digest(pcm: Int16 | Float32) -> str:
    """SHA-256 of the samples as little-endian bytes, hex."""
    return hashlib.sha256(np.ascontiguousarray(pcm).astype(pcm.dtype.newbyteorder("<")).tobytes()).hexdigest()


def dbfs(pcm: Int16) -> float:
    """Level of a block: root mean square in dB of full scale; -120.0 for silence."""
    if pcm.size == 0:
        return -120.0
    power = float(np.mean(np.square(pcm, dtype=np.float64))) / FULL_SCALE**2
    return max(-120.0, 10.0 * float(np.log10(power))) if power > 0 else -120.0
