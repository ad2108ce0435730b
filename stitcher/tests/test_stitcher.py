"""Chunks in, one stream out: continued exactly, joined without loss, crossed within one frame."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stitcher.pcm import frame_samples, to_float32, to_int16
from stitcher.resample import StreamResampler
from stitcher.ring import Ring
from stitcher.seams import EDGE_MS, Seam, crossfade, fade_in, fade_out
from stitcher.stitcher import Stitcher

RATE_HZ = 24_000
FRAME = frame_samples(RATE_HZ)
EDGE = RATE_HZ * EDGE_MS // 1000
SIZES = st.lists(st.integers(0, 1500), min_size=1, max_size=8)
RATES_HZ = st.sampled_from([8_000, 16_000, 22_050, 24_000, 44_100, 48_000])


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, count).astype(np.float32)


def tone(count: int, rate_hz: int = RATE_HZ) -> np.ndarray:
    """100 Hz, beginning at its crest: a head that is not faded in is a step of 0.4."""
    return (0.4 * np.cos(2 * np.pi * 100 / rate_hz * np.arange(count))).astype(np.float32)


def pieces(pcm: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    return np.split(pcm, np.cumsum(sizes)[:-1])


@pytest.fixture
def stitcher() -> Stitcher:
    return make()


def make(seconds: int = 2) -> Stitcher:
    return Stitcher(Ring(np.zeros(RATE_HZ * seconds, np.int16)), RATE_HZ)


def stream(stitcher: Stitcher) -> np.ndarray:
    return np.concatenate(stitcher.ring.peek(stitcher.ring.queued))


def push_all(stitcher: Stitcher, chunks: list[np.ndarray], rate_hz: int, seam: Seam) -> list[tuple[int, int]]:
    seams = [seam, *[Seam.CONTINUE] * (len(chunks) - 1)]
    lasts = [*[False] * (len(chunks) - 1), True]
    return [stitcher.push(c, rate_hz, s, last) for c, s, last in zip(chunks, seams, lasts, strict=True)]


# -- continue -----------------------------------------------------------------------------


@given(sizes=SIZES)
def test_a_synthesis_in_chunks_is_the_synthesis_whole(sizes):
    whole, stitcher = noise(sum(sizes)), make()
    ranges = push_all(stitcher, pieces(whole, sizes), RATE_HZ, Seam.CONTINUE)
    assert [end - start for start, end in ranges] == sizes
    assert all(a[1] == b[0] for a, b in itertools.pairwise(ranges))
    stitcher.finish()
    np.testing.assert_array_equal(stream(stitcher), to_int16(fade_out(whole, EDGE)))


@settings(deadline=None)
@given(sizes=SIZES, rate_hz=RATES_HZ, seam=st.sampled_from(Seam))
def test_however_it_is_chunked_it_sounds_the_same(sizes, rate_hz, seam):
    """Also where the resampler gives nothing for the first chunks."""
    whole = tone(sum(sizes), rate_hz)
    chunked, at_once = make(8), make(8)
    for stitcher, chunks in ((chunked, pieces(whole, sizes)), (at_once, [whole])):
        push_all(stitcher, [tone(1000)], RATE_HZ, Seam.JOIN)
        push_all(stitcher, chunks, rate_hz, seam)
        stitcher.finish()
    np.testing.assert_array_equal(stream(chunked), stream(at_once))


# -- join ---------------------------------------------------------------------------------


@given(first=st.integers(0, 1500), second=st.integers(0, 1500))
def test_a_join_loses_no_sample(first, second):
    stitcher = make()
    assert stitcher.push(noise(first), RATE_HZ, Seam.JOIN, True) == (0, first)
    assert stitcher.push(noise(second), RATE_HZ, Seam.JOIN, True) == (first, first + second)
    assert stitcher.finish() == first + second == stitcher.ring.written


def test_a_join_fades_both_sides_and_nothing_else(stitcher):
    a, b = noise(1000, 1), noise(1000, 2)
    stitcher.push(a, RATE_HZ, Seam.JOIN, True)
    stitcher.push(b, RATE_HZ, Seam.JOIN, True)
    stitcher.finish()
    expected = [fade_out(fade_in(x, EDGE), EDGE) for x in (a, b)]
    np.testing.assert_array_equal(stream(stitcher), to_int16(np.concatenate(expected)))


@pytest.mark.parametrize("first", [0, 1, 100, 600])
@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 24_000])
def test_a_small_first_chunk_is_faded_in_too(stitcher, first, rate_hz):
    """The resampler may give nothing for it, or it may be shorter than the fade."""
    whole = tone(4000, rate_hz)
    push_all(stitcher, [whole[:first], whole[first:]], rate_hz, Seam.JOIN)
    stitcher.finish()
    assert np.abs(np.diff(to_float32(stream(stitcher)), prepend=0)).max() < 0.03


# -- cross --------------------------------------------------------------------------------


def test_a_cross_overlaps_one_frame(stitcher):
    a, b = noise(2000, 1), noise(2000, 2)
    stitcher.push(a, RATE_HZ, Seam.JOIN, False)
    assert stitcher.push(b, RATE_HZ, Seam.CROSS, True) == (2000 - FRAME, 4000 - FRAME)
    assert stitcher.finish() == 4000 - FRAME
    mixed = crossfade(a[-FRAME:], b[:FRAME])
    whole = np.concatenate((fade_in(a, EDGE)[:-FRAME], mixed, b[FRAME:]))
    np.testing.assert_array_equal(stream(stitcher), to_int16(fade_out(whole, EDGE)))


@given(old=st.integers(0, 700), new=st.integers(0, 700))
def test_a_cross_of_little_overlaps_what_there_is(old, new):
    stitcher = make()
    stitcher.push(noise(old), RATE_HZ, Seam.CONTINUE, False)
    start, end = stitcher.push(noise(new), RATE_HZ, Seam.CROSS, True)
    overlap = min(old, FRAME)  # the old is always faded over all that was held of it
    assert (start, end) == (old - overlap, old - overlap + max(new, overlap))
    assert stitcher.finish() == end


@pytest.mark.parametrize("rate_hz", [22_050, 24_000])
def test_a_cross_waits_for_a_frame_of_what_takes_over(stitcher, rate_hz):
    """Its place in the stream is known before."""
    stitcher.push(noise(2000), RATE_HZ, Seam.JOIN, False)
    assert stitcher.push(noise(100), rate_hz, Seam.CROSS, False) == (2000 - FRAME, 2000 - FRAME)
    start, end = stitcher.push(noise(3000), rate_hz, Seam.CONTINUE, True)
    assert (start, end) == (2000 - FRAME, 2000 - FRAME + 3100 * RATE_HZ // rate_hz)


def test_a_head_that_waits_for_its_seam_is_not_lost(stitcher):
    for _ in range(3):
        stitcher.push(noise(100), RATE_HZ, Seam.JOIN, False)
    assert stitcher.finish() == 300


# -- ends ---------------------------------------------------------------------------------


def test_one_frame_is_held_back_and_no_more(stitcher):
    for count in (100, 400, 1000):
        stitcher.push(noise(count), RATE_HZ, Seam.CONTINUE, False)
        assert stitcher.held_samples == min(FRAME, stitcher.end_index)
        assert stitcher.ring.written == stitcher.end_index - stitcher.held_samples


def test_what_is_dropped_never_sounds_and_what_follows_is_a_beginning(stitcher):
    stitcher.push(noise(1000), 22_050, Seam.JOIN, False)
    written = stitcher.ring.written
    stitcher.drop()
    assert (stitcher.held_samples, stitcher.end_index) == (0, written)
    assert stitcher.push(tone(1000), RATE_HZ, Seam.JOIN, True) == (written, written + 1000)
    stitcher.finish()
    np.testing.assert_array_equal(stream(stitcher)[written:], to_int16(fade_out(fade_in(tone(1000), EDGE), EDGE)))


def test_finishing_twice_adds_nothing(stitcher):
    stitcher.push(noise(1000), RATE_HZ, Seam.JOIN, True)
    assert stitcher.finish() == stitcher.finish() == 1000


def test_what_finds_no_room_is_counted():
    stitcher = Stitcher(Ring(np.zeros(1000, np.int16)), RATE_HZ)
    stitcher.push(noise(1000), RATE_HZ, Seam.CONTINUE, False)
    stitcher.push(noise(700), RATE_HZ, Seam.CONTINUE, False)
    assert stitcher.overflow_samples == 700
    assert stitcher.ring.written == 1000 - FRAME
    assert stitcher.finish() == 1000


# -- resampling ---------------------------------------------------------------------------


@settings(deadline=None)
@given(sizes=SIZES, from_hz=RATES_HZ, to_hz=RATES_HZ)
def test_resampling_in_chunks_is_resampling_whole(sizes, from_hz, to_hz):
    whole = noise(sum(sizes))
    resampler = StreamResampler(from_hz, to_hz)
    chunks = pieces(whole, sizes)
    parts = [resampler.push(chunk, k == len(chunks) - 1) for k, chunk in enumerate(chunks)]
    at_once = StreamResampler(from_hz, to_hz).push(whole, True)
    np.testing.assert_array_equal(np.concatenate(parts), at_once)
    assert abs(at_once.size - whole.size * to_hz / from_hz) <= 1


@pytest.mark.parametrize("from_hz", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_a_sample_lies_where_the_resampler_says(from_hz):
    impulse = np.zeros(from_hz, np.float32)
    impulse[from_hz // 3] = 1
    resampler = StreamResampler(from_hz, RATE_HZ)
    out = resampler.push(impulse, True)
    assert abs(int(np.argmax(np.abs(out))) - resampler.position(from_hz // 3)) <= 1


# -- taken back ---------------------------------------------------------------------------


@pytest.mark.parametrize("index", [1000, 2000, 4000 - 10, 4000])
def test_the_same_sound_crossed_in_where_it_was_taken_back_is_the_same_stream(stitcher, index):
    sound = tone(6000)
    whole = make()
    whole.push(sound, RATE_HZ, Seam.JOIN, True)
    stitcher.push(sound[:4000], RATE_HZ, Seam.JOIN, False)
    assert stitcher.retract(index) == stitcher.end_index == index
    assert stitcher.held_samples == FRAME
    stitcher.push(sound[index - FRAME :], RATE_HZ, Seam.CROSS, True)
    stitcher.finish()
    whole.finish()
    streams = [np.concatenate(one.ring.peek(one.ring.queued)) for one in (stitcher, whole)]
    np.testing.assert_allclose(*streams, atol=2)


def test_what_the_sink_is_about_to_read_is_not_taken_back(stitcher):
    stitcher.push(tone(4000), RATE_HZ, Seam.JOIN, False)
    stitcher.ring.claim(2000)
    assert stitcher.retract(2000 + FRAME - 1) == stitcher.end_index == 4000
    assert stitcher.retract(2000 + FRAME) == 2000 + FRAME


def test_nothing_is_taken_back_behind_a_flush(stitcher):
    stitcher.push(tone(4000), RATE_HZ, Seam.JOIN, False)
    stitcher.ring.request_flush()
    assert stitcher.retract(1000) == stitcher.end_index
