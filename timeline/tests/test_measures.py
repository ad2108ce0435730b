"""The gap, its stages, stops and underruns, from records in the order in which the core leaves them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline.clock import NS_PER_MS
from timeline.measures import STAGES, Turn, TurnMeter, turns

RATE_HZ = 24_000
TICK = {
    "block_samples": 480, "device_ns": 0, "read_index": 480, "played_samples": 480, "underrun_samples": 0,
    "flushed_index": -1,
}  # fmt: skip


class Session:
    """A journal being written; `at` is in milliseconds."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = [{"schema": 1, "manifest": {}}]
        self.turn = 0

    def add(self, at: float, kind: str, what: str = "event", **fields: Any) -> Session:
        self.records.append({"t": int(at * NS_PER_MS), what: {"kind": kind, **fields}})
        return self

    def show(self, at: float, state: str, cause: str, caused_at: float | None = None) -> Session:
        if cause in ("speech_started", "barge_in", "typed", "speak_requested", "floor_granted"):
            self.turn += 1
        caused_ns = int((at if caused_at is None else caused_at) * NS_PER_MS)
        return self.add(at, "ShowTurn", "action", turn=self.turn, state=state, cause=cause, at_ns=caused_ns)

    def remember(self, at: float, role: str, text: str, turn: int | None = None, cut: bool = False) -> Session:
        turn = self.turn if turn is None else turn
        return self.add(at, "Remember", "action", turn=turn, role=role, text=text, interrupted=cut, measured=True)

    def tick(self, at: float, **fields: int) -> Session:
        return self.add(at, "SinkTick", **{**TICK, "device_ns": int(at * NS_PER_MS), **fields})

    def ask(self, at: float, text: str = "Hi") -> Session:
        """The user speaks and ends at `at`; 100 ms later the turn is taken for over."""
        self.show(at - 500, "hearing", "speech_started")
        self.show(at + 100, "thinking", "turn_committed", at)
        return self.remember(at + 150, "user", text)

    def answer(self, at: float, text: str = "Hello there.", reply: int = 1) -> Session:
        """From the reply's first words at `at` to its first sample 100 ms later."""
        self.add(at, "ReplyDelta", reply=reply, text=text)
        self.add(at + 10, "OpenPhrase", "action", generation=0)
        self.add(at + 40, "PhraseOpened", generation=0)
        self.add(at + 60, "ChunkReady", generation=0)
        return self.show(at + 70, "speaking", "audio_started", at + 100)

    def end(self, at: float, text: str = "Hello there.") -> Session:
        return self.remember(at, "assistant", text).show(at, "listening", "reply_finished")

    @property
    def turns(self) -> list[Turn]:
        return turns(self.records, RATE_HZ)


def test_the_stages_are_where_the_time_went():
    (turn,) = Session().ask(1000).answer(1200).end(3000).turns
    assert turn.stages == dict(zip(STAGES, (100, 50, 50, 10, 30, 20, 40), strict=True))
    assert turn.gap_ms == 300
    assert (turn.heard, turn.reply, turn.reply_heard) == ("Hi", "Hello there.", "Hello there.")
    assert (turn.barge_in, turn.stop_ms, turn.underruns, turn.measured) == (False, None, 0, True)


@given(steps=st.lists(st.integers(0, 10**10), min_size=len(STAGES), max_size=len(STAGES)))
def test_the_stages_add_up_to_the_gap(steps):
    at = [1000.0]
    for step in steps:
        at.append(at[-1] + step / NS_PER_MS)
    session = Session().show(at[1], "thinking", "turn_committed", at[0]).remember(at[2], "user", "Hi")
    session.add(at[3], "ReplyDelta", reply=1, text="x").add(at[4], "OpenPhrase", "action")
    session.add(at[5], "PhraseOpened").add(at[6], "ChunkReady")
    session.show(at[6], "speaking", "audio_started", at[7]).end(at[7])
    (turn,) = session.turns
    assert sum(turn.stages.values()) == pytest.approx(turn.gap_ms, abs=0.05 * (len(STAGES) + 1))


