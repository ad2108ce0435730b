"""What a room makes of a sound that is not meant for the microphone: dull, late, and from everywhere. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adapters.base import EAR_RATE_HZ
from stitcher.pcm import Float32

OFF_AXIS_HZ = 2_500.0  # above, a head that is turned away shadows its voice
SET_LOW_HZ, SET_HIGH_HZ = 250.0, 5_000.0  # what the loudspeaker of a television carries
DECAY_60_S = 0.5  # a furnished living room
DIRECT_SHARE = 0.3  # of the energy: two or three metres away most of it comes from the walls

Rng = np.random.Generator


def turned_away(voice: Float32, rng: Rng) -> Float32:
    """Somebody across the room who speaks to somebody else. As long as the voice, with the room's decay behind it."""
    return reverberant(_band(voice, 0.0, OFF_AXIS_HZ), rng)


def television(voice: Float32, rng: Rng) -> Float32:
    return reverberant(_band(voice, SET_LOW_HZ, SET_HIGH_HZ), rng)


def babble(voices: Sequence[Float32], size: int, rng: Rng) -> Float32:
    """Several who speak at once, each over and over, none to be understood."""
    out = np.zeros(size)
    for voice in voices:
        out += np.resize(np.roll(voice, int(rng.integers(voice.size))), size)
    return out.astype(np.float32)


def reverberant(sound: Float32, rng: Rng) -> Float32:
    """The sound and what the walls send back: noise that dies away."""
    length = round(DECAY_60_S * EAR_RATE_HZ)
    walls = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    walls *= np.sqrt((1 - DIRECT_SHARE) / np.sum(np.square(walls)))
    walls[0] += np.sqrt(DIRECT_SHARE)
    size = sound.size + length
    return np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(walls, size), size).astype(np.float32)


def _band(sound: Float32, low_hz: float, high_hz: float) -> Float32:
    """What lies between, with slopes of 24 dB an octave."""
    hz = np.fft.rfftfreq(sound.size, 1 / EAR_RATE_HZ)
    gain = 1 / (1 + (hz / high_hz) ** 4)
    if low_hz:
        gain *= 1 - 1 / (1 + (hz / low_hz) ** 4)
    return np.fft.irfft(np.fft.rfft(sound) * gain, sound.size).astype(np.float32)
