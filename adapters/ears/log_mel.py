"""Log-mel features as Whisper's family of models reads them: 80 bands, 100 frames a second.

    pcm -> spectrum of 25 ms every 10 ms -> power in each band -> log10 -> eight decades below the loudest -> scaled

Rules. A band is a triangle over frequency, of the same area whatever its width; their corners lie evenly on Slaney's
mel scale, which is linear up to 1 kHz and logarithmic above. The audio is mirrored at its ends, so that every frame is
full, and there are as many frames as hops. Pure; the arithmetic is float64, for silence lies ten decades down.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from adapters.base import EAR_RATE_HZ
from stitcher.pcm import Float32

BANDS = 80
WINDOW_SAMPLES, HOP_SAMPLES = EAR_RATE_HZ // 40, EAR_RATE_HZ // 100
POWER_LEAST = 1e-10  # what silence counts as
DECADES = 8.0  # below the loudest of all bands and frames: softer counts as this soft
LINEAR_HZ, LINEAR_MELS = 1000.0, 15.0  # where the scale changes from lines to octaves
OCTAVES_BASE, OCTAVES_MELS = 6.4, 27.0  # above: so many mels for a frequency 6.4 times as high


def log_mel(pcm: Float32) -> Float32:
    """float32[n] at EAR_RATE_HZ -> float32[BANDS, n // HOP_SAMPLES], most of it in [-1, 1]."""
    mirrored = np.pad(pcm.astype(np.float64), WINDOW_SAMPLES // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(mirrored, WINDOW_SAMPLES)[::HOP_SAMPLES]
    spectrum = np.fft.rfft(windows[: pcm.size // HOP_SAMPLES] * _hann(), axis=-1)
    power = _bands() @ (spectrum.real**2 + spectrum.imag**2).T
    decades = np.log10(np.maximum(power, POWER_LEAST))
    scaled: Float32 = (np.maximum(decades, decades.max() - DECADES) / 4.0 + 1.0).astype(np.float32)
    return scaled


@cache
def _hann() -> npt.NDArray[np.float64]:
    """Periodic: as one of a row of windows that overlap."""
    return np.hanning(WINDOW_SAMPLES + 1)[:-1]


@cache
def _bands() -> npt.NDArray[np.float64]:
    """Weight of each frequency of the spectrum in each band."""
    highest_hz = EAR_RATE_HZ / 2
    highest_mels = LINEAR_MELS + OCTAVES_MELS * np.log(highest_hz / LINEAR_HZ) / np.log(OCTAVES_BASE)
    mels = np.linspace(0.0, highest_mels, BANDS + 2)
    above = OCTAVES_BASE ** ((mels - LINEAR_MELS) / OCTAVES_MELS)
    corners_hz = LINEAR_HZ * np.where(mels < LINEAR_MELS, mels / LINEAR_MELS, above)
    lines_hz = np.linspace(0.0, highest_hz, WINDOW_SAMPLES // 2 + 1)
    triples = np.lib.stride_tricks.sliding_window_view(corners_hz, 3)
    return np.stack([np.interp(lines_hz, three, (0.0, 2.0 / (three[2] - three[0]), 0.0)) for three in triples])
