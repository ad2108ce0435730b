"""The rate controller in whole sessions: where a first chunk waits, what is said when an engine is too slow."""

from __future__ import annotations

import pytest

from orchestrator import actions as act
from scenes.simulator import World
from scenes.tests.worlds import WORDS, held, notices, remembered, underrun_samples
from scenes.world import Sink, Speech
from timeline import events as ev
from timeline.clock import NS_PER_MS, NS_PER_S

LONG = " ".join(f"{WORDS}." for _ in range(6))
SPEAK = (100, ev.SpeakRequested(LONG))


def first(simulator, kind):
    return simulator.of(kind)[0][0]


def first_underrun_ns(simulator):
    return next((t for t, tick in simulator.of(ev.SinkTick) if tick.underrun_samples), None)


@pytest.mark.parametrize("block_ms", [5, 10, 20])
@pytest.mark.parametrize("rtf", [0.7, 0.75, 0.8, 0.85])
@pytest.mark.parametrize("after_ms", [100, 103, 109, 117])
def test_nothing_is_missing_behind_the_first_chunk(rtf, block_ms, after_ms):
    """At whatever moment of a block it came."""
    simulator = held(World(events=[(after_ms, SPEAK[1])], block_ms=block_ms), {"rtf": rtf, "call_ms": 1})
    assert underrun_samples(simulator) == 0
    assert remembered(simulator, "assistant")[0].text == LONG


@pytest.mark.parametrize("call_ms", [100, 200, 300])
def test_nor_where_a_call_is_dear(call_ms):
    simulator = held(World(events=[SPEAK]), {"rtf": 0.3, "call_ms": call_ms})
    assert underrun_samples(simulator) == 0


def test_the_first_chunk_waits_no_longer_than_for_the_second():
    simulator = held(World(events=[SPEAK]), {"rtf": 0.9})
    chunks = [t for t, _ in simulator.of(ev.ChunkReady)]
    assert chunks[0] < first(simulator, act.StitchChunk) <= chunks[1]


def test_a_quick_engine_does_not_wait():
    simulator = held(World(events=[SPEAK]), {"rtf": 0.3})
    assert first(simulator, act.StitchChunk) == first(simulator, ev.ChunkReady)


@pytest.mark.parametrize("late_ms", [0, 5, 10, 15])
def test_stopped_while_the_first_chunk_waits_nothing_sounds_and_the_next_reply_does(late_ms):
    ready_ms = first(held(World(events=[SPEAK]), {"rtf": 0.9}), ev.ChunkReady) / NS_PER_MS
    events = [SPEAK, (ready_ms + late_ms, ev.UserTyped("stop"))]
    simulator = held(World(events=events, replies=("Understood.",)), {"rtf": 0.9}, until_ms=3000)
    told = [kept.text for kept in remembered(simulator, "assistant")]
    assert told[-1] == "Understood." and "".join(told[:-1]) == ""


@pytest.mark.parametrize("fail_times", [1, 99])
def test_a_first_chunk_sounds_though_the_second_fails(fail_times):
    text = "alpha bravo charlie delta"
    engine = {"rtf": 0.9, "fail_at": 1, "fail_times": fail_times}
    simulator = held(World(events=[(100, ev.SpeakRequested(text))]), engine, until_ms=8000)
    assert len(simulator.of(ev.ChunkStitched)) == len(simulator.of(act.StitchChunk)) > 0
    kept = remembered(simulator, "assistant")[0].text
    assert kept == text if fail_times == 1 else text.startswith(kept)
    assert not simulator.core.replying.speech.active


@pytest.mark.parametrize("rtf", [1.0, 1.05, 1.2, 1.5])
@pytest.mark.parametrize("known", [True, False])
def test_an_engine_that_is_too_slow_is_named_before_the_first_pause(rtf, known, monkeypatch):
    if not known:
        hide_cost(monkeypatch)
    simulator = held(World(events=[SPEAK]), {"rtf": rtf, "call_ms": 2, "jitter": 0.02})
    said_ns = first(simulator, act.Notice)
    assert "cannot keep up" in notices(simulator)[0]
    assert said_ns < first_underrun_ns(simulator)


def hide_cost(monkeypatch):
    """Engines that were not measured."""
    from dataclasses import replace

    from adapters.tts.null import NullTts

    describe = NullTts.describe
    monkeypatch.setattr(NullTts, "describe", lambda tts: replace(describe(tts), cost=None))


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("stall_at", [0, 1, 2, 5])
@pytest.mark.parametrize("rtf", [0.1, 0.5])
def test_a_single_hiccup_is_not_taken_for_slowness(rtf, stall_at, known, monkeypatch):
    if not known:
        hide_cost(monkeypatch)
    engine = {"rtf": rtf, "stall_at": stall_at, "stall_ms": 1000}
    simulator = held(World(events=[(100, ev.SpeakRequested(f"{WORDS} {WORDS} {WORDS}"))]), engine)
    assert notices(simulator) == []


def test_what_a_stalled_sink_has_not_thrown_away_yet_is_no_lead():
    """Interrupted while a client takes nothing: the next reply is rendered ahead as if the old one were gone."""
    world = World(
        user=(Speech(500, 1300, "what is it"),), replies=(LONG, LONG), sink=Sink(stalls=((5000, 3000),)),
        events=[(5010, ev.UserTyped("stop")), (9000, ev.StopRequested())],
    )  # fmt: skip
    simulator = held(world, {"rtf": 0.3})
    stitched = [fact for t_ns, fact in simulator.of(ev.ChunkStitched) if fact.generation == 1 and t_ns < 8 * NS_PER_S]
    assert stitched[-1].end_index - stitched[0].start_index > simulator.settings.rate_hz
