"""The fundamental of speech, coarsely: enough to tell whether a shift was made.

Each frame's normalized autocorrelation is searched for its highest peak; frames without a clear one have no voice.
"""

from __future__ import annotations

import numpy as np

from adapters.voice import PITCH_MAX_HZ, PITCH_MIN_HZ
from stitcher.pcm import Float32

FRAME_MS = 40  # two periods and more of the deepest voice
CLEAR = 0.6  # of a perfectly periodic frame's peak
LOUD = 0.1  # of the loudest sample: below are pauses
OCTAVE_BIAS = 0.9  # a period's multiples peak almost as high: the shortest that comes near the highest counts
REACH = 2**0.5  # a shifted voice may leave the range that voices have


def median_pitch_hz(pcm: Float32, rate_hz: int) -> float:
    """0 where nothing is voiced."""
    size = rate_hz * FRAME_MS // 1000
    loud = LOUD * float(np.abs(pcm).max(initial=0.0))
    frames = pcm[: pcm.size // size * size].reshape(-1, size).astype(np.float64)
    found = [_pitch_hz(frame, rate_hz) for frame in frames if np.abs(frame).max() > max(loud, 1e-4)]
    voiced = [one for one in found if one]
    return float(np.median(voiced)) if voiced else 0.0


def _pitch_hz(frame: np.ndarray, rate_hz: int) -> float:
    """0 where it is not periodic."""
    frame = frame - frame.mean()
    size = frame.size
    shortest, longest = int(rate_hz / (PITCH_MAX_HZ * REACH)), min(size // 2, int(rate_hz / PITCH_MIN_HZ * REACH))
    power = np.abs(np.fft.rfft(frame, 2 * size)) ** 2
    product = np.fft.irfft(power)[: longest + 2]
    energy = np.concatenate(([0.0], np.cumsum(frame**2)))
    lags = np.arange(longest + 2)
    norm = np.sqrt(energy[size - lags] * (energy[size] - energy[lags]))
    likeness = product / np.maximum(norm, 1e-12)
    inner = likeness[shortest : longest + 1]
    peaks = (inner >= likeness[shortest - 1 : longest]) & (inner >= likeness[shortest + 1 : longest + 2])
    peaks &= inner >= max(CLEAR, OCTAVE_BIAS * inner.max(initial=0.0))
    return rate_hz / (shortest + int(np.argmax(peaks))) if peaks.any() else 0.0
