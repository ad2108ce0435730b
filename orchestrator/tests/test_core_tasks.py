"""The core with a second source, fact by fact: what moves when a report is ready, is spoken, is cut."""

from __future__ import annotations

import pytest

from orchestrator import actions as act
from orchestrator.floor import BREATH_MS
from orchestrator.settings import SourceSettings
from orchestrator.tests.test_core import WINDOW_MS, Room, asked
from orchestrator.turns import Cause, State
from timeline import events as ev
from timeline.clock import NS_PER_MS


def hall(**task) -> Room:
    return Room(tasks=(SourceSettings("task", **{"address": "", **task}),))


def report(room: Room, text: str = "It is a duck.", end: bool = True) -> None:
    number = room.last(act.StartReply, lambda action: action.source == "task").reply
    room.tell(ev.ReplyDelta(number, text))
    if end:
        room.tell(ev.ReplyEnded(number))


def play_out(room: Room) -> None:
    """Render and play all that there is."""
    while room.core.replying.speech.in_flight is not None:
        room.render(eos=True)
    room.play(room.core.replying.speech.end_index)


def answered(room: Room) -> Room:
    """The user has asked, the conversational source has answered, all of it was heard."""
    asked(room)
    room.reply("A goose.")
    play_out(room)
    assert room.state is State.LISTENING
    return room


def reporting(room: Room) -> Room:
    """A report is audible, its hand-over and one word of it heard."""
    answered(room)
    report(room, "alpha bravo charlie")
    room.wake()
    while len(room.core.replying.speech.script.all) > 1 and room.core.replying.speech.in_flight.phrase == 1:
        room.render(eos=True)
    room.render()
    room.render()
    room.play(room.core.replying.speech.end_index)
    assert room.state is State.SPEAKING
    return room


def test_both_are_asked_at_once_under_numbers_of_their_own():
    room = asked(hall())
    assert [(a.reply, a.source) for a in room.all(act.StartReply)] == [(1, "llm"), (2, "task")]
    room.tell(ev.UserTyped("and this"))
    assert [(a.reply, a.source) for a in room.all(act.StartReply)][2:] == [(3, "llm"), (4, "task")]
    assert room.all(act.CancelReply) == [act.CancelReply(1), act.CancelReply(2)]


def test_what_the_task_source_writes_is_not_taken_for_the_answer():
    room = asked(hall())
    report(room)
    assert room.core.replying.speech.script.all == {} and room.state is State.THINKING
    room.reply("A goose.")
    assert [a.text for a in room.all(act.OpenPhrase)] == ["A goose."]


def test_a_cough_in_the_silence_puts_the_report_off():
    room = answered(hall())
    report(room)
    room.silence(BREATH_MS - 200)
    room.speak(2 * WINDOW_MS)
    room.silence(BREATH_MS - WINDOW_MS)
    assert room.state is State.LISTENING, "it spoke, though somebody may have been beginning"
    room.silence(6 * WINDOW_MS)
    assert room.state is State.THINKING and room.last(act.ShowTurn).cause is Cause.FLOOR_GRANTED


def test_the_breath_begins_when_the_last_sample_has_sounded():
    """A block that is played now sounds a little later."""
    room = answered(hall())
    report(room)
    assert room.core.deadline_ns() == room.core.replying.silent_ns + BREATH_MS * NS_PER_MS
    room.wake()
    assert room.last(act.ShowTurn).cause is Cause.FLOOR_GRANTED


def test_a_report_that_is_cut_is_kept_as_far_as_it_was_heard_and_shown_from_there():
    room = reporting(hall())
    room.speak(704)
    assert room.state is State.HEARING and len(room.all(act.Flush)) == 1
    room.play(room.read_index + 480, flushed_index=room.read_index + 200)
    kept = room.last(act.Remember)
    assert (kept.source, kept.text, kept.interrupted) == ("task", "alpha", True)
    assert room.said[-1] == ("assistant", "A goose. About what you asked before: alpha")
    shown = room.last(act.ShowFloor)
    assert (shown.ruling, shown.reason, shown.text) == ("dropped", "interrupted", "bravo charlie")
    assert not room.core.floor.busy


