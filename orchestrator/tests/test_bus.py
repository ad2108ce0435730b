"""The bus and the conversation: what the core's wishes do to the samples, and what both sides know was said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import AudioChunk, Marker
from orchestrator import actions as act
from orchestrator.bus import Bus, chunk_ready, sink_tick
from orchestrator.conversation import MESSAGES_MOST, Conversation
from stitcher.pcm import FULL_SCALE, digest
from stitcher.playout import FACTS
from stitcher.seams import Seam

RATE_HZ = 24_000
FRAME = 480


def chunk(samples: int, level: float = 0.5, silence: int = 0, eos: bool = False, *markers: Marker) -> AudioChunk:
    pcm = np.full(samples, level, np.float32)
    pcm[:silence] = 0
    return AudioChunk(pcm, samples // 240, markers, eos)


def stitch(bus: Bus, seq: int, piece: AudioChunk, phrase: int = 0, rate_hz: int = RATE_HZ, generation: int = 0):
    bus.arrived((generation, phrase, seq), piece, rate_hz)
    (event,) = bus.apply(act.StitchChunk(generation, 1, phrase, seq, Seam.CONTINUE if seq else Seam.JOIN))
    return event


def play(bus: Bus, samples: int) -> np.ndarray:
    block = np.zeros(samples, np.int16)
    bus.playout.fill(block, 0)
    return block


def test_chunks_lie_behind_one_another_and_the_marks_with_them():
    bus = Bus(RATE_HZ)
    first = stitch(bus, 0, chunk(2400, 0.5, 600, False, Marker(0, 4, 600, 2000)))
    second = stitch(bus, 1, chunk(2400, 0.5, 0, True, Marker(5, 9, 2600, 4000)))
    assert (first.start_index, first.end_index) == (0, 2400) and first.audible_index == 600
    assert (second.start_index, second.end_index) == (2400, 4800)
    third = stitch(bus, 0, chunk(240, 0.5, 0, True, Marker(0, 1, 0, 240)), phrase=1)
    assert [(m.start_index, m.end_index) for m in (*first.marks, *second.marks, *third.marks)] == [
        (600, 2000), (2600, 4000), (4800, 5040),
    ]  # fmt: skip


def test_positions_are_told_at_the_rate_of_the_stream():
    event = stitch(Bus(RATE_HZ), 0, chunk(1600, 0.5, 800, True, Marker(0, 4, 800, 1600)), rate_hz=16_000)
    assert event.end_index == 2400 and event.audible_index == 1200
    assert (event.marks[0].start_index, event.marks[0].end_index) == (1200, 2400)


def test_silence_is_not_audible():
    assert stitch(Bus(RATE_HZ), 0, chunk(2400, 0.002)).audible_index == -1


def test_one_frame_is_held_back_until_nothing_follows():
    bus = Bus(RATE_HZ)
    stitch(bus, 0, chunk(2400, eos=True))
    assert bus.ring.written == 2400 - FRAME and bus.ring.open
    bus.apply(act.FinishStream())
    assert bus.ring.written == 2400 and not bus.ring.open


def test_a_dropped_chunk_never_sounds_and_a_flush_forgets_those_that_wait():
    bus = Bus(RATE_HZ)
    bus.arrived((0, 0, 0), chunk(2400), RATE_HZ)
    assert bus.apply(act.DropChunk(0, 0, 0, "late")) == []
    with pytest.raises(KeyError):
        bus.apply(act.StitchChunk(0, 1, 0, 0, Seam.JOIN))
    bus.arrived((0, 0, 1), chunk(2400), RATE_HZ)
    bus.apply(act.Flush(1))
    with pytest.raises(KeyError):
        bus.apply(act.StitchChunk(0, 1, 0, 1, Seam.CONTINUE))
    assert not play(bus, 4800).any()


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(1200, 4000), st.integers(1, 3000), st.integers(1, 960))
def test_after_a_flush_the_old_falls_silent_within_a_frame_and_the_new_is_whole(before, queued, block):
    bus = Bus(RATE_HZ)
    stitch(bus, 0, chunk(before + queued + FRAME, 0.5))
    for _ in range(before // block):
        play(bus, block)
    bus.apply(act.Flush(1))
    after = np.concatenate([play(bus, block) for _ in range(2 + 2 * FRAME // block)])
    assert not after[FRAME:].any() and np.all(np.diff(after.astype(int)) <= 0)
    new = stitch(bus, 0, chunk(4800, -0.25, eos=True), phrase=1, generation=1)
    bus.apply(act.FinishStream())
    assert new.end_index - new.start_index == 4800
    heard = np.concatenate([play(bus, block) for _ in range(2 + 4800 // block)])
    assert heard.max() == 0 and heard.min() == round(-0.25 * FULL_SCALE)
    assert 4800 - 20 <= np.count_nonzero(heard) <= 4800  # its very edges are faded to nothing


def test_a_tick_is_the_row_that_the_device_left():
    bus = Bus(RATE_HZ)
    stitch(bus, 0, chunk(2400))
    play(bus, FRAME)
    tick = sink_tick(bus.playout.facts.peek(len(FACTS))[0])
    assert (tick.block_samples, tick.written_seen, tick.read_index, tick.played_samples) == (480, 1920, 480, 480)
    assert tick.open_seen is True and type(tick.position) is int


def test_a_chunk_is_told_with_the_digest_of_its_samples():
    piece = chunk(2400, eos=True)
    event = chunk_ready((3, 2, 1), 5, piece, RATE_HZ, 77)
    assert (event.generation, event.utterance, event.phrase, event.seq) == (3, 5, 2, 1)
    assert event.digest == digest(piece.pcm) and event.samples == 2400 and event.eos


# -- conversation ---------------------------------------------------------------------------


def test_the_same_side_twice_is_one_message_and_nothing_is_none():
    conversation = Conversation()
    for role, text in (("user", "a"), ("assistant", ""), ("user", "b"), ("assistant", "c"), ("assistant", "d")):
        conversation.add(role, text)
    assert [(m.role, m.text) for m in conversation.snapshot()] == [("user", "a b"), ("assistant", "c d")]


def test_a_snapshot_does_not_change_with_the_conversation():
    conversation = Conversation()
    conversation.add("user", "a")
    before = conversation.snapshot()
    conversation.add("user", "b")
    assert [m.text for m in before] == ["a"]


def test_the_oldest_are_forgotten():
    conversation = Conversation()
    for number in range(MESSAGES_MOST + 7):
        conversation.add("user" if number % 2 == 0 else "assistant", str(number))
    assert len(conversation.messages) == MESSAGES_MOST
    assert conversation.messages[-1].text == str(MESSAGES_MOST + 6)
