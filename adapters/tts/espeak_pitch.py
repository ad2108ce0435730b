"""eSpeak NG's two pitch knobs, in hertz and semitones: what they do to a voice is measured, not taken from a table.

The pitch knob (0 to 99) scales a voice's base by up to an octave each way, the range knob (0 to 100) what intonation
adds to it. So the median of speech is a straight line in both, and three readings of a voice give it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

PLAIN_PITCH, PITCH_MOST = 50, 99
PLAIN_RANGE, RANGE_MOST = 50, 100
PROBE_PITCH, PROBE_RANGE = 80, 100  # far enough from plain that a median's noise matters little

MedianHz = Callable[[int, int], float]
"""(pitch knob, range knob) -> median fundamental of speech with them"""


def scale(pitch: float) -> float:
    """By how much the pitch knob multiplies the base: an octave in fifty steps."""
    return float(2.0 ** ((pitch - PLAIN_PITCH) / PLAIN_PITCH))


@dataclass(frozen=True, slots=True)
class Set:
    """Both knobs, and what they come to: `reached` is true where no end of a knob was met."""

    pitch: int = PLAIN_PITCH
    range: int = PLAIN_RANGE
    reached_hz: bool = True
    reached_range: bool = True


@dataclass(frozen=True, slots=True)
class PitchModel:
    """The median of a voice: plain_hz + base_hz * (scale - 1) + swing_hz * (range - 1), range 1.0 being its own."""

    plain_hz: float
    base_hz: float
    swing_hz: float

    def knobs(self, wanted_hz: float, range_: float) -> Set:
        """For a median, and a swing in semitones `range_` times the voice's own."""
        swing = range_ * wanted_hz / self.plain_hz  # the knob works in hertz: a higher voice swings by more of them
        range_knob = round(min(RANGE_MOST, PLAIN_RANGE * swing))
        rest_hz = wanted_hz - self.plain_hz - self.swing_hz * (range_knob / PLAIN_RANGE - 1)
        pitch = PLAIN_PITCH * (1 + math.log2(max(0.01, 1 + rest_hz / self.base_hz)))
        pitch_knob = round(min(PITCH_MOST, max(0.0, pitch)))
        return Set(pitch_knob, range_knob, abs(pitch_knob - pitch) <= 0.5, PLAIN_RANGE * swing <= RANGE_MOST + 0.5)


def measure(median_hz: MedianHz) -> PitchModel | None:
    """None for a voice without a pitch (a whisper)."""
    plain_hz = median_hz(PLAIN_PITCH, PLAIN_RANGE)
    base_hz = (median_hz(PROBE_PITCH, PLAIN_RANGE) - plain_hz) / (scale(PROBE_PITCH) - 1)
    swing_hz = (median_hz(PLAIN_PITCH, PROBE_RANGE) - plain_hz) / (PROBE_RANGE / PLAIN_RANGE - 1)
    return PitchModel(plain_hz, base_hz, swing_hz) if plain_hz > 0 and base_hz > 0 else None
