"""The guard by itself: bounded, gentle, each tier only where the one before is not enough, nothing mended twice."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stitcher.drift import (
    DEAD_BAND_MS,
    JUMP_MS,
    RATIO_MOST_PPM,
    RATIO_SLEW_PPM_PER_S,
    SILENCE_MS,
    SPLICE_EVERY_MS,
    SPLICE_MS,
    Correction,
    DriftGuard,
    Repair,
)
from timeline.codec import decode, encode

RATE_HZ = 24_000
MS = RATE_HZ // 1000
TARGET = 120 * MS
BLOCK = 480


def held(error_ms: float, seconds: float = 10) -> DriftGuard:
    """A guard that has seen one lead for a while."""
    guard = DriftGuard(RATE_HZ, TARGET)
    for number in range(int(seconds * RATE_HZ / BLOCK)):
        guard.tick(number * BLOCK, TARGET + round(error_ms * MS))
    return guard


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([1, 64, 480, 2400]), st.integers(-1000, 30_000)), max_size=200))
def test_whatever_the_lead_does_the_ratio_is_bounded_and_glides(ticks):
    guard, position = DriftGuard(RATE_HZ, TARGET), 0
    guard.tick(0, TARGET)
    for block, lead in ticks:
        before, position = guard.ratio_ppm, position + block
        guard.tick(position, lead)
        assert abs(guard.ratio_ppm) <= RATIO_MOST_PPM
        assert abs(guard.ratio_ppm - before) <= RATIO_SLEW_PPM_PER_S * block / RATE_HZ + 1e-6


@pytest.mark.parametrize("error_ms", [-DEAD_BAND_MS, -3.0, 0.0, DEAD_BAND_MS])
def test_within_the_dead_band_nothing_is_done(error_ms):
    guard = held(error_ms, 100)
    assert guard.ratio_ppm == 0 and guard.wish(TARGET) is None


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_tiers_come_in_their_order(sign):
    def wish(error_ms: float):
        return held(sign * error_ms).wish(TARGET + round(sign * error_ms * MS))

    assert wish(SILENCE_MS - 1) is None
    assert wish(SILENCE_MS + 1).repair is Repair.SILENCE
    assert wish(SPLICE_MS + 1).repair is Repair.SPLICE
    found = wish(SPLICE_MS + 1)
    assert found.samples == pytest.approx(-sign * (SPLICE_MS + 1) * MS, abs=1) and "ms off" in found.reason


def test_a_lead_beyond_repair_is_cut_at_once():
    guard = DriftGuard(RATE_HZ, TARGET)
    assert guard.wish(TARGET + int(JUMP_MS) * MS) is None
    wish = guard.wish(TARGET + int(JUMP_MS) * MS + 1)
    assert wish.repair is Repair.JUMP and wish.samples == -int(JUMP_MS) * MS - 1 and "ahead" in wish.reason


def test_one_lead_alone_is_no_reason_for_a_splice():
    guard = DriftGuard(RATE_HZ, TARGET)
    guard.tick(0, TARGET)
    guard.tick(BLOCK, TARGET + 300 * MS)
    assert guard.wish(TARGET + 300 * MS) is None


def test_what_was_done_is_not_wished_again_and_not_too_soon():
    guard = held(60)
    wish = guard.wish(TARGET + 60 * MS)
    guard.done(Correction(Repair.SPLICE, -10 * MS, 0, wish.reason))
    assert guard.error_samples == pytest.approx(50 * MS, abs=2)
    assert guard.wish(TARGET + 50 * MS).repair is Repair.SILENCE  # a splice so close to the last would be rough
    for _ in range(int(SPLICE_EVERY_MS / 20) + 1):
        guard.tick(guard._at + BLOCK, TARGET + 50 * MS)
    assert guard.wish(TARGET + 50 * MS).repair is Repair.SPLICE
    guard.done(Correction(Repair.SILENCE, -50 * MS, 0, wish.reason))
    assert guard.wish(TARGET) is None


def test_after_a_jump_the_mean_begins_anew_and_the_drift_is_remembered():
    guard = held(15, 200)
    integral = guard._integral_ppm
    assert integral < -100
    guard.done(Correction(Repair.JUMP, 3000, 0, "dry"))
    assert guard.error_samples == 0 and guard._integral_ppm == integral


def test_a_clock_that_stands_still_or_goes_back_is_no_time():
    guard = held(30)
    ratio, error = guard.ratio_ppm, guard.error_samples
    guard.tick(guard._at, TARGET + 9000)
    assert (guard.ratio_ppm, guard.error_samples) == (ratio, error)


def test_a_correction_can_be_written_down_and_read_back():
    correction = Correction(Repair.SPLICE, -240, 77_000, "the lead is +41 ms off")
    assert decode(orjson.loads(orjson.dumps(encode(correction))), {"Correction": Correction}) == correction
