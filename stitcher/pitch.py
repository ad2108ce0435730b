"""Pitch: the fundamental of speech, frame by frame, by YIN (de Cheveigné and Kawahara, "YIN, a fundamental frequency
estimator for speech and music", J. Acoust. Soc. Am. 111(4), 2002).

    frame -> squared difference to itself shifted by each lag -> over its mean so far -> first dip below THRESHOLD -> Hz

A frame without such a dip, or far softer than the loudest, has no pitch (NaN). A voice seldom swings by an octave, so
all frames are looked at again near the median of the first pass: no dip at twice or half a period is taken then.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from stitcher.pcm import Float32
from stitcher.speaking import frame_starts

PITCH_LEAST_HZ, PITCH_MOST_HZ = 55.0, 500.0  # below a deep man, above a child's highest
WINDOW_MS = 30  # of the difference: more than a period of the deepest voice, less than a syllable
THRESHOLD = (
    0.15  # the share of power that does not repeat: YIN's own is 0.1, speech made by engines is a little rougher
)
GATE_DB = -30.0  # against the loudest frame: below it lie pauses, reverberation and the ends of words
REACH_SEMITONES = 10.0  # to each side of the median: wider than any voice here swings, narrower than an octave
FLOOR = 1e-12

Float64 = npt.NDArray[np.floating[Any]]


def pitch_contour_hz(pcm: Float32, rate_hz: int) -> Float64:
    """The fundamental of each frame (stitcher.speaking) of float32[n], float64[k]; NaN where there is none."""
    differences, powers = _differences(pcm, rate_hz)
    if not powers.size:
        return np.zeros(0)
    loud = powers > max(FLOOR, float(powers.max()) * 10 ** (GATE_DB / 10))
    contour = np.full(powers.size, np.nan)
    contour[loud] = _dips_hz(differences[loud], rate_hz, PITCH_LEAST_HZ, PITCH_MOST_HZ)
    middle = median_hz(contour)
    if middle:
        reach = 2 ** (REACH_SEMITONES / 12)
        contour[loud] = _dips_hz(differences[loud], rate_hz, middle / reach, middle * reach)
    return contour


def median_hz(contour_hz: Float64) -> float:
    """Of the frames that have a pitch; 0.0 where none has."""
    voiced = contour_hz[~np.isnan(contour_hz)]
    return float(np.median(voiced)) if voiced.size else 0.0


def semitones(contour_hz: Float64, reference_hz: float) -> Float64:
    """The contour as distances from a reference; NaN stays."""
    above: Float64 = 12 * np.log2(contour_hz / reference_hz)
    return above


def _differences(pcm: Float32, rate_hz: int) -> tuple[Float64, Float64]:
    """For each frame YIN's normalized difference by lag, float64[k, lags], and its power, float64[k]."""
    window, lags = rate_hz * WINDOW_MS // 1000, int(rate_hz / PITCH_LEAST_HZ) + 2
    if pcm.size < window + lags:
        return np.zeros((0, lags)), np.zeros(0)
    at = frame_starts(pcm.size - window - lags + 1, rate_hz)
    frames = np.lib.stride_tricks.sliding_window_view(pcm.astype(np.float64), window + lags)[at]
    size = 1 << (window + 2 * lags).bit_length()
    spectra = np.fft.rfft(frames, size, axis=1) * np.fft.rfft(frames[:, :window], size, axis=1).conj()
    product = np.fft.irfft(spectra, size, axis=1)[:, :lags]
    energy = np.pad(np.cumsum(frames**2, axis=1), ((0, 0), (1, 0)))
    at_lag = energy[:, window : window + lags] - energy[:, :lags]
    difference = np.maximum(at_lag[:, :1] + at_lag - 2 * product, 0.0)
    so_far = np.cumsum(difference[:, 1:], axis=1) / np.arange(1, lags)
    normalized = np.ones_like(difference)
    normalized[:, 1:] = difference[:, 1:] / np.maximum(so_far, FLOOR)
    return normalized, at_lag[:, 0] / window


def _dips_hz(differences: Float64, rate_hz: int, least_hz: float, most_hz: float) -> Float64:
    """The first dip below THRESHOLD between two frequencies, to a fraction of a sample; NaN where there is none."""
    first, last = max(2, int(rate_hz / most_hz)), min(differences.shape[1] - 1, int(rate_hz / least_hz) + 1)
    inner = differences[:, first:last]
    dips = inner < THRESHOLD
    dips &= (inner <= differences[:, first - 1 : last - 1]) & (inner < differences[:, first + 1 : last + 1])
    rows = np.flatnonzero(dips.any(axis=1))
    lag = first + np.argmax(dips[rows], axis=1)
    before, at, after = (differences[rows, lag + k] for k in (-1, 0, 1))
    shift = (before - after) / np.maximum(2 * (before - 2 * at + after), FLOOR)  # the vertex of a parabola
    found = np.full(differences.shape[0], np.nan)
    found[rows] = rate_hz / (lag + shift)
    return found