def test_a_source_that_still_writes_is_cancelled_when_its_report_is_cut():
    room = answered(hall())
    report(room, "It goes on and on. " * 20, end=False)
    room.wake()
    room.render()
    room.render(eos=True)  # the hand-over
    room.render()
    room.render()
    room.play(room.core.replying.speech.end_index)
    assert not room.all(act.CancelReply)
    room.tell(ev.UserTyped("stop"))
    room.play(room.read_index + 480, flushed_index=room.read_index + 100)
    assert room.all(act.CancelReply) == [act.CancelReply(2)]


def test_interrupted_before_a_word_of_it_was_heard_the_report_waits_again():
    room = answered(hall(address="computer"))
    room.tell(ev.UserTyped("computer what is it"))
    room.reply("Wait.")
    play_out(room)
    report(room)
    room.wake()
    assert room.state is State.THINKING
    room.tell(ev.UserTyped("and you"))
    room.reply("Fine.")
    play_out(room)
    assert [str(a.ruling) for a in room.all(act.ShowFloor)] == ["waits", "given", "waits"]
    room.wake()
    play_out(room)
    play_out(room)
    assert [a.text for a in room.all(act.Remember) if a.source == "task"] == ["", "It is a duck."]
    assert room.said[-1] == ("assistant", "Fine. About what you asked before: It is a duck.")


def test_one_of_higher_priority_that_has_not_begun_waits_when_the_user_speaks():
    """The cut of the conversation is not confirmed yet."""
    room = asked(hall(priority=1, address="what"))
    room.reply("alpha bravo charlie delta")
    room.render()
    room.render()
    room.play(480)
    report(room, "Fire.")
    assert room.state is State.THINKING and room.core.replying.cutting
    room.tell(ev.UserTyped("who is there"))
    room.play(5000, flushed_index=1000)
    assert room.state is State.THINKING and not room.core.replying.speech.script.all, "it speaks into the user's turn"
    room.reply("Me.")
    play_out(room)
    room.wake()
    assert room.last(act.ShowTurn).cause is Cause.FLOOR_GRANTED
    assert [a.text for a in room.all(act.Remember)][:3] == ["what is it", "alpha", "who is there"]


def test_the_conversation_is_cancelled_where_a_report_cuts_it_while_it_is_written():
    room = asked(hall(priority=1))
    room.reply("alpha bravo charlie delta, and so on", end=False)
    room.render()
    room.render()
    room.play(480)
    report(room, "Fire.")
    assert room.all(act.CancelReply) == [act.CancelReply(1)]
    room.play(5000, flushed_index=1000)
    room.tell(ev.ReplyDelta(1, "old words. "))
    assert [a.text for a in room.all(act.OpenPhrase)][1:] == ["About what you asked before:"]
    assert room.core.replying.source == "task"


def test_an_engine_that_cannot_speak_a_report_has_it_shown():
    room = answered(hall())
    report(room)
    room.wake()
    for _ in range(4):
        room.fail("tts")
    play_out(room)
    assert room.last(act.ShowFloor).reason == "could not be spoken"
    assert room.last(act.ShowFloor).text == "It is a duck."
    assert room.state is State.LISTENING and not room.core.floor.busy


@pytest.mark.parametrize("ticket", [2, 1, 9])
def test_a_source_that_fails_is_told_by_its_number(ticket):
    room = asked(hall())
    room.fail("llm", ticket=ticket)
    assert len(room.all(act.Notice)) == (ticket != 9)
    assert len(room.all(act.OpenPhrase)) == (ticket == 1), "only the answer that is owed is apologized for"


def test_the_end_cancels_what_is_being_written_and_shows_what_was_not_said():
    room = answered(hall())
    report(room, "It is", end=False)
    out = room.tell(ev.StopRequested())
    assert out == [
        act.CancelReply(2), act.ShowFloor(2, "task", "dropped", "the session ends", "It is"),
        act.EndSession("stopped"),
    ]  # fmt: skip


def test_requested_texts_come_before_reports():
    room = answered(hall())
    report(room)
    room.tell(ev.SpeakRequested("First this."))
    play_out(room)
    room.wake()
    play_out(room)
    play_out(room)
    assert [a.text for a in room.all(act.OpenPhrase)][1:] == [
        "First this.", "About what you asked before:", "It is a duck.",
    ]  # fmt: skip
    assert [(a.source, a.text) for a in room.all(act.Remember)][2:] == [("", "First this."), ("task", "It is a duck.")]
