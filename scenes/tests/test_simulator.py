"""Sessions on the virtual clock: stop, heard prefix, typed lines, faults. Asserted in samples and words."""

from __future__ import annotations

from collections import Counter, deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator import actions as act
from scenes.invariants import played_before, violations
from scenes.sound import pitch_hz, pitch_of_phrase, tones
from scenes.tests.worlds import (
    WORDS,
    causes,
    held,
    messages,
    notices,
    remembered,
    session,
    states,
    underrun_samples,
)
from scenes.world import Speech, World
from stitcher.pcm import frame_samples
from timeline import events as ev
from timeline.clock import NS_PER_MS

QUESTION = Speech(500, 1500, "what is it")
LONG = " ".join(f"{WORDS}." for _ in range(8))  # about 50 s
SHORT = "Understood."
ENGINES = st.fixed_dictionaries(
    {
        "rtf": st.floats(0.0, 0.8),
        "call_ms": st.floats(0, 60),
        "open_ms": st.floats(0, 300),
        "jitter": st.floats(0, 0.3),
        "markers": st.booleans(),
    }
)
MANY = settings(max_examples=150, deadline=None, derandomize=True)
SOME = settings(max_examples=40, deadline=None, derandomize=True)


# -- stop -----------------------------------------------------------------------------------


@pytest.mark.parametrize("typed_ms", [(210,), (210, 310)])
def test_an_interruption_while_only_the_held_tail_is_stitched_is_settled_with_the_next_block(typed_ms):
    """Chunks of 10 ms, slow to come: the second time nothing was written since the first flush."""
    events = [(0, ev.UserTyped("what"))] + [(at, ev.UserTyped(f"no {number}")) for number, at in enumerate(typed_ms)]
    engine = {"short_by": 7, "call_ms": 40}
    simulator = held(World(replies=(LONG,), reply_delay_ms=0, word_ms=3, events=events), engine, until_ms=3000)
    cuts = [t for t, _ in simulator.of(act.Flush)]
    settled = [t for t, fact in simulator.of(act.Remember) if fact.role == "assistant"]
    assert len(cuts) == len(settled) == len(typed_ms)
    assert all(0 <= b - a <= 20 * NS_PER_MS for a, b in zip(cuts, settled, strict=True))


@MANY
@given(st.floats(2000, 9000), st.integers(5, 40), ENGINES, st.integers(0, 3))
def test_an_interruption_is_followed_by_silence_within_a_frame(at_ms, block_ms, engine, seed):
    user = (QUESTION, Speech(at_ms, at_ms + 900, "stop that"))
    world = World(user=user, replies=(LONG, SHORT), block_ms=block_ms)
    simulator = held(world, engine, until_ms=at_ms + 9000, seed=seed)
    assert messages(simulator)[-2][0] == "user" and messages(simulator)[-2][1].endswith("stop that")
    assert messages(simulator)[-1] == ("assistant", SHORT)
    assert_new_reply_sounds(simulator, seed)


def assert_new_reply_sounds(simulator, seed):
    """The first word after the last flush has the pitch of the phrase it belongs to."""
    flushes = simulator.of(act.Flush)
    if not flushes:
        return
    opened = [o for _, o in simulator.of(act.OpenPhrase) if o.generation == flushes[-1][1].generation]
    after = simulator.audio()[played_before(simulator, flushes[-1][1]) + frame_samples(simulator.settings.rate_hz) :]
    found = pitch_hz(after[tones(after)[0][0] :], simulator.settings.rate_hz)
    assert abs(found - pitch_of_phrase(opened[0].phrase, seed)) < 5, "another phrase's voice"


@MANY
@given(st.lists(st.floats(1600, 12_000), min_size=1, max_size=6), st.integers(5, 40), ENGINES)
def test_typed_lines_at_any_moment_stop_it_and_none_is_lost(times_ms, block_ms, engine):
    typed = [(at_ms, ev.UserTyped(f"line {number}")) for number, at_ms in enumerate(sorted(times_ms))]
    world = World(user=(QUESTION,), replies=(LONG,), events=typed, block_ms=block_ms)
    simulator = held(world, engine, until_ms=14_000)
    said = " ".join(text for role, text in messages(simulator) if role == "user")
    assert said == " ".join(["what is it", *(f"line {number}" for number in range(len(typed)))])


def test_a_stop_fades_and_does_not_cut():
    simulator = held(World(events=[(100, ev.SpeakRequested(LONG)), (3210, ev.UserTyped("stop"))]), until_ms=3400)
    ((_, flush),) = simulator.of(act.Flush)
    at = played_before(simulator, flush)
    audio = simulator.audio()
    assert np.any(audio[at - 100 : at]), "it did not sound when it was stopped"
    steps = np.abs(np.diff(audio[at - 240 : at + 480].astype(int)))
    assert steps.max() < 600  # the tone's own steepest slope is 450 a sample; a cut would be up to 8192


