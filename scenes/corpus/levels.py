"""Levels: how loud speech is where it is loud, where it begins and ends, and what is mixed beneath it. Pure.

The *active* level is the root mean square of the frames of 10 ms that are within ACTIVE_DB of the loudest: pauses do
not count, so a slow speaker is as loud as a quick one. Levels are in dB of full scale.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from adapters.base import EAR_RATE_HZ
from stitcher.pcm import Float32

FRAME_SAMPLES = EAR_RATE_HZ // 100
ACTIVE_DB = 30.0  # below the loudest frame: the softest consonants are about there, breath and reverberation below
SILENT_POWER = 1e-12


def powers(pcm: Float32) -> npt.NDArray[np.float64]:
    """Mean square of each whole frame."""
    whole = pcm[: pcm.size // FRAME_SAMPLES * FRAME_SAMPLES].astype(np.float64)
    power: npt.NDArray[np.float64] = np.mean(np.square(whole.reshape(-1, FRAME_SAMPLES)), axis=1)
    return power


def active(pcm: Float32) -> npt.NDArray[np.bool_]:
    """Which frames are loud."""
    power = powers(pcm)
    loud: npt.NDArray[np.bool_] = power > max(SILENT_POWER, power.max(initial=0.0) * 10 ** (-ACTIVE_DB / 10))
    return loud


def active_dbfs(pcm: Float32) -> float:
    """-120.0 for silence."""
    loud = powers(pcm)[active(pcm)]
    return 10.0 * float(np.log10(loud.mean())) if loud.size else -120.0


def set_active_dbfs(pcm: Float32, dbfs: float) -> Float32:
    """The same sound that loud; silence stays silent."""
    now_dbfs = active_dbfs(pcm)
    return pcm if now_dbfs <= -120.0 else (pcm * 10 ** ((dbfs - now_dbfs) / 20)).astype(np.float32)


def loud_range(pcm: Float32) -> tuple[int, int]:
    """Samples from the first loud frame to the end of the last; (0, 0) for silence."""
    loud = np.flatnonzero(active(pcm))
    return (int(loud[0]) * FRAME_SAMPLES, int(loud[-1] + 1) * FRAME_SAMPLES) if loud.size else (0, 0)


def quietest(pcm: Float32, start: int, end: int) -> int:
    """Middle of the quietest frame of pcm[start:end]."""
    start = max(0, start)
    energy = np.cumsum(np.square(np.pad(pcm[start : max(start, end)], (1, 0)), dtype=np.float64))
    if energy.size <= FRAME_SAMPLES:
        return start
    return start + int(np.argmin(energy[FRAME_SAMPLES:] - energy[:-FRAME_SAMPLES])) + FRAME_SAMPLES // 2