def test_only_the_first_of_each_counts():
    session = Session().ask(1000).answer(1200)
    session.add(1400, "ChunkReady").add(1500, "ReplyDelta", reply=1, text=" More.").add(1500, "OpenPhrase", "action")
    (turn,) = session.end(3000).turns
    assert turn.gap_ms == 300
    assert turn.reply == "Hello there. More."


def test_each_turn_stands_alone():
    session = Session().ask(1000).answer(1200).end(3000)
    first, second = session.ask(5000, "And?").answer(5400, "So.").end(7000, "So.").turns
    assert (first.turn, second.turn) == (1, 2)
    assert (first.gap_ms, second.gap_ms) == (300, 500)
    assert (second.heard, second.reply) == ("And?", "So.")


# -- interruptions ------------------------------------------------------------------------


def guessed(session: Session, at: float) -> Session:
    """An answer that begins at `at` to words after which the user may go on."""
    session.add(at, "ShowGuess", "action", turn=1, reply=1, text="Hi", ruling="begun")
    session.add(at, "StartReply", "action", reply=1, messages=[])
    session.add(at + 10, "ReplyDelta", reply=1, text="Hello there.").add(at + 10, "OpenPhrase", "action", generation=0)
    return session.add(at + 40, "PhraseOpened", generation=0, render_ns=30 * NS_PER_MS)


def test_what_was_ready_before_the_turn_was_over_took_no_time():
    session = Session().show(500, "hearing", "speech_started")
    guessed(session, 1050).add(1110, "ChunkReady", generation=0, render_ns=60 * NS_PER_MS)
    session.show(1200, "thinking", "turn_committed", 1000).remember(1200, "user", "Hi")
    session.add(1200, "ShowGuess", "action", turn=1, reply=1, text="Hi", ruling="kept")
    (turn,) = session.show(1210, "speaking", "audio_started", 1230).end(3000).turns
    assert turn.stages == dict(zip(STAGES, (200, 0, 0, 0, 0, 0, 30), strict=True))
    assert (turn.gap_ms, turn.reply, turn.guesses, turn.wasted_ms) == (230, "Hello there.", 1, 0)


def test_what_comes_of_a_guess_after_the_end_counts_from_there():
    session = guessed(Session().show(500, "hearing", "speech_started"), 1120)
    session.show(1170, "thinking", "turn_committed", 1000).remember(1170, "user", "Hi")
    session.add(1170, "ShowGuess", "action", turn=1, reply=1, text="Hi", ruling="kept")
    session.add(1250, "ChunkReady", generation=0, render_ns=60 * NS_PER_MS)
    (turn,) = session.show(1260, "speaking", "audio_started", 1280).end(3000).turns
    assert turn.stages == dict(zip(STAGES, (170, 0, 0, 0, 0, 80, 30), strict=True))


def test_guesses_that_were_wrong_are_counted_with_what_they_cost():
    session = guessed(Session().show(500, "hearing", "speech_started"), 1050)
    session.add(1110, "ChunkReady", generation=0, render_ns=60 * NS_PER_MS)
    session.add(1120, "ShowGuess", "action", turn=1, reply=1, text="Hi", ruling="dropped")
    session.show(1120, "hearing", "speech_resumed").show(2000, "thinking", "turn_committed", 1900)
    (turn,) = session.remember(2000, "user", "Hi").answer(2100).end(3000).turns
    assert (turn.guesses, turn.wasted_ms, turn.gap_ms) == (1, 90, 300)
    assert turn.reply == "Hello there."


