"""The reference: what sounded at a time, whatever the clocks, the jitter and the blocks."""

from __future__ import annotations

import numpy as np
import pytest

from stitcher.echo_reference import KEPT_S, LEAD_NS, EchoReference
from stitcher.pcm import to_int16
from timeline.clock import NS_PER_MS, NS_PER_S

EAR_HZ = 16_000
FRAME = 160


def sound(t_s: np.ndarray) -> np.ndarray:
    """What sounds at a time: a chirp, so that no two moments are alike."""
    return 0.5 * np.sin(2 * np.pi * (300 * t_s + 20 * t_s**2))


def listen(seconds: float, rate_hz: int, block: int, ppm: float = 0.0, jitter_ms: float = 0.0, leap_ms=lambda t_s: 0.0):
    """Play and read by turns; returns the reference, what it gave, and what truly sounded then."""
    reference, draw = EchoReference(rate_hz, EAR_HZ), np.random.default_rng(2)
    true_hz = rate_hz * (1 + ppm * 1e-6)
    given, truly, number = [], [], 0
    for frame in range(int(seconds * 100)):
        until_s = (frame + 1) / 100
        while number * block / true_hz < until_s + 0.05:
            at_s = number * block / true_hz
            pcm = sound((number * block + np.arange(block)) / true_hz)
            late_s = draw.uniform(-jitter_ms, jitter_ms) / 1000 + leap_ms(at_s) / 1000
            reference.played(to_int16(pcm.astype(np.float32)), int((at_s + late_s) * NS_PER_S))
            number += 1
        given.append(reference.sounded(until_s * NS_PER_S, FRAME))
        ear_s = until_s + LEAD_NS / NS_PER_S + np.arange(1 - FRAME, 1) / EAR_HZ
        truly.append(sound(ear_s - leap_ms(until_s) / 1000))
    return reference, np.concatenate(given) / 32767, np.concatenate(truly)


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("block_ms", [5, 20, 40])
def test_what_sounded_is_given_at_its_time(rate_hz, block_ms):
    _, given, truly = listen(2.0, rate_hz, rate_hz * block_ms // 1000)
    np.testing.assert_allclose(given[EAR_HZ // 5 :], truly[EAR_HZ // 5 :], atol=0.01)


@pytest.mark.parametrize("ppm", [-100.0, 100.0])
def test_a_clock_that_drifts_is_followed(ppm):
    _, given, truly = listen(12.0, 24_000, 480, ppm)
    np.testing.assert_allclose(given[-EAR_HZ:], truly[-EAR_HZ:], atol=0.02)


def test_jitter_makes_no_skip():
    reference, given, _ = listen(12.0, 24_000, 480, 100.0, jitter_ms=5.0)
    assert reference.skips == 0
    assert np.abs(np.diff(given[EAR_HZ:])).max() < 0.25  # the steepest that the chirp is by itself, and a little


def test_a_latency_that_jumps_is_followed_at_once():
    leap = lambda t_s: 60.0 if t_s >= 3 else 0.0  # noqa: E731
    reference, given, truly = listen(5.0, 24_000, 480, leap_ms=leap)
    assert reference.skips == 1
    np.testing.assert_allclose(given[-EAR_HZ:], truly[-EAR_HZ:], atol=0.05)


def test_nothing_played_is_silence():
    reference = EchoReference(24_000, EAR_HZ)
    assert not reference.sounded(NS_PER_S, FRAME).any()
    reference.played(np.full(480, 1000, np.int16), NS_PER_S)
    assert not reference.sounded(5 * NS_PER_S, FRAME).any(), "long after the last block"
    assert not reference.sounded(NS_PER_S - 100 * NS_PER_MS, FRAME).any(), "before the first one"


def test_what_lies_too_far_back_is_silence():
    reference = EchoReference(24_000, EAR_HZ)
    for number in range(50 * (KEPT_S + 2)):
        reference.played(np.full(480, 1000, np.int16), number * 20 * NS_PER_MS)
    assert not reference.sounded(NS_PER_S, FRAME).any()
    assert reference.sounded((KEPT_S + 1) * NS_PER_S, FRAME).all()
