"""Noises that rooms make, each from a seed, and speech laid over them. Pure; float32 at EAR_RATE_HZ.

Level is that of the whole: what happens now and then (keys, coughs) is as loud as steady noise of the same energy.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from adapters.base import EAR_RATE_HZ
from scenes.corpus.levels import active_dbfs
from stitcher.pcm import Float32

HUM_HZ, HUM_OVERTONES, HUM_HISS = 50.0, 8, 0.02
PINK_FROM_HZ = 20.0  # below, nobody hears more of it
KEYS_PER_S, KEY_RINGS_S = 6.0, 0.005
COUGHS_PER_S, COUGH_S, COUGH_RINGS_S = 0.4, 0.25, 0.06
THROAT_HZ, THROAT_WIDTH_HZ = (500.0, 1500.0, 2500.0), 150.0  # resonances of an open throat
EVENT_MOST_SAMPLES = EAR_RATE_HZ  # no single sound is longer

Rng = np.random.Generator
Samples = npt.NDArray[np.float64]


def white(size: int, rng: Rng) -> Samples:
    """Hiss."""
    return rng.standard_normal(size)


def pink(size: int, rng: Rng) -> Samples:
    """Equal power in each octave: wind, traffic, a crowd far away."""
    spectrum = np.fft.rfft(rng.standard_normal(size))
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(np.fft.rfftfreq(size, 1 / EAR_RATE_HZ), PINK_FROM_HZ)), size)


def hum(size: int, rng: Rng) -> Samples:
    """The mains and its overtones, with a little hiss."""
    time = np.arange(size) / EAR_RATE_HZ
    sound = HUM_HISS * rng.standard_normal(size)
    for n in range(1, HUM_OVERTONES + 1):
        sound += np.sin(2 * np.pi * (HUM_HZ * n * time + rng.uniform())) / n
    return sound


def keys(size: int, rng: Rng) -> Samples:
    """A keyboard: short bursts that ring away, at no even pace."""
    ring = np.exp(-np.arange(round(12 * KEY_RINGS_S * EAR_RATE_HZ)) / (EAR_RATE_HZ * KEY_RINGS_S))
    return _events(size, rng, KEYS_PER_S, lambda: rng.standard_normal(ring.size) * ring * rng.uniform(0.3, 1.0))


def coughs(size: int, rng: Rng) -> Samples:
    """Bursts of noise through a throat, twice in a row."""
    time = np.arange(round(COUGH_S * EAR_RATE_HZ)) / EAR_RATE_HZ
    envelope = np.exp(-time / COUGH_RINGS_S) * (1 - np.exp(-time / COUGH_RINGS_S * 12))

    def cough() -> Samples:
        burst = _through_a_throat(rng.standard_normal(time.size), rng.uniform(0.85, 1.2)) * envelope
        return np.concatenate([burst, np.zeros(time.size // 2), 0.6 * burst])

    return _events(size, rng, COUGHS_PER_S, cough)


def _through_a_throat(noise: Samples, scale: float) -> Samples:
    """`scale`: of the resonances; a larger throat has lower ones."""
    freqs_hz = np.fft.rfftfreq(noise.size, 1 / EAR_RATE_HZ)
    gain = np.zeros(freqs_hz.size)
    for hz in THROAT_HZ:
        gain += 1.0 / (1.0 + ((freqs_hz - scale * hz) / THROAT_WIDTH_HZ) ** 2)
    return np.fft.irfft(np.fft.rfft(noise) * gain, noise.size)


def _events(size: int, rng: Rng, per_s: float, make: Callable[[], Samples]) -> Samples:
    """At least one; at times that know nothing of each other."""
    out = np.zeros(size + EVENT_MOST_SAMPLES)
    for at in rng.integers(0, max(1, size), max(1, rng.poisson(per_s * size / EAR_RATE_HZ))):
        event = make()
        out[at : at + event.size] += event
    return out[:size]


_MAKERS = {"white": white, "pink": pink, "hum": hum, "keys": keys, "coughs": coughs}
NOISES = ("white", "pink", "hum", "keys")
"""What may lie beneath speech. Coughs stand alone: in a pause they would be sound of the user's own."""


def make_noise(kind: str, size: int, dbfs: float, seed: int) -> Float32:
    """`size` samples of that kind, that loud on the whole."""
    raw = _MAKERS[kind](size, np.random.default_rng(seed))
    loud: Float32 = (raw * (10 ** (dbfs / 20) / np.sqrt(np.mean(np.square(raw))))).astype(np.float32)
    return loud


def beneath(speech: Float32, kind: str, snr_db: float, seed: int) -> Float32:
    """The speech with a noise under it, that many dB below its active level."""
    return speech + make_noise(kind, speech.size, active_dbfs(speech) - snr_db, seed)
