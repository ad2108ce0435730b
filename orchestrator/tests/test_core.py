"""The core, fact by fact: the turn, the ears' patience, and what it does when something fails.

No simulator here: each test says what happened and reads what the core wishes. `Room` only keeps the ear's position.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from adapters.base import Capability, Limits
from orchestrator import actions as act
from orchestrator.core import Core
from orchestrator.hearing import TRANSCRIBE_TIMEOUT_MS
from orchestrator.replying import CUT_WAIT_MS
from orchestrator.settings import CoreSettings, ListenSettings, SourceSettings
from orchestrator.turns import TABLE, Cause, State, TurnTable
from timeline import events as ev
from timeline.clock import NS_PER_MS

WINDOW = 512  # samples, 32 ms
WINDOW_MS = 32
RATE_HZ = 24_000
TTS = Capability("paper", "1", "tts", streaming=True, unit_samples=240, granularity=(8, 16, 32), rate_hz=RATE_HZ,
                 markers="measured", limits=Limits(timeout_ms=5000))  # fmt: skip


class Room:
    """A core, and what goes on around it."""

    def __init__(self, tasks: tuple[SourceSettings, ...] = (), **listen: Any) -> None:
        self.core = Core(CoreSettings(tts=TTS, listen=ListenSettings(**listen), tasks=tasks))
        self.now_ns = 0
        self.position = 0  # of the ear
        self.read_index = 0  # of the sink
        self.played = 0
        self.actions: list[act.Action] = []

    def tell(self, event: Any) -> list[act.Action]:
        out = self.core.handle(event, self.now_ns)
        self.core.check_invariants()
        self.actions += out
        return out

    def hear(self, ms: float, prob: float) -> list[act.Action]:
        out = []
        for _ in range(round(ms / WINDOW_MS)):
            self.now_ns += WINDOW_MS * NS_PER_MS
            self.position += WINDOW
            out += self.tell(ev.EarFrame(self.position, WINDOW, prob, -30.0, self.now_ns))
        return out

    def speak(self, ms: float) -> list[act.Action]:
        return self.hear(ms, 0.95)

    def silence(self, ms: float) -> list[act.Action]:
        return self.hear(ms, 0.02)

    def play(self, to_index: int, flushed_index: int = -1, flushes: int | None = None) -> list[act.Action]:
        """The sink takes one block that ends at `to_index`. `flushes` that it saw; None: all that were asked for."""
        self.now_ns += 20 * NS_PER_MS
        count = max(0, (flushed_index if flushed_index >= 0 else to_index) - self.read_index)
        self.read_index = to_index
        self.played += 480
        flushes = len(self.all(act.Flush)) if flushes is None else flushes
        return self.tell(ev.SinkTick(480, to_index, max(0, flushed_index), flushes, True, self.now_ns, self.played,
                                     to_index, count, 0 if count else -1, 0, flushed_index))  # fmt: skip

    def answer(self, text: str, final: bool = True) -> list[act.Action]:
        """The recognizer's answer to the last request."""
        asked = self.last(act.Transcribe, lambda a: a.final == final)
        return self.tell(ev.Transcribed(asked.segment, asked.attempt, final, text, asked.start_position,
                                        asked.end_position, 1))  # fmt: skip

    def render(self, units: int = 8, eos: bool = False) -> list[act.Action]:
        """The engine does what it was last asked for; a chunk is stitched behind the last."""
        job = self.core.replying.speech.in_flight
        assert job is not None
        if isinstance(job, act.OpenPhrase):
            return self.tell(ev.PhraseOpened(job.generation, job.utterance, job.phrase, NS_PER_MS, 100))
        out = self.tell(ev.ChunkReady(job.generation, job.utterance, job.phrase, job.seq, units, units * 240, RATE_HZ,
                                      eos, NS_PER_MS, ""))  # fmt: skip
        start = max(self.core.replying.speech.end_index, self.read_index)
        mark = ev.WordMark(job.seq * 6, job.seq * 6 + 5, start, start + units * 200)
        return out + self.tell(ev.ChunkStitched(job.generation, job.utterance, job.phrase, job.seq, start,
                                                start + units * 240, eos, start, (mark,)))  # fmt: skip

    def reply(self, *deltas: str, end: bool = True) -> None:
        for delta in deltas:
            self.tell(ev.ReplyDelta(self.core.replying.reply, delta))
        if end:
            self.tell(ev.ReplyEnded(self.core.replying.reply))

    def fail(self, role: str, retryable: bool = False, ticket: int = -1) -> list[act.Action]:
        job = self.core.replying.speech.in_flight if role == "tts" else None
        key = (job.generation, job.phrase, getattr(job, "seq", -1)) if job is not None else (-1, -1, -1)
        return self.tell(ev.AdapterFailed(role, role, "crashed", f"{role} has failed", retryable, *key, ticket=ticket))

    def wake(self) -> list[act.Action]:
        """Wait until the core wants to be woken."""
        deadline_ns = self.core.deadline_ns()
        assert deadline_ns is not None
        self.now_ns = max(self.now_ns, deadline_ns)
        return self.tell(ev.DeadlinePassed())

    def last(self, kind: type, where: Any = lambda action: True) -> Any:
        return next(action for action in reversed(self.actions) if isinstance(action, kind) and where(action))

    def all(self, kind: type) -> list[Any]:
        return [action for action in self.actions if isinstance(action, kind)]

    @property
    def state(self) -> State:
        return self.core.turns.state

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(message.role, message.text) for message in self.core.conversation.messages]


