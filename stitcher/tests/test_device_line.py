"""A device's line: right through jitter, without steps, along with the drift, and over at once to a new latency."""

from __future__ import annotations

import numpy as np
import pytest

from stitcher.device_line import JUMP_BLOCKS, DeviceLine
from timeline.clock import NS_PER_MS, NS_PER_S

RATE_HZ = 24_000
BLOCK = 480


def run(
    line: DeviceLine, seconds: float, ppm: float = 0.0, jitter_ms: float = 0.0, late_ns: float = 0.0, begin: int = 0
):
    """Feed blocks; returns how far the line was off after each, in milliseconds."""
    draw = np.random.default_rng(1)
    off = []
    for number in range(begin, begin + int(seconds * RATE_HZ / BLOCK)):
        true_ns = number * BLOCK * NS_PER_S / RATE_HZ / (1 + ppm * 1e-6) + late_ns
        line.feed(number * BLOCK, int(true_ns + draw.uniform(-jitter_ms, jitter_ms) * NS_PER_MS))
        off.append((line.time_of(number * BLOCK) - true_ns) / NS_PER_MS)
    return np.array(off)


@pytest.mark.parametrize("ppm", [-300.0, -100.0, 0.0, 100.0, 300.0])
@pytest.mark.parametrize("jitter_ms", [0.0, 5.0])
def test_jitter_is_ironed_out_and_drift_followed(ppm, jitter_ms):
    line = DeviceLine(RATE_HZ)
    off_ms = run(line, 60, ppm, jitter_ms)
    assert np.abs(off_ms[RATE_HZ // BLOCK * 30 :]).max() < 0.05 + 0.12 * jitter_ms
    assert line.drift_ppm == pytest.approx(ppm, abs=1 + 8 * jitter_ms)
    assert line.jumps == 0


def test_it_never_steps_by_more_than_a_fraction_of_the_jitter():
    line = DeviceLine(RATE_HZ)
    off_ms = run(line, 60, 100.0, 5.0)
    assert np.abs(np.diff(off_ms))[RATE_HZ // BLOCK * 10 :].max() < 0.15


def test_a_latency_that_jumps_is_taken_over_within_five_blocks():
    line = DeviceLine(RATE_HZ)
    run(line, 20, 50.0)
    off_ms = run(line, 1, 50.0, late_ns=80 * NS_PER_MS, begin=1000)
    assert line.jumps == 1
    assert np.abs(off_ms[JUMP_BLOCKS:]).max() < 0.1


def test_blocks_that_come_late_after_a_stall_are_no_jump():
    line = DeviceLine(RATE_HZ)
    run(line, 20)
    for number, late_ms in enumerate((200, 180, 160, 140, 120, 100, 80, 60, 40, 20, 0)):
        line.feed((1000 + number) * BLOCK, int((1000 + number) * BLOCK * NS_PER_S / RATE_HZ) + late_ms * NS_PER_MS)
    assert line.jumps == 0
    assert line.time_of(1010 * BLOCK) == pytest.approx(1010 * BLOCK * NS_PER_S / RATE_HZ, abs=0.1 * NS_PER_MS)


def test_places_and_times_are_each_others_inverse():
    line = DeviceLine(RATE_HZ)
    run(line, 20, 100.0)
    assert line.position_at(line.time_of(12345.5)) == pytest.approx(12345.5, abs=1e-3)
