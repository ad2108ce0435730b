"""Spectral balance: where speech hisses and where it hums, frame by frame.

A hissing sound (s, sh, t) has its power above HISS_HZ, a vowel or a nasal below HUM_HZ, whoever speaks, however loud;
so this tells which sounds are where, and of the voice little.
"""

from __future__ import annotations

import numpy as np

from stitcher.pcm import Float32
from stitcher.speaking import WINDOW_MS, Float64, frame_starts

HISS_HZ = (3500.0, 9000.0)  # above the second formant of any voice; below half the lowest rate
HUM_HZ = (60.0, 1000.0)  # from the deepest fundamental to the first formant
FLOOR_DB = -50.0  # against the loudest frame: a pause neither hisses nor hums


def spectral_balance_db(pcm: Float32, rate_hz: int) -> Float64:
    """Power of hissing over that of humming, of each frame (stitcher.speaking) of float32[n], float64[k]."""
    window = rate_hz * WINDOW_MS // 1000
    at = frame_starts(pcm.size + window // 2, rate_hz)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(pcm, (window // 2, window)), window)[at]
    spectra = np.abs(np.fft.rfft(frames * np.hanning(window), axis=1)) ** 2
    frequencies_hz = np.fft.rfftfreq(window, 1 / rate_hz)
    floor = max(float(spectra.sum(axis=1).max()) * 10 ** (FLOOR_DB / 10), 1e-12)
    hiss, hum = (
        spectra[:, (low <= frequencies_hz) & (frequencies_hz < high)].sum(axis=1) + floor
        for low, high in (HISS_HZ, HUM_HZ)
    )
    balance: Float64 = 10 * np.log10(hiss / hum)
    return balance
