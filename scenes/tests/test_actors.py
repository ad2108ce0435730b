"""The actors of the simulator: each does what its script says, and no more."""

from __future__ import annotations

import itertools
from random import Random
from statistics import median

import pytest

from orchestrator import actions as act
from scenes.agenda import Agenda
from scenes.simulator import Simulator
from scenes.tests.worlds import WORDS, held, messages, notices, null_tts, remembered, session
from scenes.world import Sink, Speech, World
from timeline import events as ev

QUESTION = Speech(500, 1500, "what is it")
LONG = " ".join(f"{WORDS}." for _ in range(8))  # about 50 s


def blocks_until(simulator, until_ms):
    return sum(1 for t_ns, _ in simulator.of(ev.SinkTick) if t_ns <= until_ms * 1e6)


@pytest.mark.parametrize("drift_ppm", [-300, 0, 300])
def test_a_sink_that_drifts_takes_more_or_less(drift_ppm):
    simulator = held(World(sink=Sink(drift_ppm=drift_ppm), block_ms=10), until_ms=100_000)
    assert blocks_until(simulator, 100_000) == pytest.approx(10_000 * (1 + drift_ppm * 1e-6), abs=1.5)


def test_jitter_is_late_by_as_much_and_does_not_add_up():
    world = World(sink=Sink(jitter_ms=8), block_ms=20)
    simulator = Simulator(session(world).settings, *null_tts(), world, noise=Random(1).random)
    simulator.run(until_ms=60_000)
    late_ms = [t_ns / 1e6 - 20 * number for number, (t_ns, _) in enumerate(simulator.of(ev.SinkTick))]
    assert min(late_ms) >= 0 and 7 < max(late_ms) <= 8


@pytest.mark.parametrize(("catches_up", "blocks"), [(True, 501), (False, 401)])
def test_a_stalled_sink_takes_nothing_then_goes_on_or_takes_all_at_once(catches_up, blocks):
    sink = Sink(stalls=((3000, 2000),), catches_up=catches_up)
    simulator = held(World(sink=sink, block_ms=20), until_ms=10_000)
    assert not [t for t, _ in simulator.of(ev.SinkTick) if 3000 * 1e6 <= t < 5000 * 1e6]
    assert blocks_until(simulator, 10_000) == blocks


def test_a_speaker_that_is_lost_ends_the_session_with_what_was_heard():
    simulator = held(World(user=(QUESTION,), replies=(LONG,), sink=Sink(lost_at_ms=6000)))
    assert [fact.reason for _, fact in simulator.of(act.EndSession)] == ["speaker lost"]
    (kept,) = remembered(simulator, "assistant")
    assert kept.interrupted and len(kept.text.split()) > 3 and LONG.startswith(kept.text)


def test_a_machine_under_load_costs_more_while_it_lasts():
    world = World(events=[(0, ev.SpeakRequested(LONG))], load=((5000, 10_000, 3.0),))
    simulator = held(world, {"rtf": 0.1}, until_ms=20_000)
    shares = {"before": [], "during": [], "after": []}
    for t_ns, chunk in simulator.of(ev.ChunkReady):
        begun_ms = (t_ns - chunk.render_ns) / 1e6
        when = "before" if begun_ms < 5000 else "during" if begun_ms < 10_000 else "after"
        shares[when].append(chunk.render_ns / (chunk.samples / 24_000 * 1e9))
    middle = {when: round(median(found), 3) for when, found in shares.items()}
    assert middle == {"before": 0.1, "during": 0.3, "after": 0.1}
    assert max(found for found in shares["during"]) <= 0.3001, "a call that outlasts the load gets on faster then"


@pytest.mark.parametrize("at_ms", [300, 1700, 2100, 4000])
def test_a_clock_that_leaps_an_hour_does_no_harm(at_ms):
    """The machine slept: what was under way is given up or goes on, and the next question is answered."""
    user = (QUESTION, Speech(30_000, 31_000, "and why"))
    simulator = held(World(user=user, replies=(WORDS,), jumps=((at_ms, 3_600_000),)), {"rtf": 0.1}, until_ms=60_000)
    assert simulator.now_ns() > 3_600e9
    assert messages(simulator)[-1] == ("assistant", WORDS)
    assert messages(simulator)[-2][1].endswith("and why")


def test_a_reply_that_breaks_off_is_spoken_as_far_as_it_came():
    simulator = held(World(user=(QUESTION,), replies=(WORDS,), reply_faults={1: 4}))
    assert remembered(simulator, "assistant")[0].text == " ".join(WORDS.split()[:4])
    assert len(notices(simulator)) == 1


def test_two_sessions_on_one_machine_wait_for_each_other():
    agenda = Agenda()
    world = World(events=[(0, ev.SpeakRequested(WORDS))])
    tts, clock = null_tts(call_ms=100)
    settings = session(world, {"call_ms": 100}).settings
    one = Simulator(settings, tts, clock, world, agenda=agenda)
    other = Simulator(settings, tts, clock, world, agenda=agenda, machine=one.machine)
    agenda.run(20 * 10**9, lambda: False)
    ready = sorted(t for simulator in (one, other) for t, _ in simulator.of(ev.ChunkReady))
    assert len(ready) > 10 and min(b - a for a, b in itertools.pairwise(ready)) >= 100e6
    assert remembered(one, "assistant") and remembered(other, "assistant")


def test_what_goes_round_in_circles_is_stopped():
    agenda = Agenda()

    def again():
        agenda.later(0, again)

    again()
    with pytest.raises(AssertionError, match="round in circles"):
        agenda.run(10**9, lambda: False)