# -- heard ----------------------------------------------------------------------------------


@SOME
@given(st.floats(2000, 7500), st.integers(5, 40))
def test_the_heard_prefix_is_what_the_sound_says(at_ms, block_ms):
    """Counted in the audio itself: a word of which half sounded was heard."""
    world = World(user=(QUESTION,), replies=(WORDS,), events=[(at_ms, ev.UserTyped("stop"))], block_ms=block_ms)
    simulator = held(world, {"rtf": 0.1}, until_ms=at_ms + 300)
    ((_, flush),) = simulator.of(act.Flush)
    heard = tones(simulator.audio()[: played_before(simulator, flush) + 480])
    kept = remembered(simulator, "assistant")[0]
    assert kept.interrupted and kept.measured
    words = kept.text.split()
    assert words == WORDS.split()[: len(words)]
    whole = len(WORDS.split()[len(heard) - 1]) * 1600 if heard else 0  # samples of the last word, at 15 a second
    last = heard[-1][1] - heard[-1][0] if heard else 0
    if last > whole / 2 + 300:
        assert len(words) == len(heard)
    elif last < whole / 2 - 300:
        assert len(words) == max(0, len(heard) - 1)


def test_interrupted_before_the_first_sound_nothing_is_kept_and_the_user_goes_on():
    user = (QUESTION, Speech(2050, 2900, "and why"))
    simulator = held(World(user=user, replies=(WORDS, "Because."), reply_delay_ms=900), until_ms=9000)
    assert messages(simulator) == [("user", "what is it and why"), ("assistant", "Because.")]
    assert "audio_started" not in causes(simulator)[: causes(simulator).index("speech_resumed", 3)]


def test_interrupted_twice_in_a_row():
    user = (QUESTION, Speech(4000, 4800, "no"), Speech(7000, 7800, "stop"))
    simulator = held(World(user=user, replies=(LONG, LONG, SHORT)), {"rtf": 0.2}, until_ms=14_000)
    roles = [role for role, _ in messages(simulator)]
    assert roles == ["user", "assistant"] * 3
    assert messages(simulator)[-1] == ("assistant", SHORT)
    first, second = messages(simulator)[1][1], messages(simulator)[3][1]
    assert LONG.startswith(first) and LONG.startswith(second)
    assert len(second) > 0 and 0 < len(first) < len(LONG)


def test_an_engine_without_markers_says_that_it_estimates():
    events = [(4000, ev.UserTyped("stop"))]
    simulator = held(World(user=(QUESTION,), replies=(WORDS,), events=events), {"markers": False}, until_ms=4500)
    kept = remembered(simulator, "assistant")[0]
    assert kept.text and WORDS.startswith(kept.text) and not kept.measured


def test_a_reply_heard_to_its_end_is_kept_whole_and_measured():
    for markers in (True, False):
        simulator = held(World(user=(QUESTION,), replies=(LONG,)), {"markers": markers})
        (kept,) = remembered(simulator, "assistant")
        assert kept.text == LONG and kept.measured and not kept.interrupted
        assert underrun_samples(simulator) == 0


# -- stopped by the person --------------------------------------------------------------------


@MANY
@given(st.floats(0, 12_000), ENGINES)
def test_stop_requested_at_any_moment_keeps_what_was_heard(at_ms, engine):
    user = (QUESTION, Speech(4000, 4800, "no"))
    world = World(user=user, replies=(LONG,), events=[(at_ms, ev.StopRequested())])
    simulator = held(world, engine)
    assert simulator.core.ended
    assert [fact.reason for _, fact in simulator.of(act.EndSession)] == ["stopped"]
    sounded = simulator.of(act.ShowTurn) and "audio_started" in causes(simulator)
    for kept in remembered(simulator, "assistant"):
        assert LONG.startswith(kept.text)
    if sounded:
        assert remembered(simulator, "assistant")


# -- faults of the engine ---------------------------------------------------------------------


def test_a_chunk_that_fails_once_is_asked_for_again_and_nothing_is_missing():
    plain = held(World(user=(QUESTION,), replies=(WORDS,)), {"rtf": 0.1})
    simulator = held(World(user=(QUESTION,), replies=(WORDS,)), {"rtf": 0.1, "fail_at": 2})
    assert remembered(simulator, "assistant")[0].text == WORDS
    assert underrun_samples(simulator) == 0
    one, other = (s.audio()[np.flatnonzero(s.audio())[0] :] for s in (plain, simulator))
    size = min(one.size, other.size)
    assert np.array_equal(one[:size], other[:size])