def asked(room: Room, text: str = "what is it") -> Room:
    """The user has asked, the reply is awaited."""
    room.speak(320)
    room.silence(512)
    room.answer(text)
    assert room.state is State.THINKING
    return room


def speaking(room: Room) -> Room:
    """The reply is audible, one word of it heard and one half rendered."""
    asked(room)
    room.reply("alpha bravo charlie", end=True)
    room.render()
    room.render()
    room.play(480)
    assert room.state is State.SPEAKING
    return room


# -- the turn table -------------------------------------------------------------------------


def reach() -> dict[tuple[State, Cause], Room]:
    """Every move that the core can be brought to make, by what happened in the room."""
    moves: dict[tuple[State, Cause], Room] = {}

    def note(room: Room) -> Room:
        state = State.LISTENING
        for shown in room.all(act.ShowTurn):
            moves[state, shown.cause] = room
            state = shown.state
        return room

    room = asked(Room())
    room.speak(320)  # resumed while thinking
    room.silence(160)
    room.speak(64)  # resumed while pausing
    room.tell(ev.UserTyped("typed while hearing"))
    room.tell(ev.UserTyped("typed while thinking"))
    note(room)
    room = Room()
    room.speak(320)
    room.silence(192)
    room.tell(ev.UserTyped("typed while pausing"))
    note(room)
    room = speaking(Room())
    room.tell(ev.UserTyped("typed while speaking"))
    note(room)
    room = speaking(Room())
    room.speak(96)
    room.silence(320)  # it was nothing
    room.speak(736)
    note(room)
    room = speaking(Room())
    room.speak(96)
    room.tell(ev.UserTyped("typed while yielding"))
    note(room)
    room = speaking(Room())
    while room.core.replying.speech.in_flight is not None:
        room.render(eos=True)
    room.speak(96)
    room.play(room.core.replying.speech.end_index)  # the last of it, as it paused
    note(room)
    room = speaking(Room())
    while room.core.replying.speech.in_flight is not None:
        room.render(eos=True)
    room.play(room.core.replying.speech.end_index)
    room.tell(ev.UserTyped(" "))  # nothing heard
    room.tell(ev.SpeakRequested("..."))  # nothing in it to be spoken
    room.tell(ev.UserTyped("typed while listening"))
    note(room)
    for priority in (0, 1):  # a report while listening, and while a source below it speaks
        room = asked(Room(tasks=(SourceSettings("task", address="", priority=priority),)))
        room.reply("A duck. A goose.")
        while room.core.replying.speech.in_flight is not None:
            room.render(eos=True)
        room.play(960)
        room.tell(ev.ReplyDelta(2, "Found it."))
        room.tell(ev.ReplyEnded(2))
        room.play(room.core.replying.speech.end_index)
        room.wake()
        note(room)
    room = asked(Room(tasks=(SourceSettings("task", address=""),)))
    room.tell(ev.ReplyDelta(2, "Found it."))
    room.tell(ev.ReplyEnded(2))
    room.wake()  # the answer is late
    note(room)
    return moves


