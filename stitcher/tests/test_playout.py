"""What the sink is given: stopped within a frame, without a click, noted so that it can be played again."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stitcher.pcm import frame_samples
from stitcher.playout import EDGE_MS, FACT_BLOCKS, FACTS, FADE_MS, TAP_SECONDS, Playout
from stitcher.ring import Ring

RATE_HZ = 24_000
FRAME = frame_samples(RATE_HZ)
EDGE, FADE = RATE_HZ * EDGE_MS // 1000, RATE_HZ * FADE_MS // 1000
AMPLITUDE = 12_000
STEP = AMPLITUDE * 2 * np.pi * 100 / RATE_HZ  # the largest between two samples of a 100 Hz tone
CLICK = STEP + 2 * AMPLITUDE * np.pi / 2 / EDGE + 3  # and what two fades and their rounding may add to it
BLOCKS = st.sampled_from([1, 7, 64, 120, 128, 240, 441, 480, 960, 2000])
DEVICE_NS = 77


class Player:
    """A producer and a sink over one ring. Each stream is a tone that begins at zero."""

    def __init__(self, seconds: int = 4) -> None:
        self.ring = Ring(np.zeros(RATE_HZ * seconds, np.int16))
        self.playout = Playout(self.ring, RATE_HZ)
        self.heard: list[np.ndarray] = []
        self.rows: list[dict[str, int]] = []
        self.phase = 0

    def write(self, count: int, fade: bool = False) -> None:
        tone = AMPLITUDE * np.sin(2 * np.pi * 100 / RATE_HZ * np.arange(self.phase, self.phase + count))
        if fade:
            tone *= np.linspace(1, 0, count)
        assert self.ring.write(tone.astype(np.int16))
        self.phase += count
        self.ring.open = True

    def fill(self, count: int) -> dict[str, int]:
        block = np.full(count, 12345, np.int16)
        self.playout.fill(block, DEVICE_NS)
        self.heard.append(block)
        row = dict(zip(FACTS, np.concatenate(self.playout.facts.peek(len(FACTS))).tolist(), strict=True))
        self.playout.facts.consume(len(FACTS))
        self.rows.append(row)
        return row

    def finish(self) -> None:
        """As the stitcher ends a stream: its tail faded, then closed."""
        self.write(FRAME, fade=True)
        self.ring.open = False
        self.phase = 0

    def flush(self) -> None:
        self.ring.open = False
        self.phase = 0
        self.ring.request_flush()
        self.ring.held = False

    def hold(self) -> None:
        self.ring.held = True

    def release(self) -> None:
        self.ring.held = False

    def run(self, script: list[tuple[str, int]]) -> Player:
        for verb, count in script:
            getattr(self, verb)(*([count] if verb in ("write", "fill") else []))
        return self

    @property
    def out(self) -> np.ndarray:
        return np.concatenate(self.heard) if self.heard else np.zeros(0, np.int16)


SCRIPTS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 1500)),
        st.tuples(st.just("fill"), BLOCKS),
        st.tuples(st.just("fill"), BLOCKS),
        st.tuples(st.sampled_from(["flush", "finish", "hold", "release"]), st.just(0)),
    ),
    max_size=30,
)


def largest_step(pcm: np.ndarray) -> int:
    return int(np.abs(np.diff(pcm.astype(np.int32), prepend=0)).max(initial=0))


# -- stopping -----------------------------------------------------------------------------


@settings(deadline=None)
@given(played=st.integers(0, 3000), queued=st.integers(0, 3000), block=BLOCKS)
def test_a_flush_is_silence_within_a_frame(played, queued, block):
    player = Player()
    player.write(played + queued or 1)
    while player.ring.read < played:
        player.fill(block)
    stopped_at = player.out.size
    player.flush()
    while player.out.size < stopped_at + 3 * FRAME:
        player.fill(block)
    assert not player.out[stopped_at + FRAME :].any()
    assert player.ring.queued == 0
    assert largest_step(player.out) <= CLICK


def test_after_a_flush_only_what_is_new_sounds():
    player = Player()
    player.write(4800)
    player.fill(480)
    player.flush()
    player.write(960)
    player.fill(FADE)
    player.fill(960)
    fresh = Player()
    fresh.write(960)
    fresh.fill(960)
    np.testing.assert_array_equal(player.heard[-1], fresh.out)


def test_a_flush_is_reported_once_where_the_stream_falls_silent():
    player = Player()
    player.write(4800)
    player.fill(480)
    player.flush()
    rows = [player.fill(100) for _ in range(4)]
    assert [row["flushed_index"] for row in rows] == [480 + FADE, -1, -1, -1]
    assert [row["played_samples"] for row in rows] == [100, 100, FADE - 200, 0]
    assert rows[-1]["read_index"] == 4800


def test_every_flush_is_confirmed_by_the_next_block_also_one_of_nothing():
    player = Player()
    player.flush()
    assert (player.fill(480)["flushed_index"], player.fill(480)["flushed_index"]) == (0, -1)
    player.write(4800)
    player.fill(480)
    for _ in range(2):  # the second finds nothing that was written since
        player.flush()
        assert player.fill(100)["flushed_index"] == 480 + FADE
    assert [row["flushes_seen"] for row in player.rows] == [1, 1, 1, 2, 3]
    assert not player.fill(480)["underrun_samples"] and player.ring.read == 4800


@pytest.mark.parametrize("left", [0, 1, 60, FADE - 1, FADE, 3000])
def test_two_flushes_between_two_blocks_do_not_click(left):
    """The first cuts a stream `left` samples ahead of the sink, the second another that nobody has heard."""
    player = Player()
    player.write(540 + left)
    player.fill(540)  # on the tone's crest
    player.flush()
    player.write(2000)
    player.flush()
    stopped_at = player.out.size
    assert player.fill(480)["flushed_index"] == 540
    player.fill(480)
    assert largest_step(player.out) <= CLICK
    assert not player.out[stopped_at + FRAME :].any()


def test_a_second_flush_does_not_prolong_the_first():
    player = Player()
    player.write(4800)
    player.fill(480)
    player.flush()
    player.fill(100)
    player.write(480)
    player.flush()
    row = player.fill(480)
    assert row["flushed_index"] == 480 + FADE
    assert row["played_samples"] == FADE - 100
    assert row["read_index"] == 5280


# -- clicks -------------------------------------------------------------------------------


@settings(deadline=None, max_examples=300)
@given(script=SCRIPTS)
@example(script=[("write", 240 + 60), ("fill", 300), ("fill", 300)])  # dry exactly at a block's boundary
@example(script=[("write", 301), ("fill", 300), ("fill", 300)])  # dry with one sample in its block
@example(script=[("write", 300), ("fill", 64), ("flush", 0), ("fill", 480)])  # less than a fade
@example(script=[("write", 300), ("fill", 301), ("write", 900), ("fill", 7), ("flush", 0), ("fill", 480)])
@example(script=[("write", 300), ("fill", 300), ("flush", 0), ("write", 900), ("fill", 480)])
@example(script=[("write", 400), ("fill", 300), ("flush", 0), ("write", 900), ("flush", 0), ("fill", 480)])
def test_nothing_clicks(script):
    assert largest_step(Player().run(script).out) <= CLICK


@pytest.mark.parametrize("block", [1, 7, 64, 100, 480])
def test_an_underrun_decays_and_comes_back_gently(block):
    player = Player()
    player.write(300)  # ends on the tone's crest
    for count in (300, *[block] * (960 // block)):
        player.fill(count)
    assert np.abs(player.out[290:300].astype(int)).min() > AMPLITUDE * 0.9
    assert not player.out[300 + EDGE :].any()
    player.write(960)
    player.fill(960)
    assert largest_step(player.out) <= CLICK
    np.testing.assert_array_equal(player.heard[-1][EDGE:], player.ring.peek(0)[0].base[300 + EDGE : 1260])


def test_the_loudest_samples_do_not_wrap_around():
    """A stream that begins at full scale where the last one was cut at full scale."""
    ring = Ring(np.zeros(4800, np.int16))
    playout, block = Playout(ring, RATE_HZ), np.zeros(480, np.int16)
    ring.write(np.full(480, 32767, np.int16))
    playout.fill(block, 0)
    ring.request_flush()
    ring.write(np.full(480, 32767, np.int16))
    playout.fill(block, 0)
    assert block.min() >= 32766


# -- holds --------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [64, 480, 960])
def test_a_hold_is_silent_within_a_frame_and_goes_on_with_the_next_sample(block):
    player = Player()
    player.write(RATE_HZ)
    while player.ring.read < 4800:
        player.fill(block)
    at = len(player.out)
    player.hold()
    for _ in range(9600 // block):
        row = player.fill(block)
    assert not player.out[at + FRAME :].any() and row["underrun_samples"] == 0
    paused, stops = player.ring.read, at + FADE
    assert paused == at + FADE  # as far as it faded, and no further
    player.release()
    resumes = len(player.out)
    for _ in range(4800 // block):
        player.fill(block)
    tone = (AMPLITUDE * np.sin(2 * np.pi * 100 / RATE_HZ * np.arange(RATE_HZ))).astype(np.int16)
    np.testing.assert_array_equal(player.out[:at], tone[:at])
    heard = player.out[resumes + EDGE :]
    np.testing.assert_array_equal(heard, tone[paused + EDGE :][: heard.size])  # neither repeated nor skipped
    assert np.abs(np.diff(player.out.astype(int))).max() <= CLICK
    assert not player.out[stops:resumes].any()


def test_a_flush_ends_a_hold():
    player = Player()
    player.write(4800)
    player.fill(960)
    player.hold()
    player.fill(960)
    player.flush()
    row = player.fill(960)
    assert row["flushed_index"] == 960 + FADE and not player.heard[-1].any()
    player.write(960)
    assert player.fill(960)["played_samples"] == 960


def test_a_hold_of_nothing_waits_for_its_end():
    player = Player()
    player.hold()
    player.fill(480)
    player.write(4800)
    assert player.fill(480)["played_samples"] == 0
    player.release()
    assert player.fill(480)["played_samples"] == 480


# -- facts --------------------------------------------------------------------------------


@settings(deadline=None, max_examples=200)
@given(script=SCRIPTS)
def test_facts_play_the_session_again(script):
    player = Player(seconds=4).run(script)
    ring = Ring(player.ring.peek(0)[0].base.copy())
    again = Playout(ring, RATE_HZ, record=False)
    ring.commit(player.ring.written)
    for block, row in zip(player.heard, player.rows, strict=True):
        out = np.full(block.size, -1, np.int16)
        again.play(out, row["written_seen"], row["flush_seen"], row["flushes_seen"], bool(row["open_seen"]),
                   bool(row["held_seen"]))  # fmt: skip
        np.testing.assert_array_equal(out, block)
        assert ring.read == row["read_index"]


@settings(deadline=None, max_examples=200)
@given(script=SCRIPTS)
def test_facts_are_true(script):
    """Against a model in whole numbers, which knows nothing of samples."""
    player = Player().run(script)
    position = read = flushed = flushes = fade_end = 0
    fading = held = False  # `fading`: "flush", "hold", or False
    for row in player.rows:
        written, size = row["written_seen"], row["block_samples"]
        silenced = -1
        if row["flushes_seen"] > flushes:
            one = row["flushes_seen"] == flushes + 1 and not held
            fade_end = fade_end if fading else read + (min(FADE, row["flush_seen"] - read) if one else 0)
            flushed, flushes, silenced, fading, held = row["flush_seen"], row["flushes_seen"], fade_end, "flush", False
            if fade_end == read:
                read, fading = flushed, False
        if row["held_seen"] and not held and not fading:
            fading, fade_end = "hold", read + min(FADE, written - read)
            if fade_end == read:
                held, fading = True, False
        elif not row["held_seen"]:
            held = False
        played = 0
        if fading and not held:
            played = min(size, fade_end - read)
            read += played
            if read == fade_end:
                held, read = (True, read) if fading == "hold" else (False, flushed)
                fading = False
        if not fading and not held:
            more = min(size - played, written - read)
            played, read = played + more, read + more
        missing = size - played if row["open_seen"] and written > flushed and not held else 0
        expected = (position, read, played, 0 if played else -1, missing, silenced)
        assert tuple(row.values())[6:-1] == expected
        assert row["device_ns"] == DEVICE_NS
        position += size
    assert player.playout.position == position


@pytest.mark.parametrize(("opened", "counted"), [(True, 180), (False, 0)])
def test_an_underrun_counts_only_while_a_stream_is_open(opened, counted):
    player = Player()
    player.write(300)
    player.ring.open = opened
    assert player.fill(480)["underrun_samples"] == counted


def test_silence_before_the_first_sample_is_no_underrun():
    player = Player()
    player.ring.open = True
    assert player.fill(480)["underrun_samples"] == 0
    assert not player.out.any()


def test_the_tap_keeps_what_the_device_got():
    player = Player()
    player.write(1000)
    for _ in range(3):
        player.fill(480)
    np.testing.assert_array_equal(np.concatenate(player.playout.tap.peek(9999)), player.out)


def test_a_reader_that_lags_loses_facts_and_tap_but_no_sound():
    player = Player()
    block = np.zeros(FRAME, np.int16)
    player.write(960)
    for _ in range(FACT_BLOCKS + 3):
        player.playout.fill(block, 0)
    assert player.playout.lost_ticks == 3
    assert player.playout.lost_samples == (FACT_BLOCKS + 3) * FRAME - TAP_SECONDS * RATE_HZ
    assert player.ring.queued == 0


def test_filling_allocates_nothing_that_stays():
    player = Player()
    playout, block = player.playout, np.zeros(256, np.int16)

    def session(blocks: int) -> None:
        for turn in range(blocks):
            if turn % 3:  # every third block is an underrun
                player.write(256)
            if turn % 50 == 49:
                player.flush()
            playout.fill(block, turn)
            playout.tap.consume(playout.tap.queued)
            playout.facts.consume(playout.facts.queued)

    session(200)
    tracemalloc.start()
    session(100)
    before, _ = tracemalloc.get_traced_memory()
    session(3000)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 1024  # bytes; one leaked block of 3000 would be 1.5 MB