@pytest.mark.parametrize("fail_at", [0, 1, 3])
def test_a_phrase_that_fails_once_in_every_phrase_is_complete(fail_at):
    simulator = held(World(user=(QUESTION,), replies=(LONG,)), {"rtf": 0.1, "fail_at": fail_at})
    assert remembered(simulator, "assistant")[0].text == LONG


def test_phrases_that_fail_for_good_are_given_up_and_said_once():
    fails = {"rtf": 0.1, "fail_at": 3, "fail_times": 99, "fail_kind": "garbage"}
    simulator = held(World(user=(QUESTION,), replies=(LONG,)), fails)
    assert len(simulator.of(act.OpenPhrase)) == 8
    assert len(notices(simulator)) == 1
    (kept,) = remembered(simulator, "assistant")
    first_words = WORDS.split()[0]
    assert kept.text.split() and set(kept.text.split()) == {first_words}, "three chunks hold a word of each"
    assert states(simulator)[-1] == "listening"


@pytest.mark.parametrize("word_ms", [20, 60, 70, 90, 120])
@pytest.mark.parametrize("fail_at", [5, 6, 7, 8])
def test_a_request_is_made_twice_at_most_though_the_next_phrase_is_opened_in_between(word_ms, fail_at):
    world = World(user=(QUESTION,), replies=(f"{WORDS}. " * 6,), word_ms=word_ms)
    simulator = held(world, {"rtf": 0.4, "fail_at": fail_at, "fail_times": 99})
    asked = Counter((fact.phrase, fact.seq) for _, fact in simulator.of(act.RequestChunk))
    assert max(asked.values()) == 2


@pytest.mark.parametrize("between", [ev.DeadlinePassed(), ev.AdapterFailed("stt", "ear", "crashed", "deaf", False)])
def test_two_jobs_with_the_engine_are_noticed_whatever_else_happens_between(between):
    simulator = held(World(user=(QUESTION,), replies=(WORDS,)), {"rtf": 0.1})
    at = next(i for i, (_, _, fact) in enumerate(simulator.records) if isinstance(fact, act.RequestChunk))
    asked = simulator.records[at]
    simulator.records[at + 1 : at + 1] = [(asked[0], "event", between), asked]
    assert any("with the engine" in line for line in violations(simulator))


def test_an_engine_that_cannot_keep_up_says_so_once_and_loses_nothing():
    simulator = held(World(user=(QUESTION,), replies=(WORDS,)), {"rtf": 1.4})
    assert ["cannot keep up" in text for text in notices(simulator)] == [True]
    assert remembered(simulator, "assistant")[0].text == WORDS
    assert underrun_samples(simulator) > 0
    heard = np.count_nonzero(simulator.audio())
    whole = np.count_nonzero(held(World(user=(QUESTION,), replies=(WORDS,))).audio())
    assert heard == pytest.approx(whole, rel=0.02), "all of it was heard, but for the edges that are faded"


@pytest.mark.parametrize("rtf", [0.05, 0.3, 0.5, 0.7])
@pytest.mark.parametrize("block_ms", [5, 20, 40])
def test_a_steady_engine_never_runs_dry(rtf, block_ms):
    """Nor where a phrase has to be opened while another is heard."""
    world = World(user=(QUESTION,), replies=(LONG,), block_ms=block_ms)
    simulator = held(world, {"rtf": rtf, "jitter": 0.05, "open_ms": 20, "call_ms": 2})
    assert underrun_samples(simulator) == 0
    assert remembered(simulator, "assistant")[0].text == LONG


# -- memory -----------------------------------------------------------------------------------


def held_objects(thing, seen):
    """How many objects hang on `thing`, each counted once."""
    if id(thing) in seen or isinstance(thing, type | int | float | str | bytes | np.ndarray):
        return 0
    seen[id(thing)] = thing
    if isinstance(thing, dict):
        inner = [*thing.keys(), *thing.values()]
    elif isinstance(thing, list | tuple | set | frozenset | deque):
        inner = list(thing)
    else:
        inner = [getattr(thing, name, None) for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
        inner += list(getattr(thing, "__dict__", {}).values())
    return 1 + sum(held_objects(one, seen) for one in inner)


def test_half_an_hour_of_talk_leaves_nothing_behind():
    minutes = 30
    user = tuple(Speech(at * 1000, at * 1000 + 900, f"question {at}") for at in range(1, minutes * 60, 12))
    simulator = session(World(user=user, replies=(WORDS, f"{WORDS}. {WORDS}."), block_ms=40), {"rtf": 0.2})
    counts = []
    for minute in range(1, minutes + 1):
        simulator.run(until_ms=minute * 60_000)
        simulator.records.clear()
        simulator.sink.played.clear()
        counts.append(held_objects([simulator.core, simulator.bus], {}))
    assert simulator.core.turns.turn == len(user)
    assert max(counts[-10:]) <= 1.1 * max(counts[5:15]), counts
