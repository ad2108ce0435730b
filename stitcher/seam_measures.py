"""Seam measures: how far a seam can be heard, in three numbers. For tests, benches and probes; never on the hot path.

The seam is compared with the speech around it, for what is normal inside speech is no fault at a seam:

    click_ratio           largest sample step within CLICK_MS of the seam over the 99.9th percentile of the steps inside
                          speech; up to 1 the seam is no sharper than speech itself (our own definition)
    high_band_db          energy above HIGH_HZ within BAND_MS of the seam against the mean of such windows of speech: a
                          click is wide, and shows where speech has little
    level_difference_db   root mean square of LEVEL_MS of speech after the seam against the same before
    loudness_difference_lu  the same with the K-weighting of ITU-R BS.1770-5, that is as the ear weighs it
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stitcher.loudness import k_weighting
from stitcher.pcm import FULL_SCALE, Float32, Int16

CLICK_MS, BAND_MS, LEVEL_MS = 5, 10, 100  # reach of a click; a frame around the seam; a syllable
HIGH_HZ = 6_000  # above it voiced speech has next to nothing, a step has as much as below
GATE_DBFS = -50.0  # below, a window is no speech
WINDOW_MS = 20
GATE_MS = 5  # the period of a deep voice fits; a pause is found to within it
STEP_PERCENTILE = 99.9  # the sharpest of speech, less the one sample in a thousand that may be a fault itself
FLOOR = 1e-12  # power; keeps logarithms finite

Float64 = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SeamMeasure:
    """None where there is nothing to measure: no speech on a side, or a rate without such a band."""

    click_ratio: float
    high_band_db: float | None
    level_difference_db: float | None
    loudness_difference_lu: float | None


def measure_seam(pcm: Int16 | Float32, index: int, rate_hz: int, speech: Mask | None = None) -> SeamMeasure:
    """`pcm`: int16[n] or float32[n] full scale 1.0; the seam lies before sample `index`; `speech`: bool[n], which
    samples are speech (None: those of windows louder than GATE_DBFS). Raises ValueError where the seam lies outside,
    or no sample away from it is speech."""
    audio = pcm.astype(np.float64) / (FULL_SCALE if pcm.dtype == np.int16 else 1.0)
    if not 0 < index < audio.size:
        raise ValueError(f"the seam at {index} lies outside the {audio.size} samples")
    mask = speech_mask(audio, rate_hz) if speech is None else speech
    before, after = (_nearest(audio, mask, index, rate_hz, side) for side in (-1, 1))
    return SeamMeasure(
        _click_ratio(audio, mask, index, rate_hz),
        _high_band_db(audio, mask, index, rate_hz) if rate_hz > 2 * HIGH_HZ else None,
        _difference_db(_power(before), _power(after)),
        _difference_db(_weighted_power(before, rate_hz), _weighted_power(after, rate_hz)),
    )


def speech_mask(audio: Float64, rate_hz: int) -> Mask:
    """bool[n]: samples of windows of GATE_MS louder than GATE_DBFS."""
    window = rate_hz * GATE_MS // 1000
    padded = np.pad(audio, (0, -audio.size % window)).reshape(-1, window)
    loud = np.mean(padded**2, axis=1) > 10 ** (GATE_DBFS / 10)
    return np.repeat(loud, window)[: audio.size]


def _click_ratio(audio: Float64, mask: Mask, index: int, rate_hz: int) -> float:
    steps = np.abs(np.diff(audio))  # steps[n] leads to sample n + 1
    reach = rate_hz * CLICK_MS // 1000
    near = slice(max(0, index - 1 - reach), index + reach)
    inside = mask[:-1] & mask[1:]
    inside[near] = False  # or a click would be measured by itself
    if not inside.any():
        raise ValueError("no sample away from the seam is speech")
    return float(steps[near].max() / max(np.percentile(steps[inside], STEP_PERCENTILE), FLOOR))


def _high_band_db(audio: Float64, mask: Mask, index: int, rate_hz: int) -> float | None:
    half = rate_hz * BAND_MS // 1000
    around = np.pad(audio, half)[index : index + 2 * half]
    away = np.abs(np.arange(audio.size) - index) > 2 * half
    windows = _windows(audio, mask & away, 2 * half)
    if not windows.size:
        return None
    high = np.fft.rfftfreq(2 * half, 1 / rate_hz) > HIGH_HZ
    usual = float(np.mean(np.sum(_spectra(windows)[:, high], axis=1)))
    return _difference_db(usual, float(np.sum(_spectra(around[None])[:, high])))


def _nearest(audio: Float64, mask: Mask, index: int, rate_hz: int, side: int) -> Float64:
    """Windows of the LEVEL_MS of speech next to the seam on one side, float64[k, window]."""
    window = rate_hz * WINDOW_MS // 1000
    part, gate = (audio[index:], mask[index:]) if side > 0 else (audio[:index][::-1], mask[:index][::-1])
    return _windows(part, gate, window)[: LEVEL_MS // WINDOW_MS]


def _windows(audio: Float64, mask: Mask, size: int) -> Float64:
    """The windows that are speech throughout, float64[k, size]."""
    count = audio.size // size
    whole = mask[: count * size].reshape(count, size).all(axis=1)
    return audio[: count * size].reshape(count, size)[whole]


def _spectra(windows: Float64) -> Float64:
    """Power spectra of Hann windows, float64[k, bins]."""
    spectra: Float64 = np.abs(np.fft.rfft(windows * np.hanning(windows.shape[1]), axis=1)) ** 2
    return spectra


def _power(windows: Float64) -> float:
    return float(np.mean(windows**2)) if windows.size else 0.0


def _weighted_power(windows: Float64, rate_hz: int) -> float:
    """Power through the K-weighting, applied to the spectrum: no filter, so nothing has to settle."""
    if not windows.size:
        return 0.0
    frequencies = np.fft.rfftfreq(windows.shape[1], 1 / rate_hz)
    return float(np.mean(np.sum(_spectra(windows) * k_weighting(frequencies), axis=1)))


def _difference_db(before: float, after: float) -> float | None:
    return 10 * float(np.log10(after / before)) if before > FLOOR and after > FLOOR else None
