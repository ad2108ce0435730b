"""Calibration: what it measures is what was put in, and a text without sound measures nothing."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.base import Natural
from adapters.tts import calibrate
from adapters.tts.null import NATURAL, ToneTts
from adapters.voice import PLAIN, Voice

RATE_HZ = 24_000


def tone(hz: float, seconds: float, level: float) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE_HZ)) / RATE_HZ)).astype(np.float32)


@pytest.mark.parametrize(("seconds", "hz", "level"), [(2.0, 110.0, 0.25), (4.0, 220.0, 0.05)])
def test_pace_pitch_and_loudness_are_what_was_put_in(seconds, hz, level):
    around = np.zeros(RATE_HZ // 2, np.float32)
    pcm = np.concatenate((around, tone(hz, seconds, level), around))
    natural = calibrate.measured(pcm, RATE_HZ, 50)
    assert natural.chars_per_s == pytest.approx(50 / seconds, rel=0.02)
    assert natural.pitch_hz == pytest.approx(hz, rel=0.01)
    loudness = calibrate.measured(10 * pcm, RATE_HZ, 50).loudness_lufs
    assert loudness - natural.loudness_lufs == pytest.approx(20, abs=0.1)


def test_silence_has_nothing_natural():
    assert calibrate.measured(np.zeros(RATE_HZ, np.float32), RATE_HZ, 50) == Natural()
    assert calibrate.measured(np.zeros(0, np.float32), RATE_HZ, 50) == Natural()


def test_the_null_engine_says_how_it_speaks():
    measured = calibrate.natural(ToneTts(), PLAIN)
    assert measured.chars_per_s == pytest.approx(NATURAL.chars_per_s, rel=0.02)
    assert measured.loudness_lufs == pytest.approx(NATURAL.loudness_lufs, abs=0.2)
    assert ToneTts().describe().natural == NATURAL


def test_the_pace_asked_for_is_left_out():
    assert calibrate.natural(ToneTts(), Voice(pace=2.0)) == calibrate.natural(ToneTts(), PLAIN)
