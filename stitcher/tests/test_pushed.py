"""Sources that push at their own clock: kept in step unheard while nearly right, by tiers where they are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stitcher.dither import Dither
from stitcher.drift import DEAD_BAND_MS, JUMP_MS, RATIO_MOST_PPM, SPLICE_MS, Repair
from stitcher.position_map import POINTS_MOST, PositionMap
from stitcher.pushed import TARGET_MS, PushedStream
from stitcher.ring import Ring
from stitcher.seam_measures import measure_seam
from stitcher.seams import EDGE_MS, fade_in
from stitcher.tests.pushing import RATE_HZ, Run

LEVEL, HZ = 0.3, 200
STEP = LEVEL * 32_767 * 2 * np.pi * HZ / RATE_HZ  # the largest of the tone
FADED = LEVEL * 32_767 * np.pi / 2 / (EDGE_MS * 24)  # what a fade may add
ALWAYS_MS = 60.0  # a lead seen at blocks: a chunk's saw-tooth of 40 ms, a block's 20, and the loop's dead band


def tone(first: int, count: int) -> np.ndarray:
    return (LEVEL * np.sin(2 * np.pi * HZ / RATE_HZ * np.arange(first, first + count))).astype(np.float32)


def voice(first: int, count: int) -> np.ndarray:
    """Syllables of a buzz at 140 Hz, and every 1.2 s a pause of 0.2 s."""
    at = np.arange(first, first + count) / RATE_HZ
    buzz = sum(np.sin(2 * np.pi * 140 * k * at + k * k) / k for k in range(1, 12))
    loudness = (
        np.clip(10 * (1 - (at % 1.2) / 1.0), 0, 1) * np.clip(20 * (at % 1.2), 0, 1) * (0.6 + 0.4 * np.sin(20 * at))
    )
    return (0.1 * buzz * loudness).astype(np.float32)


NOISE = (
    np.convolve(np.random.default_rng(7).normal(0, 1, 40 * RATE_HZ), np.hanning(24), "same").astype(np.float32) * 0.02
)


def noise(first: int, count: int) -> np.ndarray:
    """No second is like another: a place in it is found again."""
    return NOISE[first : first + count]


def repairs(run: Run) -> set[Repair]:
    return {correction.repair for _, correction in run.corrections}


# -- nearly right: the ratio alone ----------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "drift_ppm", "chunk_ms", "block"),
    [
        (30, -300, 100, 960),
        (30, 300, 100, 960),
        (6, -300, 60, 480),
        (6, 300, 20, 480),
        (6, 60, 40, 256),
        (6, 0, 30, 480),
    ],
)
def test_half_an_hour_at_another_clock_is_not_heard(minutes, drift_ppm, chunk_ms, block):
    run = Run(tone, drift_ppm, chunk_ms=chunk_ms, block=block).hold(minutes * 60)
    assert run.corrections == [] and run.underruns == [] and run.stream.overflow_samples == 0
    assert max(abs(lead - TARGET_MS) for lead in run.leads_ms) <= ALWAYS_MS + chunk_ms - 40
    assert max(map(abs, run.ratios_ppm)) <= RATIO_MOST_PPM
    assert np.mean(run.ratios_ppm[len(run.ratios_ppm) // 2 :]) == pytest.approx(
        -drift_ppm,
        abs=2e6 * DEAD_BAND_MS / 1000 / (minutes * 30) + 10,  # the lead may go from edge to edge of the band
    )
    assert run.largest_step <= STEP * 1.01 + 1


@pytest.mark.parametrize("from_hz", [16_000, 22_050, 48_000])
def test_another_nominal_rate_is_resampled_as_well(from_hz):
    def source(first: int, count: int) -> np.ndarray:
        return (LEVEL * np.sin(2 * np.pi * HZ / from_hz * np.arange(first, first + count))).astype(np.float32)

    run = Run(source, 200, from_hz).hold(120)
    assert run.corrections == [] and run.underruns == []
    assert run.largest_step <= STEP * 1.02 + 1


def test_memory_does_not_grow_with_the_stream():
    run = Run(noise, 100, chunk_ms=40)
    run.source = lambda first, count: noise(first % (30 * RATE_HZ), count)
    run.hold(150)
    stream = run.stream
    assert len(stream._edits._points) <= POINTS_MOST and len(stream._places._points) == POINTS_MOST
    assert stream._pending.size == 0 and stream._fractional._kept.size < 64


# -- far from right: silences, splices, jumps -----------------------------------------------


@pytest.mark.parametrize("drift_ppm", [-20_000, 20_000])
def test_a_rate_two_percent_wrong_is_mended_in_silences_first_then_in_speech(drift_ppm):
    run = Run(voice, drift_ppm, keep=True).hold(60)
    assert repairs(run) == {Repair.SILENCE, Repair.SPLICE} and run.underruns == []
    assert all(correction.samples * drift_ppm < 0 and correction.reason for _, correction in run.corrections)
    assert max(abs(lead - TARGET_MS) for lead in run.leads_ms) < TARGET_MS
    assert 800 < max(map(abs, run.ratios_ppm)) <= RATIO_MOST_PPM
    stream = np.concatenate(run.written)
    places = [c.index for _, c in run.corrections if 12_000 < c.index < stream.size - 12_000]
    worst = [measure_seam(stream[at - 12_000 : at + 12_000], 12_000 + away, RATE_HZ).click_ratio
             for at in places for away in (-60, 0, 60)]  # fmt: skip
    assert len(worst) > 100 and np.percentile(worst, 90) <= 1 and max(worst) < 1.4
    mended_s = sum(correction.samples for _, correction in run.corrections) / RATE_HZ
    assert mended_s + 60e-6 * np.mean(run.ratios_ppm) == pytest.approx(-60e-6 * drift_ppm, abs=0.1)


def test_a_tone_is_spliced_without_a_step():
    run = Run(tone, 20_000).hold(40)
    assert Repair.SPLICE in repairs(run) and run.largest_step <= STEP * 1.02 + 1


@pytest.mark.parametrize("gap_s", [0.3, 1.0])
def test_a_gap_in_which_the_source_said_nothing_is_waited_out(gap_s):
    """It pauses at 20 s and goes on later than it should for ever after."""
    run = Run(voice, late_s=lambda t: gap_s if t > 20 else 0.0).hold(60)
    ((at_s, wait),) = [(t, c) for t, c in run.corrections if c.repair is Repair.JUMP]
    assert 20 < at_s < 20.3 + gap_s and wait.samples >= TARGET_MS * 24 and "dry" in wait.reason
    assert all(20 < t < at_s + 0.2 for t in run.underruns)
    assert all(abs(lead - TARGET_MS) < SPLICE_MS + ALWAYS_MS for lead in run.leads_ms[-1500:])


def test_a_burst_of_what_came_late_is_left_out_beyond_repair():
    """For a second nothing comes, then all of it at once."""
    run = Run(voice, late_s=lambda t: max(0.0, 21.0 - t) if t > 20 else 0.0, keep=True).hold(60)
    jumps = [correction for _, correction in run.corrections if correction.repair is Repair.JUMP]
    assert [jump.samples > 0 for jump in jumps] == [True, False]
    assert jumps[1].samples < -JUMP_MS * 24 and "ahead" in jumps[1].reason
    crests = Run(lambda first, count: tone(first + 30, count), late_s=run.late_s).hold(
        30
    )  # where the tone would be cut
    assert crests.largest_step <= STEP + 2 * FADED + 3
    assert run.stream.overflow_samples == 0
    assert all(abs(lead - TARGET_MS) < SPLICE_MS + ALWAYS_MS for lead in run.leads_ms[-1500:])


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.floats(1, 20), st.floats(-0.4, 1.5)), max_size=6),
    st.floats(-30_000, 30_000),
    st.sampled_from([5, 20, 40, 100]),
    st.sampled_from([64, 480, 1200]),
    st.floats(0, 0.05),
    st.integers(0, 99),
)
def test_whatever_comes_and_when_nothing_clicks_and_the_lead_is_bounded(
    shifts, drift_ppm, chunk_ms, block, jitter_s, seed
):
    """From each moment on, all comes later (or earlier) by so much."""

    def late_s(due: float) -> float:
        return sum(by for at, by in shifts if due >= at)

    run = Run(tone, drift_ppm, chunk_ms=chunk_ms, block=block, jitter_s=jitter_s, late_s=late_s, seed=seed).hold(22)
    assert run.largest_step <= STEP + 2 * FADED + 3
    assert run.stream.overflow_samples == 0
    assert max(run.leads_ms) <= TARGET_MS + JUMP_MS + 2 * chunk_ms + 400  # what an early burst brings until it is seen
    assert all(correction.reason and correction.samples for _, correction in run.corrections)


def test_a_small_burst_is_mended_piece_by_piece():
    run = Run(voice, late_s=lambda t: -0.25 if t > 20 else 0.0).hold(60)
    assert Repair.JUMP not in repairs(run) and run.underruns == []
    assert sum(c.samples for _, c in run.corrections) == pytest.approx(-0.25 * RATE_HZ, abs=0.06 * RATE_HZ)
    assert all(abs(lead - TARGET_MS) < SPLICE_MS + ALWAYS_MS for lead in run.leads_ms[-1000:])


# -- marks ----------------------------------------------------------------------------------


def found(stream: np.ndarray, source: np.ndarray) -> int:
    """How far off the middle of `stream` the piece `source` lies."""
    reach = (stream.size - source.size) // 2
    places = np.lib.stride_tricks.sliding_window_view(stream / 32_767, source.size)
    return int(np.argmin(np.sum(np.square(places - source), axis=1))) - reach


@pytest.mark.parametrize(
    ("drift_ppm", "late_s"),
    [
        (300, lambda t: 0.0),
        (-20_000, lambda t: 0.0),
        (20_000, lambda t: 0.0),
        (0, lambda t: max(0.0, 11.0 - t) if t > 10 else 0.0),
        (0, lambda t: 0.4 if t > 10 else 0.0),
    ],
)
def test_a_mark_lies_at_its_sample_whatever_was_done(drift_ppm, late_s):
    run = Run(noise, drift_ppm, late_s=late_s, keep=True).hold(30)
    stream = np.concatenate(run.written)
    seams = np.array([correction.index for _, correction in run.corrections] or [-(10**9)])
    near = 10 * 24  # around a splice two places sound at once
    checked = 0
    for sample, index in run.marks:
        if sample > 200 and np.abs(seams - index).min() > near and 200 < index < stream.size - 200:
            assert abs(found(stream[index - 120 : index + 121], NOISE[sample - 100 : sample + 101])) <= 1
            checked += 1
    assert checked > 300


def test_a_map_interpolates_leaves_out_puts_in_and_forgets():
    there = PositionMap()
    assert there.to(5) == 5
    for point in [(0, 100), (10, 110), (20, 110), (30, 120), (30, 125), (40, 130)]:
        there.add(*point)
    assert [there.to(at) for at in (-5, 0, 5, 10, 15, 20, 25, 29, 30, 35, 40, 50)] == [
        100, 100, 105, 110, 110, 110, 115, 119, 125, 127.5, 130, 140,
    ]  # fmt: skip
    for at in range(41, 41 + 3 * POINTS_MOST):
        there.add(at, at + 100)
    assert len(there._points) == POINTS_MOST and there.to(0) == there._points[0][1]


# -- ends -----------------------------------------------------------------------------------


def test_what_is_too_short_for_a_lead_is_still_heard_and_the_stream_closes():
    ring = Ring(np.zeros(RATE_HZ, np.int16))
    stream = PushedStream(ring, RATE_HZ, RATE_HZ)
    assert stream.push(tone(0, 1000)) == [] and ring.written == 0
    stream.finish()
    assert ring.written == 1000 and not ring.open
    np.testing.assert_allclose(np.concatenate(ring.peek(1000)), fade_in(tone(0, 1000), 120) * 32_767, atol=1)


def dry(*, skipping: bool) -> tuple[PushedStream, int]:
    """A stream that the sink has played to its end, and where that was."""
    stream = PushedStream(Ring(np.zeros(2 * RATE_HZ, np.int16)), RATE_HZ, RATE_HZ)
    for number in range(3):
        stream.push(tone(number * 1000, 1000))
    if skipping:
        (jump,) = stream.push(tone(3000, 20_000))
        assert jump.samples < 0 and stream._skip > 0  # some of what comes next is to be left out as well
    end = stream.ring.written
    stream.tick(end, end)
    return stream, end


@pytest.mark.parametrize("skipping", [False, True])
def test_behind_a_gap_it_begins_with_what_is_new_and_all_of_it(skipping):
    stream, end = dry(skipping=skipping)
    stream.ring.consume(end)
    (wait,) = stream.push(tone(60, 4800))
    out = np.concatenate(stream.ring.peek(9999)) / 32_767
    pad = wait.samples - 4800
    assert wait.repair is Repair.JUMP and not out[:pad].any()
    np.testing.assert_allclose(out[pad + 120 :], tone(60, 4800)[120 : out.size - pad], atol=1e-4)
    assert out.size >= pad + 4780 and abs(out[pad]) < 0.01


def test_it_begins_gently_in_the_middle_of_a_sound():
    ring = Ring(np.zeros(RATE_HZ, np.int16))
    stream = PushedStream(ring, RATE_HZ, RATE_HZ)
    stream.push(tone(30, 4800))
    out = np.concatenate(ring.peek(ring.queued)).astype(int)
    assert abs(out[0]) < 10 and np.abs(np.diff(out)).max() <= STEP * 1.05


def test_a_pushed_stream_may_be_dithered_as_well():
    def run() -> np.ndarray:
        ring = Ring(np.zeros(RATE_HZ, np.int16))
        stream = PushedStream(ring, RATE_HZ, RATE_HZ, dither=Dither(-70, 1))
        stream.push(np.zeros(4800, np.float32))
        return np.concatenate(ring.peek(ring.queued))

    assert np.count_nonzero(run()) > 4000
    np.testing.assert_array_equal(run(), run())


def test_what_finds_no_room_is_counted():
    stream = PushedStream(Ring(np.zeros(5000, np.int16)), RATE_HZ, RATE_HZ)
    for number in range(9):
        stream.push(tone(number * 480, 480))
    assert stream.overflow_samples == 0
    stream.push(tone(4320, 480))
    assert stream.overflow_samples == 480