def test_the_core_makes_every_move_of_the_table():
    assert set(TABLE) - set(reach()) == set()


def test_a_move_that_the_table_does_not_list_asserts():
    for state in State:
        for cause in Cause:
            table = TurnTable()
            table.state = state
            if (state, cause) in TABLE:
                assert table.move(cause) is TABLE[state, cause]
            else:
                with pytest.raises(AssertionError, match=cause):
                    table.move(cause)


# -- endpointing ----------------------------------------------------------------------------


@pytest.mark.parametrize("ms", [32, 64])
def test_a_blip_is_no_speech(ms):
    room = Room()
    for _ in range(5):
        room.speak(ms)
        room.silence(96)
    assert room.actions == [] and room.state is State.LISTENING


def test_a_pause_shorter_than_the_endpoint_does_not_end_the_turn():
    room = Room()
    for _ in range(4):
        room.speak(320)
        room.silence(448)
        assert room.state is State.PAUSING
        room.answer("too early")
        assert not room.said, "a reply to half a sentence"
    room.speak(320)
    room.silence(480)
    room.answer("all of it")
    assert room.said == [("user", "all of it")]
    assert len(room.all(act.StartReply)) == len(room.all(act.CancelReply)) + 1


def test_the_transcript_of_a_user_who_goes_on_is_void():
    room = Room()
    room.speak(320)
    room.silence(192)
    early = room.last(act.Transcribe)
    room.speak(320)
    room.silence(512)
    room.tell(ev.Transcribed(early.segment, early.attempt, True, "half", 0, 1, 1))
    assert room.said == [], "the void answer was taken"
    late = room.last(act.Transcribe)
    assert late.start_position == early.start_position and late.end_position > early.end_position
    room.answer("half and half")
    assert room.said == [("user", "half and half")]


def test_between_the_thresholds_a_window_counts_as_the_last():
    room = Room()
    room.speak(96)
    room.hear(3200, 0.42)
    assert room.state is State.HEARING
    room.silence(512)
    room.answer("")
    assert room.state is State.LISTENING
    room.hear(3200, 0.42)
    assert room.state is State.LISTENING


def test_a_segment_holds_the_onset_and_the_tail():
    room = Room()
    room.silence(640)
    room.speak(320)
    room.silence(512)
    final = room.last(act.Transcribe)
    assert final.start_position == (640 - 320) * 16
    assert (640 + 320) * 16 < final.end_position <= (640 + 320 + 96) * 16


def test_half_duplex_is_deaf_while_it_thinks_and_speaks():
    room = speaking(Room(barge_in=False))
    room.speak(3200)
    assert room.state is State.SPEAKING and not room.all(act.Flush)
    while room.core.replying.speech.in_flight is not None:
        room.render(eos=True)
    room.play(room.core.replying.speech.end_index)
    assert room.state is State.LISTENING
    room.speak(192)
    assert room.state is State.LISTENING, "the room still sounds"
    room.silence(256)
    room.speak(64)
    assert room.state is State.LISTENING, "what was said while it was deaf counts"
    room.speak(64)
    assert room.state is State.HEARING


def test_a_long_monologue_is_transcribed_in_contiguous_pieces():
    room = Room(segment_most_ms=2000)
    room.silence(640)
    for _ in range(5):
        room.speak(1600)
        room.silence(96)
    room.silence(512)
    finals = {a.segment: a for a in room.all(act.Transcribe) if a.final}
    ranges = [(a.start_position, a.end_position) for a in finals.values()]
    assert len(ranges) >= 4
    assert ranges[0][0] == 320 * 16
    for (_, end), (start, _) in itertools.pairwise(ranges):
        assert start == end, "audio between two pieces is lost or heard twice"
    for number, final in reversed(list(finals.items())):
        room.tell(ev.Transcribed(final.segment, final.attempt, True, f"part{number}", 0, 1, 1))
    assert room.said == [("user", " ".join(f"part{number}" for number in finals))]


