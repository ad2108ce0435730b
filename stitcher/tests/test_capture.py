"""The microphone's side: every block with its time, or lost and counted."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stitcher.capture import CAPTURE_FACTS, CAPTURE_SECONDS, FACT_BLOCKS, Capture

RATE_HZ = 16_000
ROW = len(CAPTURE_FACTS)


def blocks(capture: Capture) -> list[list[int]]:
    return np.concatenate(capture.facts.peek(capture.facts.queued)).reshape(-1, ROW).tolist()


@given(sizes=st.lists(st.integers(1, 800), max_size=20))
def test_what_is_heard_can_be_read_with_its_times(sizes):
    capture = Capture(RATE_HZ)
    heard = [np.random.default_rng(k).integers(-999, 999, size, np.int16) for k, size in enumerate(sizes)]
    for k, block in enumerate(heard):
        capture.take(block, 1000 + k)
    assert blocks(capture) == [[size, 1000 + k, 0, RATE_HZ] for k, size in enumerate(sizes)]
    np.testing.assert_array_equal(np.concatenate(capture.ring.peek(99_999)), np.concatenate([[], *heard]))
    assert capture.lost_samples == 0


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 99), most=st.integers(1, 9000))
def test_facts_and_samples_stay_in_step_whatever_is_lost(seed, most):
    """The reader lags at random; what it reads later still adds up, and the rest is counted."""
    random, capture = np.random.default_rng(seed), Capture(RATE_HZ)
    taken = 0
    for turn in range(300):
        size = int(random.integers(1, most + 1))
        taken += size
        capture.take(np.zeros(size, np.int16), turn)
        if random.random() < 0.02:
            capture.facts.consume(capture.facts.queued)
            capture.ring.consume(capture.ring.queued)
        assert sum(row[0] for row in blocks(capture)) == capture.ring.queued
    assert taken == capture.ring.written + capture.lost_samples


def test_a_reader_that_never_comes():
    capture = Capture(RATE_HZ)
    block = np.zeros(RATE_HZ, np.int16)
    for turn in range(CAPTURE_SECONDS + 2):
        capture.take(block, turn)
    assert capture.lost_samples == 2 * RATE_HZ
    assert len(blocks(capture)) == CAPTURE_SECONDS


def test_times_that_find_no_room_take_their_samples_with_them():
    capture = Capture(RATE_HZ)
    for turn in range(FACT_BLOCKS + 5):
        capture.take(np.zeros(1, np.int16), turn)
    assert (capture.lost_samples, capture.ring.queued) == (5, FACT_BLOCKS)


def test_a_microphone_that_is_found_again_begins_another_stream():
    capture = Capture(RATE_HZ)
    capture.take(np.ones(3, np.int16), 1)
    capture.begin_stream(48_000)
    capture.take(np.ones(2, np.int16), 2)
    assert blocks(capture) == [[3, 1, 0, RATE_HZ], [2, 2, 1, 48_000]]
    assert capture.rate_hz == 48_000
