"""What takes the floor and says nothing, a cough or a laugh, costs neither a question nor an answer."""

from __future__ import annotations

import pytest

from orchestrator import actions as act
from orchestrator.tests.test_core import RATE_HZ, Room, asked, speaking
from orchestrator.tests.test_guessing import chunk
from orchestrator.turns import Cause, State
from timeline import events as ev

QUESTION = "what is it"


def sounds(room: Room, words: str = "", ms: int = 352) -> Room:
    """Something that the detector takes for speech, and what the recognizer makes of it."""
    room.speak(ms)
    room.silence(1280)
    room.answer(words)
    return room


def texts_asked(room: Room) -> list[str]:
    return [start.messages[-1].text for start in room.all(act.StartReply)]


def opened(room: Room) -> list[str]:
    return [job.text for job in room.all(act.OpenPhrase)]


# -- while it thinks ------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["", "Mm-hmm.", "Okay."])
def test_a_cough_or_a_backchannel_while_it_thinks_does_not_lose_the_question(words):
    room = sounds(asked(Room(), QUESTION), words)
    assert room.state is State.THINKING and room.said == [("user", QUESTION)]
    assert texts_asked(room) == [QUESTION] and not room.all(act.CancelReply), "the answer went on meanwhile"
    room.reply("alpha bravo")
    room.render()
    room.render()
    room.play(480)
    assert room.state is State.SPEAKING


def test_nothing_sounds_until_it_is_known_that_it_was_nothing():
    room = asked(Room(), QUESTION)
    room.speak(256)
    room.reply("alpha bravo")
    room.render()
    room.render()
    assert room.state is State.HEARING and not room.all(act.StitchChunk)
    room.silence(1280)
    assert not room.all(act.StitchChunk)
    room.answer("")
    room.wake()
    assert room.all(act.StitchChunk)


def test_words_are_added_to_the_question_and_the_answer_to_its_half_dies():
    room = sounds(asked(Room(), QUESTION), "in French")
    assert texts_asked(room) == [QUESTION, f"{QUESTION} in French"] and room.said[-1][1] == f"{QUESTION} in French"
    assert [cancel.reply for cancel in room.all(act.CancelReply)] == [1]


@pytest.mark.parametrize("whole", [True, False])
def test_a_cough_just_before_it_sounds_has_it_said_all_the_same(whole):
    room = asked(Room(), QUESTION)
    room.reply("alpha bravo charlie. delta", end=whole)
    room.render()
    room.render()
    assert room.state is State.THINKING and room.all(act.StitchChunk), "it would sound with the next block"
    room.speak(256)
    room.play(0, flushed_index=0)
    room.silence(1280)
    room.answer("")
    assert room.state is State.THINKING and room.said == [("user", QUESTION)]
    assert [shown.text for shown in room.all(act.ShowRest)] == ["alpha bravo charlie. delta"]
    room.reply("" if whole else " echo")
    while room.core.replying.speech.in_flight:
        room.render(eos=True)
    room.play(room.core.replying.speech.end_index)
    room.play(room.core.replying.speech.end_index)
    assert room.state is State.LISTENING and texts_asked(room) == [QUESTION] and not room.all(act.CancelReply)
    assert room.said[-1] == ("assistant", "alpha bravo charlie. delta" + ("" if whole else " echo"))


@pytest.mark.parametrize("words", ["", "Mm-hmm."])
def test_words_that_come_before_the_turn_is_over_ask_nobody(words):
    room = asked(Room(), QUESTION)
    room.speak(352)
    room.silence(192)
    room.answer(words)
    assert room.state is State.PAUSING and texts_asked(room) == [QUESTION]
    room.speak(352)
    assert room.state is State.HEARING, "two coughs"
    room.silence(1280)
    room.answer(words)
    assert room.state is State.THINKING and texts_asked(room) == [QUESTION] and not room.all(act.CancelReply)


def test_a_cough_that_was_taken_for_words_costs_a_guess_and_the_question_is_asked_again():
    room = asked(Room(), QUESTION)
    room.speak(352)
    room.silence(192)
    room.answer("in French")
    room.speak(352)
    room.silence(1280)
    room.answer("")
    assert texts_asked(room) == [QUESTION, f"{QUESTION} in French", QUESTION] and room.said == [("user", QUESTION)]


def test_a_pause_in_a_question_owes_nothing():
    room = Room()
    room.speak(320)
    room.silence(192)
    room.answer("Okay.")
    room.reply("alpha")
    room.speak(320)
    room.silence(1280)
    room.answer("Okay.")
    assert room.said == [("user", "Okay.")] and texts_asked(room) == ["Okay.", "Okay."], "it is all there is to answer"


def test_a_text_that_was_requested_is_said_all_the_same():
    room = Room()
    room.tell(ev.SpeakRequested("alpha bravo"))
    room.speak(256)
    room.silence(1280)
    room.answer("")
    while not room.all(act.StitchChunk):
        room.render()
    assert opened(room) == ["alpha bravo"]


