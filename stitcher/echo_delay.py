"""Is this our own voice, and how late? The reference found in what was heard, by generalized cross-correlation with the
phase transform (Knapp and Carter, IEEE Trans. ASSP 24, 1976): each frequency counts the same, so an echo is one sharp
peak, however the room colours it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stitcher.pcm import Float32

WINDOW_S = 0.256  # of what was heard: as long as what interrupts
DELAY_MOST_S = 0.6  # Bluetooth takes 0.3 s, and few rooms have a sound travel further than another 30 m
BAND_HZ = (100.0, 6000.0)  # where speech is
EXPECTED_WITHIN_S = 0.003  # the first reflections may be louder than the direct sound
TINY = 1e-12


class Found(NamedTuple):
    """`strength`: the peak over the root mean square of all places; of noise, or of somebody else's speech, about 5.
    `here`: the same where the echo was expected."""

    delay_s: float
    strength: float
    here: float = 0.0


def find_echo(heard: Float32, reference: Float32, rate_hz: int, expected_s: float = 0.0) -> Found:
    """Look for the end of `reference` in `heard`, both float32, both ending at the same time; `reference` is longer by
    the latest delay that is looked for. `expected_s`: where the echo has been."""
    latest = reference.size - heard.size
    size = 1 << (reference.size - 1).bit_length()
    cross = np.fft.rfft(heard, size) * np.fft.rfft(reference, size).conj()
    cross /= np.abs(cross) + TINY
    hz = np.fft.rfftfreq(size, 1 / rate_hz)
    cross[(hz < BAND_HZ[0]) | (hz > BAND_HZ[1])] = 0.0
    # `heard` begins `latest` after `reference`: an echo that is that late lies at 0, one without delay at -latest.
    alike = np.fft.irfft(cross, size)[np.arange(latest + 1) - latest]
    alike = alike / (np.sqrt(np.mean(np.square(alike))) + TINY)
    at, near = int(np.argmax(alike)), int(EXPECTED_WITHIN_S * rate_hz)
    expected = max(0, int(expected_s * rate_hz) - near)
    here = alike[expected : expected + 2 * near + 1]
    return Found(at / rate_hz, float(alike[at]), float(here.max(initial=0.0)))