def test_one_provisional_transcript_at_a_time_and_none_becomes_the_turn():
    room = Room(provisional_ms=320)
    room.speak(3200)
    assert [a.final for a in room.all(act.Transcribe)] == [False]
    room.answer("seen", final=False)
    room.speak(320)
    assert len(room.all(act.Transcribe)) == 2
    room.silence(512)
    room.answer("seen", final=False)
    assert room.said == []
    room.answer("meant")
    assert room.said == [("user", "meant")]


# -- typed lines ----------------------------------------------------------------------------


def test_a_typed_line_while_the_words_are_awaited_keeps_them():
    room = Room()
    room.speak(320)
    room.silence(512)
    room.tell(ev.UserTyped("and this"))
    assert room.said == []
    room.answer("what I said")
    assert room.said == [("user", "what I said and this")]


def test_a_typed_line_while_the_user_speaks_takes_what_was_said_until_then():
    room = Room()
    room.speak(640)
    room.tell(ev.UserTyped("  and \n this "))
    room.answer("what I said")
    assert room.said == [("user", "what I said and this")]
    assert len(room.all(act.StartReply)) == 1


def test_a_typed_line_while_a_cut_is_not_confirmed():
    room = speaking(Room())
    room.play(1900)
    room.tell(ev.UserTyped("one"))
    room.tell(ev.UserTyped("two"))
    assert len(room.all(act.Flush)) == 1 and len(room.all(act.StartReply)) == 1
    room.play(5000, flushed_index=2000)
    assert room.said == [("user", "what is it"), ("assistant", "alpha"), ("user", "one two")]
    assert [a.reply for a in room.all(act.StartReply)] == [1, 2]


def test_a_sink_that_never_confirms_does_not_hold_up_the_reply():
    room = speaking(Room())
    room.play(1900)
    room.tell(ev.UserTyped("one"))
    begin_ns = room.now_ns
    room.wake()
    assert room.now_ns == begin_ns + CUT_WAIT_MS * NS_PER_MS
    assert room.said == [("user", "what is it"), ("assistant", "alpha"), ("user", "one")]


def test_a_flush_that_was_settled_already_does_not_settle_the_next():
    """The first was settled at once, nothing being stitched; its confirmation comes while the second is under way."""
    room = asked(Room())
    room.reply("alpha", end=False)
    room.tell(ev.UserTyped("more"))
    room.reply("alpha bravo charlie")
    room.render()
    room.render()
    room.tell(ev.UserTyped("stop"))
    room.play(0, flushed_index=0, flushes=1)
    assert room.core.replying.cutting
    room.play(1440, flushed_index=1200, flushes=2)
    assert room.said[-2:] == [("assistant", "alpha"), ("user", "stop")]


def test_interrupted_before_anything_was_stitched_nobody_waits_for_the_sink():
    room = asked(Room())
    room.reply("alpha", end=False)
    room.tell(ev.UserTyped("more"))
    assert room.said == [("user", "what is it more")]
    assert room.all(act.CancelReply) == [act.CancelReply(1)]


# -- late and stale work --------------------------------------------------------------------


def test_work_of_an_old_generation_is_dropped_and_closed():
    room = speaking(Room())
    job = room.core.replying.speech.in_flight
    room.tell(ev.UserTyped("stop"))
    late = ev.ChunkReady(job.generation, job.utterance, job.phrase, job.seq, 8, 1920, RATE_HZ, False, 1, "")
    assert room.tell(late) == [act.DropChunk(job.generation, job.phrase, job.seq, "stale")]
    opened = ev.PhraseOpened(job.generation, job.utterance, job.phrase, 1, 10)
    assert room.tell(opened) == [act.ClosePhrase(job.generation, job.phrase)]
    stitched = ev.ChunkStitched(job.generation, job.utterance, job.phrase, job.seq, 0, 9999, False, 0)
    assert room.tell(stitched) == []
    failed = ev.AdapterFailed("tts", "t", "crashed", "late", True, job.generation, job.phrase, job.seq)
    assert room.tell(failed) == []