def test_a_cough_in_a_silence_asks_nothing_though_the_last_question_was_never_answered():
    room = asked(Room(), QUESTION)
    room.reply("")
    assert room.state is State.LISTENING
    sounds(room)
    assert room.state is State.LISTENING and texts_asked(room) == [QUESTION]


# -- while it speaks ------------------------------------------------------------------------


def laughed_at(room: Room, words: str = "") -> Room:
    """Sound that lasts stops the answer behind its first word."""
    room.speak(800)
    assert room.state is State.HEARING
    room.play(1200, flushed_index=1200)
    room.silence(1280)
    room.answer(words)
    return room


@pytest.mark.parametrize("words", ["", "Yeah, yeah."])
def test_what_stopped_the_answer_and_said_nothing_lets_it_go_on_behind_what_was_heard(words):
    room = laughed_at(speaking(Room()), words)
    assert room.state is State.THINKING and texts_asked(room) == [QUESTION], "nobody is asked again"
    assert opened(room)[-1] == "bravo charlie" and room.said == [("user", QUESTION), ("assistant", "alpha")]
    room.render()
    room.render()
    assert room.all(act.StitchChunk)[-1].utterance == 2


def test_the_rest_is_kept_as_part_of_the_same_answer():
    room = laughed_at(speaking(Room()))
    room.render()
    room.render(eos=True)
    room.play(room.core.replying.speech.end_index)
    room.play(room.core.replying.speech.end_index)
    assert room.state is State.LISTENING and room.said[-1] == ("assistant", "alpha bravo charlie")


def test_an_answer_that_is_laughed_at_twice_still_goes_on():
    room = laughed_at(speaking(Room()))
    room.render()
    room.render()
    index = room.core.replying.speech.end_index
    room.play(index - 1)
    assert room.state is State.SPEAKING
    room.speak(800)
    room.play(index, flushed_index=index)
    room.silence(1280)
    room.answer("")
    assert opened(room)[-1] == "charlie" and room.said[-1] == ("assistant", "alpha bravo")


def written(room: Room) -> Room:
    """The answer sounds, and is still being written."""
    asked(room, QUESTION)
    room.reply("alpha bravo charlie. delta echo. hot", end=False)
    room.render()
    room.render()
    room.play(480)
    return room


def test_what_is_still_being_written_is_written_on_and_goes_on_too():
    room = written(Room())
    room.speak(800)
    room.reply("el india. jul", end=False)
    room.play(1200, flushed_index=1200)
    room.reply("iet. ki", end=False)
    room.silence(1280)
    room.answer("")
    assert [shown.text for shown in room.all(act.ShowRest)] == ["bravo charlie. delta echo. hotel india. juliet. ki"]
    room.reply("lo")
    while room.core.replying.speech.in_flight:
        room.render(eos=True)
    room.play(room.core.replying.speech.end_index)
    room.play(room.core.replying.speech.end_index)
    assert texts_asked(room) == [QUESTION] and not room.all(act.CancelReply)
    assert room.said[-1] == ("assistant", "alpha bravo charlie. delta echo. hotel india. juliet. kilo")


def laughed_at_behind_all_of_it(room: Room) -> Room:
    """All that was written is heard, and more is to come."""
    asked(room, QUESTION)
    room.reply("alpha. ", end=False)
    room.render()
    room.render(eos=True)
    room.play(480)
    index = room.core.replying.speech.end_index
    room.play(index)
    room.speak(800)
    room.play(index, flushed_index=index)
    room.silence(1280)
    room.answer("")
    return room


def test_all_that_was_written_was_heard_and_more_comes():
    room = laughed_at_behind_all_of_it(Room())
    room.reply("bravo")
    room.render()
    room.render(eos=True)
    room.play(room.core.replying.speech.end_index)
    room.play(room.core.replying.speech.end_index)
    assert room.said[-1] == ("assistant", "alpha. bravo") and not room.all(act.CancelReply)


@pytest.mark.parametrize("early", [True, False])
def test_its_source_is_told_to_stop_when_there_are_words(early):
    room = written(Room())
    room.speak(288)
    if early:
        room.answer("Stop it", final=False)
        assert [cancel.reply for cancel in room.all(act.CancelReply)] == [1]
    else:
        room.answer("", final=False)
        room.speak(640)
        assert room.state is State.HEARING and not room.all(act.CancelReply)
    room.play(1200, flushed_index=1200)
    room.silence(192)
    room.answer("Stop it.")
    assert [cancel.reply for cancel in room.all(act.CancelReply)] == [1]
    room.silence(1280)
    assert texts_asked(room) == [QUESTION, "Stop it."]
    assert room.said[-2:] == [("assistant", "alpha"), ("user", "Stop it.")]


def test_a_source_that_fails_meanwhile_says_no_more():
    room = written(Room())
    room.speak(800)
    room.play(1200, flushed_index=1200)
    room.fail("llm", ticket=1)
    room.silence(1280)
    room.answer("")
    assert [shown.text for shown in room.all(act.ShowRest)] == ["bravo charlie. delta echo. hot"]