def test_a_pause_is_told_apart_from_a_stop():
    session = Session().ask(1000).answer(1200).show(2000, "yielding", "yielded", 1900)
    session.tick(2020, held_seen=True, played_samples=240).show(2200, "speaking", "resumed", 1900)
    session.show(3000, "yielding", "yielded", 2900).tick(3020, held_seen=True, played_samples=0)
    session.show(3300, "hearing", "barge_in", 2900)
    session.tick(3320, flushed_index=480, played_samples=0).remember(3320, "assistant", "Hello", turn=1, cut=True)
    (turn,) = session.turns
    assert (turn.pauses, turn.duck_ms, turn.stop_ms) == (2, 120 + 240 * 1000 // RATE_HZ, 420)


def test_a_barge_in_is_stopped_within_what_it_took():
    session = Session().ask(1000).answer(1200)
    session.show(2000, "hearing", "barge_in", 1800)
    session.tick(2010, played_samples=240, flushed_index=720, read_index=5000)
    session.remember(2010, "assistant", "Hello", 1, True)
    session.show(2600, "thinking", "turn_committed", 2500).remember(2650, "user", "Stop")
    session.answer(2700, "Yes.").end(4000, "Yes.")
    first, second = session.turns
    assert (first.turn, first.barge_in, first.reply_heard) == (1, True, "Hello")
    assert first.stop_ms == 2010 + 10 - 1800
    assert (second.turn, second.heard, second.barge_in, second.stop_ms) == (2, "Stop", False, None)
    assert second.gap_ms == 300


def test_the_stop_ends_with_the_fade_though_it_outlasts_its_first_block():
    """Small blocks: 64 samples of the fade were played when the flush was reported, 176 follow."""
    session = Session().ask(1000).answer(1200).show(2000, "hearing", "barge_in", 1800)
    session.tick(2010, block_samples=64, played_samples=64, read_index=544, flushed_index=720)
    session.remember(2010, "assistant", "Hello", 1, True)
    assert session.turns[0].stop_ms == 2010 + 10 - 1800


def test_going_on_before_anything_was_audible_is_the_same_turn():
    session = Session().ask(1000, "I would").add(1200, "ReplyDelta", reply=1, text="Would you")
    session.show(1300, "hearing", "speech_resumed").remember(1310, "assistant", "", cut=True)
    session.show(2100, "thinking", "turn_committed", 2000).remember(2150, "user", "like tea.").answer(2200, "Tea.")
    (turn,) = session.end(4000, "Tea.").turns
    assert (turn.heard, turn.reply, turn.gap_ms) == ("I would like tea.", "Tea.", 300)


def test_a_typed_interruption_has_a_stop_and_its_answer_a_gap():
    session = Session().ask(1000).answer(1200).show(2000, "thinking", "typed")
    session.tick(2010, played_samples=240, flushed_index=720, read_index=5000)
    session.remember(2010, "assistant", "Hello", 1, True)
    session.remember(2020, "user", "Typed").answer(2100, "Yes.").end(4000, "Yes.")
    first, second = session.turns
    assert (first.turn, first.barge_in, first.stop_ms) == (1, True, 20)
    assert (second.turn, second.heard, second.gap_ms) == (2, "Typed", 200)


# -- what has no gap ----------------------------------------------------------------------


def test_nothing_heard_ends_the_turn_without_a_gap():
    session = Session().show(500, "hearing", "speech_started").show(1100, "thinking", "turn_committed", 1000)
    (turn,) = session.show(1200, "listening", "nothing_heard").turns
    assert (turn.turn, turn.heard, turn.gap_ms, turn.stages) == (1, "", None, {})


def test_a_reply_that_fails_is_one_turn_without_a_gap():
    session = Session().ask(1000).add(1200, "ReplyDelta", reply=1, text="Hm.")
    session.remember(1500, "assistant", "").show(1500, "listening", "reply_failed")
    (turn,) = session.turns
    assert (turn.heard, turn.reply, turn.reply_heard, turn.gap_ms) == ("Hi", "Hm.", "", None)


def test_what_nobody_asked_for_aloud_has_no_gap():
    session = Session().add(100, "SpeakRequested", text="Good day.").show(100, "thinking", "speak_requested")
    session.add(110, "OpenPhrase", "action").add(140, "PhraseOpened").add(160, "ChunkReady")
    (turn,) = session.show(170, "speaking", "audio_started", 200).end(900, "Good day.").turns
    assert (turn.reply, turn.reply_heard, turn.gap_ms) == ("Good day.", "Good day.", None)


def test_a_gap_is_not_inherited_by_what_nobody_asked_for():
    session = Session().ask(1000).answer(1200).end(3000).add(4000, "SpeakRequested", text="News.")
    session.show(4000, "thinking", "speak_requested").show(4100, "speaking", "audio_started").end(5000, "News.")
    assert [turn.gap_ms for turn in session.turns] == [300, None]


# -- underruns ----------------------------------------------------------------------------


def test_an_underrun_is_one_however_many_blocks_it_lasts():
    session = Session().ask(1000).answer(1200)
    for missing in (0, 100, 480, 480, 0, 0, 7, 0):
        session.tick(1400, underrun_samples=missing)
    meter = TurnMeter(RATE_HZ)
    (turn,) = [done for record in session.end(3000).records if (done := meter.feed(record)) is not None]
    assert (turn.underruns, meter.underruns, meter.underrun_samples) == (2, 2, 1067)


def test_records_of_other_kinds_are_passed_over():
    assert Session().add(1, "EarFrame").add(2, "NeverHeardOf", "action").add(3, "x", "note").turns == []


def test_what_a_task_source_writes_belongs_to_its_own_turn():
    session = Session().ask(1000)
    for reply, source in ((1, "llm"), (2, "task")):
        session.add(1150, "StartReply", "action", reply=reply, source=source, messages=[])
    session.add(1160, "ReplyDelta", reply=2, text="It is ").answer(1200).add(
        1400, "ReplyDelta", reply=2, text="a duck."
    )
    session.add(2999, "Remember", "action", turn=1, role="assistant", text="Hello there.", interrupted=False,
                measured=True, source="llm")  # fmt: skip
    session.show(3000, "listening", "reply_finished").show(4000, "thinking", "floor_granted")
    session.add(4010, "OpenPhrase", "action", generation=0).add(4020, "ChunkReady", generation=0)
    session.show(4100, "speaking", "audio_started").add(4200, "ReplyDelta", reply=2, text=" Yes.")
    session.add(6000, "Remember", "action", turn=2, role="assistant", text="It is a duck. Yes.", interrupted=False,
                measured=True, source="task")  # fmt: skip
    answer, report = session.turns
    assert (answer.source, answer.heard, answer.reply, answer.gap_ms) == ("llm", "Hi", "Hello there.", 300)
    assert answer.stages == dict(zip(STAGES, (100, 50, 50, 10, 30, 20, 40), strict=True))
    assert (report.turn, report.source, report.heard, report.reply) == (2, "task", "", "It is a duck. Yes.")
    assert (report.gap_ms, report.stages, report.barge_in) == (None, {}, False)


def test_a_report_of_which_nothing_was_heard_is_no_turn_yet_and_loses_no_words():
    session = Session().add(1, "StartReply", "action", reply=2, source="task", messages=[])
    session.add(2, "ReplyDelta", reply=2, text="It is a duck.")
    for at, text, cut in ((10, "", True), (20, "It is a duck.", False)):
        session.show(at, "thinking", "floor_granted")
        session.add(at, "Remember", "action", turn=session.turn, role="assistant", text=text, interrupted=cut,
                    measured=True, source="task")  # fmt: skip
    (report,) = session.turns
    assert (report.turn, report.reply, report.barge_in) == (2, "It is a duck.", False)


def test_late_words_of_an_older_reply_are_in_no_turn():
    session = Session().add(1, "StartReply", "action", reply=1, source="llm", messages=[])
    session.add(2, "StartReply", "action", reply=2, source="task", messages=[])
    session.add(3, "StartReply", "action", reply=3, source="llm", messages=[])
    session.add(4, "StartReply", "action", reply=4, source="task", messages=[])
    for reply, text in ((1, "old "), (2, "older "), (3, "Hello there.")):
        session.add(5, "ReplyDelta", reply=reply, text=text)
    (turn,) = session.end(6).turns
    assert turn.reply == "Hello there."


def doubted(session: Session) -> Session:
    """The user has asked, the answer comes, and somebody makes a sound before it can be heard."""
    session.ask(1000).add(1160, "StartReply", "action", reply=1).add(1200, "ReplyDelta", reply=1, text="Hello.")
    session.add(1210, "OpenPhrase", "action", generation=0).show(1220, "hearing", "speech_resumed")
    session.add(1220, "ShowGuess", "action", turn=1, reply=1, text="", ruling="doubted")
    session.add(1240, "PhraseOpened", generation=0, render_ns=30 * NS_PER_MS)
    return session.add(1260, "ChunkReady", generation=0, render_ns=20 * NS_PER_MS)


def test_who_coughs_waits_for_the_answer_since_the_question():
    session = doubted(Session()).show(1900, "thinking", "turn_committed", 1400)
    session.add(1910, "ShowGuess", "action", turn=1, reply=1, text="", ruling="kept")
    (turn,) = session.show(1950, "speaking", "audio_started", 2000).end(3000, "Hello.").turns
    assert turn.stages == dict(zip(STAGES, (100, 50, 50, 10, 30, 20, 740), strict=True)) and turn.gap_ms == 1000
    assert (turn.heard, turn.reply, turn.guesses, turn.wasted_ms) == ("Hi", "Hello.", 0, 0)


@pytest.mark.parametrize("early", [True, False])
def test_who_goes_on_waits_since_the_end_and_what_was_rendered_for_half_of_it_was_wasted(early):
    session = doubted(Session())
    dropped = {"turn": 1, "reply": 1, "text": "", "ruling": "dropped"}
    if early:  # its words come before the turn is over
        session.add(1800, "ShowGuess", "action", **dropped)
        session.show(1900, "thinking", "turn_committed", 1400).remember(1910, "user", "there")
    else:
        session.show(1900, "thinking", "turn_committed", 1400).remember(1910, "user", "there")
        session.add(1910, "ShowGuess", "action", **dropped)
    (turn,) = session.add(1910, "StartReply", "action", reply=2).answer(2000, reply=2).end(3000).turns
    assert turn.stages == dict(zip(STAGES, (500, 10, 90, 10, 30, 20, 40), strict=True)) and turn.gap_ms == 700
    assert (turn.heard, turn.reply, turn.wasted_ms) == ("Hi there", "Hello there.", 50)


def test_the_rest_of_an_answer_that_was_laughed_at_is_a_turn_that_nobody_asked_for():
    session = Session().ask(1000).answer(1200).show(2000, "hearing", "barge_in", 1900)
    session.remember(2020, "assistant", "Hello", turn=1, cut=True).show(2900, "thinking", "turn_committed", 2500)
    session.add(2900, "ShowRest", "action", turn=2, source="llm", text="there.")
    first, rest = session.show(3000, "speaking", "audio_started", 3050).end(4000, "there.").turns
    assert (first.reply_heard, first.barge_in) == ("Hello", True)
    assert (rest.heard, rest.reply, rest.reply_heard) == ("", "there.", "there.")
    assert (rest.gap_ms, rest.barge_in) == (None, False)


def test_what_was_heard_is_not_wasted():
    """The rest of a laughed-at answer is coughed at before it sounds, and words follow: only its own rendering is."""
    session = Session().ask(1000).add(1160, "StartReply", "action", reply=1)
    session.add(1200, "ReplyDelta", reply=1, text="Hello there.").add(1210, "OpenPhrase", "action", generation=0)
    session.add(1240, "PhraseOpened", generation=0, render_ns=30 * NS_PER_MS)
    session.add(1260, "ChunkReady", generation=0, render_ns=400 * NS_PER_MS)
    session.show(1300, "speaking", "audio_started", 1300).show(2000, "hearing", "barge_in", 1900)
    session.remember(2020, "assistant", "Hello", turn=1, cut=True).show(2900, "thinking", "turn_committed", 2500)
    session.add(2900, "ShowRest", "action", turn=2, source="llm", text="there.")
    session.add(2950, "PhraseOpened", generation=1, render_ns=30 * NS_PER_MS)
    session.show(3000, "hearing", "speech_resumed")
    session.add(3000, "ShowGuess", "action", turn=2, reply=1, text="", ruling="doubted")
    session.show(3900, "thinking", "turn_committed", 3400).remember(3910, "user", "stop", turn=2)
    session.add(3910, "ShowGuess", "action", turn=2, reply=1, text="", ruling="dropped")
    session.add(3910, "StartReply", "action", reply=2).answer(4000, reply=2)
    turns = session.end(5000).turns
    assert turns[-1].wasted_ms == 30
