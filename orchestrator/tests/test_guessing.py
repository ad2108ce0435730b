"""Speculation: the answer is prepared while the user may still go on; nothing of it is heard before the turn ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator import actions as act
from orchestrator.core import Core
from orchestrator.tests.test_core import Room
from orchestrator.turns import State
from timeline import events as ev


def guessing(room: Room, text: str = "what is it") -> Room:
    """A short silence, its words are there, the answer is asked for."""
    room.speak(320)
    room.silence(192)
    room.answer(text)
    assert room.state is State.PAUSING
    return room


def rulings(room: Room) -> list[str]:
    return [shown.ruling for shown in room.all(act.ShowGuess)]


def rendered(room: Room) -> Room:
    """Its first chunk is there."""
    room.reply("alpha bravo charlie delta")
    room.render()
    chunk(room)
    return room


def chunk(room: Room, eos: bool = False, samples: int = 4800, audible_sample: int = 0) -> None:
    """The engine hands over what it was asked for."""
    job = room.core.replying.speech.in_flight
    key = (job.generation, job.utterance, job.phrase, job.seq)
    room.tell(ev.ChunkReady(*key, job.units, samples, 24_000, eos, 1, "", audible_sample))


def test_the_reply_and_its_first_chunk_begin_before_the_turn_is_over():
    room = rendered(guessing(Room()))
    assert room.last(act.StartReply).messages[-1].text == "what is it" and rulings(room) == ["begun"]
    assert not room.all(act.StitchChunk) and not room.said
    assert room.core.replying.speech.in_flight is None, "one chunk and no more"


def test_a_first_chunk_that_does_not_last_waits_for_the_second_once_the_turn_is_over():
    room = guessing(Room())
    room.reply("alpha bravo charlie delta")
    room.render()
    chunk(room, samples=600)
    assert room.core.replying.speech.in_flight is None, "nothing is asked for while it may not sound"
    while room.state is State.PAUSING:
        room.silence(32)
    assert room.core.replying.speech.in_flight.seq == 1 and not room.all(act.StitchChunk)
    chunk(room)
    assert [stitch.seq for stitch in room.all(act.StitchChunk)] == [0, 1]


@pytest.mark.parametrize(("audible_sample", "skipped"), [(1440, 1200), (240, 0), (0, 0), (-1, 0)])
def test_silence_before_the_first_sound_is_left_out(audible_sample, skipped):
    room = guessing(Room())
    room.reply("alpha bravo charlie delta")
    room.render()
    chunk(room, samples=1800, audible_sample=audible_sample)
    while room.state is State.PAUSING:
        room.silence(32)
    chunk(room, audible_sample=1440)
    assert [stitch.skip_samples for stitch in room.all(act.StitchChunk)] == [skipped, 0], "the first chunk's only"


def test_what_was_guessed_right_sounds_with_the_end_of_the_turn():
    room = rendered(guessing(Room()))
    out = room.silence(320)
    assert room.state is State.THINKING and rulings(room) == ["begun", "kept"]
    sound = [type(action) for action in out if isinstance(action, act.StitchChunk | act.RequestChunk)]
    assert sound == [act.StitchChunk]
    assert len(room.all(act.StartReply)) == 1 and room.said == [("user", "what is it")]


def test_a_short_clause_is_said_at_once_where_the_turn_is_over_and_not_before():
    room = guessing(Room())
    reply = room.last(act.StartReply).reply
    room.tell(ev.ReplyDelta(reply, "Yes, I "))
    assert not room.all(act.OpenPhrase), "there is time yet"
    room.silence(320)
    assert [job.text for job in room.all(act.OpenPhrase)] == ["Yes,"]


def test_who_waits_for_an_answer_is_given_its_first_clause():
    room = Room()
    room.speak(320)
    room.silence(1400)
    room.answer("what is it")
    room.tell(ev.ReplyDelta(room.last(act.StartReply).reply, "Well, I "))
    assert [job.text for job in room.all(act.OpenPhrase)] == ["Well,"]


def test_a_chunk_that_is_all_of_the_answer_waits_too():
    room = guessing(Room())
    room.reply("alpha")
    room.render()
    chunk(room, eos=True)
    assert not room.all(act.FinishStream)
    room.silence(320)
    kinds = [type(a) for a in room.actions if isinstance(a, act.StitchChunk | act.FinishStream)]
    assert kinds == [act.StitchChunk, act.FinishStream]


def test_all_of_it_dies_when_the_user_goes_on():
    room = rendered(guessing(Room()))
    room.speak(32)
    assert room.state is State.HEARING and rulings(room) == ["begun", "dropped"]
    assert room.all(act.Flush) and not room.all(act.StitchChunk)
    assert room.said == [], "nothing is kept of what nobody heard"
    assert [action.role for action in room.all(act.Remember)] == []
    room.silence(512)
    room.answer("what is it then")
    room.reply("echo")
    assert room.said == [("user", "what is it then")] and room.state is State.THINKING
    room.render()
    chunk(room)
    assert room.all(act.StitchChunk)[-1].generation == 1


def test_a_source_that_still_writes_is_cancelled():
    room = guessing(Room())
    room.tell(ev.ReplyDelta(room.core.replying.reply, "alpha"))
    room.speak(32)
    assert [cancel.reply for cancel in room.all(act.CancelReply)] == [1]


def test_a_line_that_is_typed_meanwhile_makes_other_words():
    room = rendered(guessing(Room()))
    room.tell(ev.UserTyped("and why"))
    assert rulings(room)[:2] == ["begun", "dropped"]
    assert room.said == [("user", "what is it and why")] and room.state is State.THINKING
    assert room.last(act.StartReply).messages[-1].text == "what is it and why"


def test_a_source_that_fails_early_says_so_when_the_turn_is_over():
    room = guessing(Room())
    room.fail("llm", ticket=room.core.replying.reply)
    room.render()
    chunk(room)
    assert not room.all(act.StitchChunk)
    room.silence(320)
    assert room.all(act.StitchChunk)


def test_an_answer_without_words_waits_for_the_end_of_the_turn():
    room = guessing(Room())
    room.reply("")
    assert room.state is State.PAUSING
    room.silence(320)
    assert room.state is State.LISTENING and len(room.all(act.ShowGuess)) == 2


def test_words_that_come_after_the_end_are_no_guess():
    room = Room()
    room.speak(320)
    room.silence(512)
    room.answer("what is it")
    assert rulings(room) == [] and room.state is State.THINKING


@pytest.mark.parametrize("text", ["", " "])
def test_nothing_is_guessed_from_nothing(text):
    room = guessing(Room(), text)
    assert rulings(room) == []
    room.silence(320)
    assert room.state is State.LISTENING


def test_it_can_be_turned_off():
    room = guessing(Room(speculate=False))
    assert rulings(room) == [] and not room.all(act.StartReply)
    room.silence(320)
    assert room.all(act.StartReply)


def test_the_session_may_end_in_the_middle_of_a_guess():
    room = rendered(guessing(Room()))
    room.tell(ev.StopRequested())
    assert room.core.ended and rulings(room)[-1] == "dropped"


def test_what_two_provisional_texts_agree_on_is_shown_as_stable():
    room = Room()
    room.speak(640)
    room.answer("Please turn of", final=False)
    room.speak(512)
    room.answer("please turn off the light", final=False)
    shown = [(action.stable, action.unstable) for action in room.all(act.ShowWords)]
    assert shown == [("", "Please turn of"), ("please turn", "off the light")]
    room.silence(512)
    assert room.all(act.Transcribe)[-1].final, "the final text is asked for whatever was shown"


def test_words_that_want_others_keep_the_turn_open_and_nothing_sounds_meanwhile():
    room = rendered(guessing(Room(), "Set a timer for"))
    room.silence(960)
    assert room.state is State.PAUSING and not room.all(act.StitchChunk)
    room.speak(32)
    assert room.state is State.HEARING and rulings(room) == ["begun", "dropped"]


def test_a_turn_whose_words_want_others_ends_in_the_end():
    room = rendered(guessing(Room(), "Set a timer for"))
    room.silence(1280)
    assert room.state is State.THINKING and rulings(room) == ["begun", "kept"]


def test_words_that_come_late_end_the_turn_at_once_and_not_with_the_next_window():
    room = Room()
    room.core = Core(replace(room.core.settings, judged=True))
    room.speak(320)
    room.silence(192)
    asked = room.last(act.JudgeTurn)
    room.tell(ev.TurnJudged(asked.start_position, asked.end_position, 0.98, 1))
    room.silence(320)
    assert room.state is State.PAUSING, "without words the model is not believed"
    room.answer("What is it?")
    assert room.state is State.THINKING
