"""The input meter: a dead microphone's samples stand still, a clipping one's stand at the end of the scale."""

from __future__ import annotations

import numpy as np
import pytest

from stitcher.input_meter import DEAD_SWING, InputMeter

WINDOW = 512


def read(*blocks):
    meter = InputMeter()
    for block in blocks:
        meter.feed(np.asarray(block, np.int16))
    return meter.read()


def hiss(dbfs, samples=WINDOW, seed=0):
    return np.random.default_rng(seed).normal(0, 32768 * 10 ** (dbfs / 20), samples).round()


@pytest.mark.parametrize("dead", [np.zeros(WINDOW), np.full(WINDOW, -417), np.arange(WINDOW) % 3 - 1])
def test_muted_hardware_stands_still(dead):
    assert read(dead)[0] <= DEAD_SWING


@pytest.mark.parametrize("dbfs", [-60, -75, -85])
def test_no_window_of_a_quiet_room_stands_still(dbfs):
    assert min(read(hiss(dbfs, seed=seed))[0] for seed in range(500)) > DEAD_SWING


def test_samples_at_either_end_of_the_scale_are_clipped_and_no_others():
    block = np.zeros(100)
    block[:6] = (32_767, -32_768, -32_767, 32_766, -32_766, 12)
    assert read(block) == (65_535, 0.03)


def test_a_reading_is_of_all_blocks_since_the_last_one():
    meter = InputMeter()
    for level in (5, 32_767, -3):
        meter.feed(np.full(10, level, np.int16))
    assert meter.read() == (32_770, pytest.approx(1 / 3))
    assert meter.read() == (32_770, pytest.approx(1 / 3)), "a second window out of the same blocks"
    meter.feed(np.full(10, 7, np.int16))
    assert meter.read() == (0, 0.0)