def test_the_end_of_the_session_dismisses_it():
    room = written(Room())
    room.speak(800)
    room.tell(ev.StopRequested())
    assert [cancel.reply for cancel in room.all(act.CancelReply)] == [1] and room.core.ended


@pytest.mark.parametrize("words", ["", "Yeah, yeah."])
def test_a_line_typed_into_it_is_no_laugh(words):
    room = laughed_at_by_keys(speaking(Room()), words)
    assert not room.all(act.ShowRest) and room.said[-1] == (("user", words) if words else ("assistant", "alpha"))


def laughed_at_by_keys(room: Room, line: str) -> Room:
    room.tell(ev.UserTyped(line))
    room.play(1200, flushed_index=1200)
    return room


def stopped_at_its_last_word(room: Room, words: str) -> Room:
    """Somebody speaks into the last sample; all of it is heard."""
    speaking(room)
    room.render(eos=True)
    index = room.core.replying.speech.end_index
    room.play(index - 1)
    room.speak(800)
    room.play(index, flushed_index=index)
    room.silence(1280)
    room.answer(words)
    return room


def test_a_backchannel_behind_its_last_word_is_an_answer():
    room = stopped_at_its_last_word(Room(), "Yeah, sure.")
    assert room.said[-1] == ("user", "Yeah, sure.")


def test_words_end_it_for_good():
    room = laughed_at(speaking(Room()), "Stop it.")
    assert texts_asked(room) == [QUESTION, "Stop it."]
    room.reply("")
    assert room.state is State.LISTENING
    sounds(room)
    assert room.state is State.LISTENING and len(opened(room)) == 1, "what was left of the first is forgotten"


def test_what_stopped_it_after_its_last_word_asks_for_nothing_more():
    room = stopped_at_its_last_word(Room(), "")
    assert room.state is State.LISTENING and room.last(act.ShowTurn).cause == Cause.NOTHING_HEARD


# -- what was got wrong once ----------------------------------------------------------------


def test_nothing_is_stitched_into_a_cough_though_the_second_chunk_was_under_way():
    room = asked(Room())
    room.speak(224)
    room.reply("alpha bravo charlie delta")
    room.render()
    chunk(room, samples=600)  # short: it is held until the second is there
    job = room.core.replying.speech.in_flight
    assert job.seq == 1 and not room.all(act.StitchChunk)
    room.speak(32)
    assert room.state is State.HEARING
    room.tell(ev.ChunkReady(job.generation, job.utterance, job.phrase, 1, job.units, 4800, RATE_HZ, False, 1, ""))
    assert not room.all(act.StitchChunk), "it sounds, from the second chunk on, while somebody speaks"
    room.silence(1280)
    room.answer("")
    while room.core.replying.speech.in_flight:
        room.render(eos=True)
    assert room.all(act.StitchChunk)[0].seq == 0


def test_a_full_stop_is_nothing_to_go_on_with():
    room = asked(Room())
    room.reply("alpha bravo gamma.")
    for _ in range(4):
        room.render()
    room.play(480)
    index = room.core.replying.speech.end_index
    room.play(index - 1)
    room.speak(800)
    room.play(index - 1, flushed_index=index - 1)
    assert room.said[-1] == ("assistant", "alpha bravo gamma")
    room.silence(1280)
    room.answer("Yeah, sure.")
    assert not room.all(act.ShowRest) and not room.all(act.Notice)
    assert room.said[-1] == ("user", "Yeah, sure.")


def test_the_end_of_a_reply_all_of_which_was_heard_is_no_fault_of_the_source():
    room = laughed_at_behind_all_of_it(Room())
    room.reply("")
    assert not room.all(act.Notice)


def test_the_rest_is_coughed_at_too_and_the_cough_taken_for_words_at_first():
    room = written(Room())
    room.speak(800)
    room.play(1200, flushed_index=1200)
    room.silence(1280)
    room.answer("")
    assert room.all(act.ShowRest)
    room.speak(352)  # a cough before it sounds
    room.silence(192)
    room.answer("in French")
    room.speak(352)
    room.silence(1280)
    room.answer("")
    assert room.state is State.THINKING, "the rest is lost for good"


def test_punctuation_is_no_words():
    room = sounds(asked(Room()), "...")
    assert not room.all(act.CancelReply)


def test_a_blank_between_two_sentences_is_kept():
    room = asked(Room())
    room.reply("alpha bravo charlie.\n\n", end=False)
    room.render()
    room.render()
    room.play(480)
    room.speak(800)
    room.play(1200, flushed_index=1200)
    room.reply("Delta", " echo.")
    room.silence(1280)
    room.answer("")
    assert [shown.text for shown in room.all(act.ShowRest)] == ["bravo charlie. Delta echo."]


@pytest.mark.parametrize("words", ["Ha ha ha ha ha ha.", "Hahahaha!", "Mm, ha ha."])
def test_a_laugh_that_is_written_down_is_no_words(words):
    room = laughed_at(speaking(Room()), words)
    assert [shown.text for shown in room.all(act.ShowRest)] == ["bravo charlie"]
