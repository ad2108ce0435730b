"""Two sources, one voice, on the virtual clock: neither holds up the other, all that is written is heard or shown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator import actions as act
from orchestrator.floor import BREATH_MS, LATE_MS
from orchestrator.replying import PAUSE_MS
from orchestrator.settings import SourceSettings
from scenes.invariants import played_before
from scenes.simulator import Simulator
from scenes.sound import pitch_hz, pitch_of_phrase, tones
from scenes.tests.test_simulator import held_objects
from scenes.tests.worlds import (
    WORDS,
    causes,
    held,
    messages,
    notices,
    remembered,
    session,
)
from scenes.world import Speech, World
from timeline import events as ev
from timeline.clock import NS_PER_MS
from timeline.codec import encode
from timeline.measures import Turn, turns

TASK = SourceSettings("task", address="")
HAND_OVER = TASK.hand_over
QUESTION = Speech(500, 1500, "what is it")
SHORT = "Understood."
REPORT = "The answer is forty two. It took a while."
FRAME_MS = 20


def rulings(simulator: Simulator) -> list[tuple[str, str]]:
    return [(str(fact.ruling), fact.reason) for _, fact in simulator.of(act.ShowFloor)]


def spoken(simulator: Simulator) -> list[str]:
    return [fact.text for _, fact in simulator.of(act.OpenPhrase)]


def measured(simulator: Simulator) -> list[Turn]:
    """The turns as the journal tells them."""
    return turns(({"t": t_ns, what: encode(fact)} for t_ns, what, fact in simulator.records), 24_000)


def two(world: World, until_ms: float = 60_000, engine: dict | None = None, **task) -> Simulator:
    return held(world, engine, until_ms, tasks=(SourceSettings("task", **{"address": "", **task}),))


# -- the report -----------------------------------------------------------------------------


def test_a_report_is_handed_over_and_kept_as_what_it_is():
    world = World(user=(QUESTION,), replies=(SHORT,), task_replies=(REPORT,), task_delay_ms=5000)
    simulator = two(world, 20_000)
    assert spoken(simulator) == [SHORT, HAND_OVER, *REPORT.replace(". It", ".\nIt").split("\n")]
    (answer, report) = remembered(simulator, "assistant")
    assert (answer.source, answer.text, report.source, report.text) == ("llm", SHORT, "task", REPORT)
    assert report.turn == answer.turn + 1 and report.measured and not report.interrupted
    assert messages(simulator) == [("user", "what is it"), ("assistant", f"{SHORT} {HAND_OVER} {REPORT}")]
    assert rulings(simulator) == [("given", ""), ("heard", "")]


def test_a_report_without_a_hand_over_is_the_sources_words_alone():
    world = World(user=(QUESTION,), replies=(SHORT,), task_replies=(REPORT,))
    simulator = two(world, 20_000, hand_over="")
    assert messages(simulator)[-1] == ("assistant", f"{SHORT} {REPORT}")


def test_only_what_is_addressed_reaches_the_task_source():
    user = (QUESTION, Speech(5000, 6000, "Computer, what is it"))
    simulator = two(World(user=user, replies=(SHORT,), task_replies=(REPORT,)), 20_000, address="computer")
    asked = [(fact.reply, fact.source, fact.messages[-1].text) for _, fact in simulator.of(act.StartReply)]
    assert asked == [
        (1, "llm", "what is it"), (2, "llm", "Computer, what is it"), (3, "task", "Computer, what is it"),
    ]  # fmt: skip


# -- neither holds up the other ---------------------------------------------------------------


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    task=st.sampled_from([None, WORDS, f"{WORDS}. " * 30]),
    delay_ms=st.floats(0, 3000),
    word_ms=st.floats(0, 400),
    reply_delay_ms=st.floats(0, 2000),
    interrupt_ms=st.floats(2500, 6000),
    fails=st.booleans(),
)
def test_the_conversation_sounds_the_same_with_a_second_source_to_the_sample(
    task, delay_ms, word_ms, reply_delay_ms, interrupt_ms, fails
):
    """Whatever the second source does meanwhile: hang, fail, write a lot."""
    user = (QUESTION, Speech(interrupt_ms, interrupt_ms + 700, "and why"))
    events = [(3000, ev.AdapterFailed("llm", "task", "crashed", "task: gone", False, ticket=2))] if fails else []
    plain = {"user": user, "replies": (WORDS, f"{WORDS}. {WORDS}."), "reply_delay_ms": reply_delay_ms}
    alone = held(World(**plain), {"rtf": 0.2}, 12_000)
    world = World(**plain, task_replies=(task,), task_delay_ms=delay_ms, task_word_ms=word_ms, events=events)
    both = two(world, 12_000, {"rtf": 0.2})
    given_ns = next((t for t, fact in both.of(act.ShowFloor) if fact.ruling == "given"), None)
    end = both.audio().size if given_ns is None else int(given_ns * 24_000 // 10**9) - 480
    assert end >= 24_000 * 5
    assert np.array_equal(both.audio()[:end], alone.audio()[:end])


def test_an_answer_that_does_not_come_holds_up_no_report_and_is_heard_when_it_does():
    world = World(user=(QUESTION,), replies=(WORDS,), reply_delay_ms=12_000, task_replies=(REPORT,))
    simulator = two(world, 30_000)
    over_ns = next(t for t, fact in simulator.of(act.ShowTurn) if fact.cause == "turn_committed")
    granted = [t for t, fact in simulator.of(act.ShowTurn) if fact.cause == "floor_granted"]
    assert granted[0] - over_ns == pytest.approx(LATE_MS * NS_PER_MS, abs=FRAME_MS * NS_PER_MS)
    heard = [(m.source, m.text) for m in remembered(simulator, "assistant") if m.text]
    assert heard == [("task", REPORT), ("llm", WORDS)]
    assert messages(simulator)[-1] == ("assistant", f"{HAND_OVER} {REPORT} {WORDS}")
    told = [(turn.turn, turn.source, turn.heard, turn.reply, turn.gap_ms is None) for turn in measured(simulator)]
    assert told == [(1, "", "what is it", "", True), (2, "task", "", REPORT, True), (3, "llm", "", WORDS, True)]


def test_an_answer_that_stops_in_the_middle_holds_up_no_report_either():
    deltas = [
        (2200, ev.ReplyDelta(1, "Let me think, it is al")),
        (13_000, ev.ReplyDelta(1, "pha, or bravo.")),
        (13_000, ev.ReplyEnded(1)),
    ]
    world = World(user=(QUESTION,), replies=(None,), task_replies=(REPORT,), events=deltas)  # type: ignore[arg-type]
    simulator = two(world, 30_000)
    kept = [(m.source, m.text, m.interrupted) for m in remembered(simulator, "assistant")]
    assert kept == [
        ("llm", "Let me think,", True), ("task", REPORT, False), ("llm", "it is alpha, or bravo.", False),
    ]  # fmt: skip
    told = [(turn.source, turn.heard, turn.reply) for turn in measured(simulator)]
    assert told == [
        ("llm", "what is it", "Let me think, it is al"),
        ("task", "", REPORT),
        ("llm", "", "pha, or bravo."),
    ]
    stopped = tones(simulator.audio())[2][1]  # the third word's end
    at_ms = next(t for t, fact in simulator.of(act.ShowFloor) if fact.ruling == "given") / NS_PER_MS
    assert at_ms - stopped / 24 == pytest.approx(LATE_MS, abs=2 * FRAME_MS)


def test_an_answer_that_was_set_aside_is_overtaken_by_the_next_turn():
    user = (QUESTION, Speech(11_000, 11_500, "and you"))
    world = World(user=user, replies=(None, SHORT), task_replies=(REPORT, None))  # type: ignore[arg-type]
    simulator = two(world, 20_000)
    assert [m.text for m in remembered(simulator, "assistant") if m.text] == [REPORT, SHORT]
    assert ("dropped", "overtaken by another turn") in rulings(simulator)
    assert act.CancelReply(1) in [fact for _, fact in simulator.of(act.CancelReply)]


def test_a_task_source_that_fails_says_so_once_and_the_talk_goes_on():
    failed = ev.AdapterFailed("llm", "task", "refused", "task is gone", False, ticket=2)
    user = (QUESTION, Speech(6000, 7000, "and why"))
    events = [(2500, failed), (2600, failed)]
    simulator = two(World(user=user, replies=(SHORT,), task_replies=(None, REPORT), events=events), 20_000)
    assert notices(simulator) == ["task is gone"]
    assert rulings(simulator) == [("dropped", "it failed"), ("waits", "another has the floor"), ("given", ""),
                                  ("heard", "")]  # fmt: skip
    assert messages(simulator)[1:] == [
        ("assistant", SHORT), ("user", "and why"), ("assistant", f"{SHORT} {HAND_OVER} {REPORT}"),
    ]  # fmt: skip


# -- who is heard ---------------------------------------------------------------------------

NAMES = WORDS.split()


def numbered(task: int, count: int) -> str:
    """A report of `count` words, none of which any other report has."""
    return " ".join(f"{NAMES[n % len(NAMES)]}{task}x{n}" + ("." if n % 6 == 5 else "") for n in range(count))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    starts_ms=st.lists(st.floats(1500, 25_000), min_size=0, max_size=5),
    typed_ms=st.lists(st.floats(1500, 25_000), max_size=2),
    counts=st.lists(st.integers(1, 60), min_size=1, max_size=3),
    delay_ms=st.floats(0, 6000),
    word_ms=st.sampled_from([0, 30, 300, 900]),
    priority=st.integers(0, 1),
    patience_ms=st.sampled_from([3000, 60_000]),
    shorten_after_ms=st.sampled_from([1500, 60_000]),
    address=st.sampled_from(["", "computer"]),
    reply_delay_ms=st.sampled_from([50, 5000]),
    block_ms=st.integers(5, 40),
    rtf=st.floats(0, 0.6),
)
def test_whenever_anybody_speaks_one_sounds_and_each_word_is_heard_or_shown(
    starts_ms,
    typed_ms,
    counts,
    delay_ms,
    word_ms,
    priority,
    patience_ms,
    shorten_after_ms,
    address,
    reply_delay_ms,
    block_ms,
    rtf,
):
    user = [QUESTION] + [Speech(at, at + 600, f"computer line {n}") for n, at in enumerate(sorted(starts_ms))]
    events = [(at, ev.UserTyped(f"typed {n}")) for n, at in enumerate(typed_ms)] + [(45_000, ev.StopRequested())]
    reports = tuple(numbered(n, count) for n, count in enumerate(counts * 9))
    world = World(user=user, replies=(SHORT, WORDS), task_replies=reports, task_delay_ms=delay_ms,
                  task_word_ms=word_ms, reply_delay_ms=reply_delay_ms, block_ms=block_ms, events=events)  # fmt: skip
    simulator = two(world, 60_000, {"rtf": rtf}, priority=priority, patience_ms=patience_ms,
                    shorten_after_ms=shorten_after_ms, address=address)  # fmt: skip
    assert simulator.core.ended and not simulator.core.floor.busy
    assert_each_word_is_heard_or_shown(simulator)
    assert_reports_wait_for_a_breath(simulator, priority)
    assert_the_sound_is_that_of_the_words(simulator)


def assert_each_word_is_heard_or_shown(simulator):
    tasks = {fact.reply for _, fact in simulator.of(act.StartReply) if fact.source == "task"}
    written = [w for _, d in simulator.of(ev.ReplyDelta) if d.reply in tasks for w in d.text.split()]
    heard = [w for fact in remembered(simulator, "assistant") if fact.source == "task" for w in fact.text.split()]
    shown = [w for _, fact in simulator.of(act.ShowFloor) if fact.source == "task" for w in fact.text.split()]
    assert sorted(heard + shown) == sorted(written)


def assert_reports_wait_for_a_breath(simulator, priority):
    """In the sound itself: before each report nothing was played, and the user was silent, unless it may cut in."""
    audio, breath = simulator.audio(), BREATH_MS * 24
    state = "listening"
    for t_ns, _, fact in simulator.records:
        if isinstance(fact, act.ShowTurn) and fact.cause == "floor_granted":
            at = played_before(simulator, fact)
            assert state in ("listening", "thinking") or (state == "speaking" and priority > 0)
            if state != "speaking":
                assert not np.any(audio[max(0, at - breath) : at]), "it does not wait for what sounds"
                now_ms = t_ns / NS_PER_MS
                spoke = [s for s in simulator.world.user if s.start_ms < now_ms - 40 and s.end_ms > now_ms - BREATH_MS]
                assert not spoke, "it speaks into the user's words"
        if isinstance(fact, act.ShowTurn):
            state = fact.state


def assert_the_sound_is_that_of_the_words(simulator):
    """Each stretch of sound has the pitch of one phrase, and the phrases come in order."""
    audio, rate_hz = simulator.audio(), simulator.settings.rate_hz
    opened = {fact.phrase for _, fact in simulator.of(act.OpenPhrase)}
    phrase = 0
    for start, end in tones(audio):
        if end - start < rate_hz // 10:
            continue  # too short for its pitch to be told
        found = pitch_hz(audio[start:end], rate_hz)
        while abs(found - pitch_of_phrase(phrase)) > 8:
            phrase += 1
            assert phrase <= max(opened), "a sound of no phrase, or an old one"


# -- priorities, stale reports, long reports --------------------------------------------------


def test_a_report_of_higher_priority_cuts_the_conversation_and_both_are_kept():
    world = World(user=(QUESTION,), replies=(f"{WORDS}. {WORDS}.",), task_replies=("Fire.",), task_delay_ms=3000)
    simulator = two(world, 12_000, {"rtf": 0.2}, priority=1)
    answer, report = remembered(simulator, "assistant")
    assert answer.interrupted and 0 < len(answer.text) < len(WORDS) and WORDS.startswith(answer.text)
    assert report.text == "Fire." and not report.interrupted
    assert causes(simulator)[-4:] == ["audio_started", "floor_granted", "audio_started", "reply_finished"]


def test_a_report_that_waited_too_long_is_not_said():
    talk = tuple(Speech(at, at + 900, f"line {at}") for at in range(3000, 12_000, 1800))
    world = World(user=(Speech(500, 1500, "computer what is it"), *talk), replies=(SHORT,), task_replies=(REPORT,))
    simulator = two(world, 20_000, patience_ms=4000, address="computer")
    assert [fact.text for _, fact in simulator.of(act.ShowFloor)] == ["", REPORT]
    assert rulings(simulator)[-1] == ("dropped", "it waited too long")
    assert HAND_OVER not in spoken(simulator)


def test_a_long_report_that_waited_is_shortened_and_offers_the_rest():
    talk = tuple(Speech(at, at + 900, f"line {at}") for at in range(3000, 12_000, 1800))
    text = numbered(1, 120)
    world = World(user=(Speech(500, 1500, "computer what is it"), *talk), replies=(SHORT,), task_replies=(text,),
                  task_word_ms=5)  # fmt: skip
    simulator = two(world, 60_000, shorten_after_ms=4000, address="computer")
    report = remembered(simulator, "assistant")[-1]
    left_out = next(fact.text for _, fact in simulator.of(act.ShowFloor) if fact.ruling == "shortened")
    assert f"{report.text} {left_out}" == text and report.text.endswith(".")
    assert spoken(simulator)[-1] == TASK.offer and TASK.offer not in report.text


def test_a_report_that_stops_in_the_middle_gives_the_floor_back():
    """Its source goes on writing after eight seconds: meanwhile the user is answered."""
    head = numbered(1, 40)
    deltas = [(2500, ev.ReplyDelta(2, head + " And")), (34_000, ev.ReplyDelta(2, " more.")), (34_000, ev.ReplyEnded(2))]
    simulator = two(World(user=(QUESTION,), replies=(SHORT,), task_replies=(None,), events=deltas), 50_000)
    reports = [fact.text for fact in remembered(simulator, "assistant")[1:]]
    assert reports == [head[: head.rindex(".") + 1], f"{head[head.rindex('.') + 2 :]} And more."]
    assert ("yields", "its words ran out, it is still writing") in rulings(simulator)
    yields_ns = next(t for t, fact in simulator.of(act.ShowFloor) if fact.ruling == "yields")
    last = tones(simulator.audio()[: round(yields_ns / 1e9 * 24_000)])[-1][1]
    assert yields_ns / NS_PER_MS - last / 24 == pytest.approx(PAUSE_MS, abs=2 * FRAME_MS)


def test_a_session_waits_for_the_report_before_it_ends():
    events = [(1600, ev.InputEnded())]
    world = World(user=(QUESTION,), replies=(SHORT,), task_replies=(REPORT,), task_delay_ms=9000, events=events)
    simulator = two(world, 60_000)
    assert simulator.core.ended and remembered(simulator, "assistant")[-1].text == REPORT
    world = World(user=(QUESTION,), replies=(SHORT,), task_replies=(None,), events=events)
    simulator = two(world, 60_000, work_ms=20_000)
    assert simulator.core.ended and rulings(simulator) == [("dropped", "it took too long")]


def test_nine_minutes_of_two_sources_leave_nothing_behind():
    user = tuple(Speech(at * 1000, at * 1000 + 900, f"question {at}") for at in range(1, 550, 11))
    reports = (None, REPORT, numbered(1, 200), numbered(2, 2000), "...")
    simulator = session(World(user=user, replies=(SHORT, WORDS), task_replies=reports, task_word_ms=2, block_ms=40),
                        {"rtf": 0.2}, tasks=(TASK,))  # fmt: skip
    counts = []
    for round_ in range(1, 11):
        simulator.run(until_ms=round_ * 55_000)  # five questions: the same moment of every round
        simulator.records.clear()
        simulator.sink.played.clear()
        counts.append(held_objects([simulator.core, simulator.bus], {}))
    assert simulator.core.turns.turn == len(user) * 8 // 5, "three of five reports are spoken"
    assert max(counts[-4:]) <= max(counts[4:6]), counts
