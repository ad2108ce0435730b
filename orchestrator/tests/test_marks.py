"""Marks through resampling: an impulse at a word's mark lies, in the stream, within a sample of where the mark says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from adapters.base import AudioChunk, Marker
from orchestrator import actions as act
from orchestrator.bus import AUDIBLE, Bus
from stitcher.seams import Seam

RATES_HZ = [(22_050, 24_000), (16_000, 44_100), (24_000, 22_050), (44_100, 16_000), (24_000, 24_000), (8_000, 48_000)]
SIZES = {"odd": (331, 1, 977, 77, 4001), "small": (37, 53), "large": (9999,)}
WORD_S = 0.11  # apart; far more than a fade, a frame or the ringing of a resampler
PHRASES = 3


def impulses(rate_hz: int, words: int, first_s: float) -> tuple[np.ndarray, list[Marker]]:
    """A second of silence with an impulse wherever a word begins."""
    at = [round((first_s + number * WORD_S) * rate_hz) for number in range(words)]
    pcm = np.zeros(round((first_s + words * WORD_S) * rate_hz), np.float32)
    pcm[at] = 0.5
    return pcm, [Marker(number, number + 1, start, start + 7) for number, start in enumerate(at)]


def speak(bus: Bus, phrase: int, rate_hz: int, seam: Seam, pcm: np.ndarray, markers: list[Marker], sizes: tuple):
    """The phrase in chunks, each with the marks that begin in it; returns what the bus said of them."""
    events, at, seq = [], 0, 0
    for size in itertools.cycle(sizes):
        end = min(at + size, pcm.size)
        mine = tuple(m for m in markers if at <= m.start_sample < end)
        bus.arrived((0, phrase, seq), AudioChunk(pcm[at:end], 1, mine, end == pcm.size), rate_hz)
        events += bus.apply(act.StitchChunk(0, 1, phrase, seq, Seam.CONTINUE if seq else seam))
        at, seq = end, seq + 1
        if at == pcm.size:
            return events


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES_HZ)
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("seam", [Seam.JOIN, Seam.CROSS])
def test_an_impulse_lies_at_its_mark(from_hz, to_hz, sizes, seam):
    bus = Bus(to_hz)
    marks = []
    for phrase in range(PHRASES):
        pcm, markers = impulses(
            from_hz, 5, 0.03 + phrase * 0.0007
        )  # each ends with a fraction of a sample of the other
        marks += [m for event in speak(bus, phrase, from_hz, seam, pcm, markers, sizes) for m in event.marks]
    bus.apply(act.FinishStream())
    stream = np.concatenate(bus.ring.peek(bus.ring.queued))
    assert len(marks) == PHRASES * 5
    for mark in marks:
        window = stream[mark.start_index - to_hz // 50 : mark.start_index + to_hz // 50].astype(int)
        assert abs(int(np.argmax(np.abs(window))) - to_hz // 50) <= 1
        assert abs(window).max() > 2000


@pytest.mark.parametrize("tail_ms", [1, 7, 15])
def test_a_mark_holds_where_what_takes_over_is_shorter_than_what_it_crosses(tail_ms):
    bus = Bus(24_000)
    speak(bus, 0, 24_000, Seam.JOIN, np.zeros(4000, np.float32), [], (4000,))
    pcm = np.zeros(24 * tail_ms, np.float32)
    pcm[12 * tail_ms] = 0.5
    marker = Marker(0, 1, 12 * tail_ms, 12 * tail_ms + 1)
    (mark,) = [m for e in speak(bus, 1, 24_000, Seam.CROSS, pcm, [marker], (11 * tail_ms, 99)) for m in e.marks]
    bus.apply(act.FinishStream())
    stream = np.concatenate(bus.ring.peek(bus.ring.queued))
    assert int(np.argmax(stream)) == mark.start_index


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES_HZ)
@pytest.mark.parametrize("size", [37, 331, 977])
def test_the_first_audible_sample_lies_where_the_bus_says(from_hz, to_hz, size):
    """In a later chunk too, whose first samples the resampler kept back from the one before."""
    bus = Bus(to_hz)
    pcm = np.zeros(from_hz // 2, np.float32)
    pcm[from_hz // 5] = 0.5
    heard = [event.audible_index for event in speak(bus, 0, from_hz, Seam.JOIN, pcm, [], (size,))]
    bus.apply(act.FinishStream())
    stream = np.abs(np.concatenate(bus.ring.peek(bus.ring.queued)))
    (index,) = [index for index in heard if index >= 0]
    assert abs(int(np.argmax(stream)) - index) <= 1 and stream.max() > AUDIBLE * 32767


def test_the_phrase_that_is_given_up_leaves_the_next_one_s_marks_alone():
    bus = Bus(24_000)
    for phrase in range(3):
        chunk = AudioChunk(np.full(2205, 0.1, np.float32), 1, (Marker(0, 1, 100, 200),), False)
        bus.arrived((0, phrase, 0), chunk, 22_050)
        (event,) = bus.apply(act.StitchChunk(0, 1, phrase, 0, Seam.JOIN))
        assert event.marks[0].start_index == event.start_index + round(100 * 24_000 / 22_050)