def test_an_engine_is_free_again_once_the_pull_that_was_cancelled_has_ended():
    room = speaking(Room())
    job, speech = room.core.replying.speech.in_flight, room.core.replying.speech
    assert isinstance(job, act.RequestChunk)
    room.tell(ev.UserTyped("stop"))
    assert speech.busy(speech.engine, room.now_ns)
    assert room.tell(ev.PullCancelled(job.generation, job.phrase, job.seq)) == []
    assert not speech.busy(speech.engine, room.now_ns)


def test_deltas_of_a_cancelled_reply_are_not_spoken():
    room = asked(Room())
    room.reply("alpha", end=False)
    room.tell(ev.UserTyped("stop"))
    room.tell(ev.ReplyDelta(1, "old words. "))
    room.tell(ev.ReplyEnded(1))
    room.reply("New words.")
    assert [a.text for a in room.all(act.OpenPhrase)] == ["New words."]


# -- faults ---------------------------------------------------------------------------------


def test_an_empty_reply_ends_the_turn_also_after_an_interruption():
    room = speaking(Room())
    room.tell(ev.UserTyped("stop"))
    room.play(1440, flushed_index=700)  # the stream ended at 1920 with the tail that was held back and dropped
    room.reply("\U0001f642")
    room.play(1440)
    assert room.state is State.LISTENING
    assert room.last(act.ShowTurn).cause is Cause.REPLY_FAILED


def test_a_second_failure_gives_the_phrase_up_closes_it_and_speaks_the_rest():
    room = asked(Room())
    room.reply("Alpha bravo. Charlie delta.")
    room.render()
    room.fail("tts", retryable=True)
    assert isinstance(room.core.replying.speech.in_flight, act.RequestChunk)
    room.fail("tts", retryable=True)
    assert act.ClosePhrase(0, 0) in room.actions, "the synthesis stays open"
    assert [a.text for a in room.all(act.Notice)] == ["tts has failed"]
    room.render()
    room.render(eos=True)
    room.play(room.core.replying.speech.end_index)
    assert room.said[-1] == ("assistant", "Charlie delta.")


def test_each_phrase_has_its_own_second_chance():
    room = asked(Room())
    room.reply("Alpha bravo. Charlie delta.")
    for _ in range(2):
        room.fail("tts", retryable=True)
    retried = room.core.replying.speech.in_flight
    assert retried.phrase == 1
    room.fail("tts", retryable=True)
    assert room.core.replying.speech.in_flight == retried, "given up at its first failure"


def test_a_stalled_engine_costs_one_phrase():
    room = asked(Room())
    room.reply("Alpha bravo. Charlie delta.")
    begin_ns = room.now_ns
    stalled = room.core.replying.speech.in_flight
    room.wake()
    assert room.now_ns == begin_ns + 5000 * NS_PER_MS
    assert "stalled" in room.last(act.Notice).text
    assert room.core.replying.speech.in_flight.phrase == 1
    late = ev.PhraseOpened(stalled.generation, stalled.utterance, stalled.phrase, 1, 9)
    assert room.tell(late) == [act.ClosePhrase(stalled.generation, stalled.phrase)]


def test_a_recognizer_that_fails_once_is_asked_again():
    room = Room()
    room.speak(320)
    room.silence(512)
    room.fail("stt", retryable=True, ticket=room.last(act.Transcribe).segment)
    room.answer("at last")
    assert room.said == [("user", "at last")]


def test_what_the_recognizer_has_to_tell_is_told_once():
    room = Room()
    for segment in range(2):
        room.tell(ev.Transcribed(segment, 1, False, "", 0, 1, 1, notice="a smaller model hears"))
    assert [a.text for a in room.all(act.Notice)] == ["a smaller model hears"]


@pytest.mark.parametrize("retryable", [False, True])
def test_a_recognizer_that_fails_for_good_leaves_a_notice_and_no_turn(retryable):
    room = Room()
    room.speak(320)
    room.silence(512)
    for _ in range(2):
        room.fail("stt", retryable=retryable, ticket=room.last(act.Transcribe).segment)
    assert room.state is State.LISTENING and room.said == []
    assert [a.text for a in room.all(act.Notice)] == ["stt has failed"]


def test_a_recognizer_that_stalls_is_given_up():
    room = Room()
    room.speak(320)
    room.silence(512)
    asked_ns = room.now_ns
    room.wake()
    assert 0 <= asked_ns + TRANSCRIBE_TIMEOUT_MS * NS_PER_MS - room.now_ns <= 512 * NS_PER_MS
    assert room.state is State.LISTENING and "stalled" in room.last(act.Notice).text


def test_a_reply_source_that_refuses_is_apologized_for():
    room = asked(Room())
    room.fail("llm", ticket=1)
    assert [a.text for a in room.all(act.OpenPhrase)] == [CoreSettings(tts=TTS).failure_reply]
    while room.core.replying.speech.in_flight is not None:
        room.render(eos=True)
    room.play(room.core.replying.speech.end_index)
    assert room.state is State.LISTENING
    assert [m.role for m in room.core.conversation.messages] == ["user"], "the apology passes for an answer"


@pytest.mark.parametrize("said", ["It is, ", "It is a duck. It", "It is"])
def test_a_reply_source_that_dies_after_the_first_words_has_them_spoken(said):
    """And nothing else: an apology in the middle of a sentence explains nothing."""
    room = asked(Room())
    room.reply(said, end=False)
    room.fail("llm", ticket=1)
    while room.core.replying.speech.in_flight is not None:
        room.render(eos=True)
    assert " ".join(a.text for a in room.all(act.OpenPhrase)) == said.strip()


def test_a_fault_of_an_old_reply_is_nobodys_business():
    room = asked(Room())
    room.tell(ev.UserTyped("more"))
    assert room.fail("llm", ticket=1) == []


@pytest.mark.parametrize("spoken_ms", [0, 32, 320])
@pytest.mark.parametrize("silent_ms", [0, 192])
def test_a_lost_microphone_ends_the_session_once_what_was_said_is_answered(spoken_ms, silent_ms):
    """No window will ever come again: neither silence nor more speech."""
    room = Room()
    room.speak(spoken_ms)
    room.silence(silent_ms)
    room.fail("mic")
    if spoken_ms >= 96:
        room.answer("what is it")
        room.reply("A duck.")
        room.render()
        room.render(eos=True)
        room.play(room.core.replying.speech.end_index)
        assert room.said == [("user", "what is it"), ("assistant", "A duck.")]
    assert room.core.ended and room.last(act.EndSession).reason == "finished"


def test_a_lost_speaker_ends_the_session_and_keeps_what_was_heard():
    room = speaking(Room())
    room.play(1700)
    room.fail("speaker")
    assert room.core.ended and room.said[-1] == ("assistant", "alpha")
    assert room.last(act.EndSession).reason == "speaker lost"


def test_stop_while_a_cut_is_under_way_keeps_what_was_heard():
    room = speaking(Room())
    room.play(1700)
    room.tell(ev.UserTyped("stop"))
    room.tell(ev.StopRequested())
    assert room.said[-1] == ("assistant", "alpha")
    assert room.tell(ev.UserTyped("more")) == [], "it has ended"


# -- requests and the end ---------------------------------------------------------------------


def test_requests_wait_for_the_floor_and_are_spoken_in_order():
    room = speaking(Room())
    for text in ("First one.", "Second one."):
        room.tell(ev.SpeakRequested(text))
    for _ in range(8):
        if room.core.replying.speech.in_flight is not None:
            room.render(eos=True)
        room.play(room.core.replying.speech.end_index)
    assert [a.text for a in room.all(act.OpenPhrase)][1:] == ["First one.", "Second one."]


def test_when_the_input_has_ended_it_finishes_what_is_begun():
    room = asked(Room())
    room.tell(ev.InputEnded())
    assert not room.core.ended
    room.reply("A duck.")
    room.render()
    room.render(eos=True)
    room.play(room.core.replying.speech.end_index)
    assert room.core.ended and room.said[-1] == ("assistant", "A duck.")


def test_the_same_events_give_the_same_actions():
    one, other = speaking(Room()), speaking(Room())
    assert one.actions == other.actions and replace(one.core.settings) == other.core.settings


def test_the_story_holds_the_last_events_and_actions():
    room = speaking(Room())
    story = str(room.core.story).splitlines()
    assert "SinkTick" in story[-2] and "-> ShowTurn" in story[-1]
