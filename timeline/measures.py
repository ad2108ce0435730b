"""Measures: from the journal to numbers, live or afterwards, by the same code.

A TurnMeter is fed the journal's records as they are written, {"t": ns, "event": {...}} and so on, and gives a
Turn whenever one is complete. The gap is counted in the room: from the user's last sample to the first
sample of the reply that can be heard; its stages add up to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from timeline.clock import NS_PER_MS, NS_PER_S
from timeline.events import CONVERSATION

STAGES = ("endpoint", "transcript", "reply", "phrase", "open", "chunk", "play")
"""What the gap is made of: silence until the turn is taken for over, words still missing then, the reply's first
words, the first phrase complete, the phrase prepared, its first chunk rendered, that chunk audible."""

FIRST_GUESSED = 3  # marks before it are of the user's turn, those from it on may come before its end


@dataclass(slots=True)
class Turn:
    """One exchange: what the user said and what was heard of the answer; or a report, which nobody asked for aloud."""

    turn: int
    source: str = ""  # the reply source that spoke; empty: none did, or the text was requested
    heard: str = ""
    reply: str = ""
    reply_heard: str = ""
    measured: bool = True
    gap_ms: float | None = None  # None: the reply was not asked for aloud, or never became audible
    stages: dict[str, float] = field(default_factory=dict)
    guesses: int = 0  # answers that were begun before the turn was over
    wasted_ms: float = 0.0  # what the voice rendered for those that were dropped
    barge_in: bool = False
    pauses: int = 0  # times that the reply paused because somebody spoke into it
    duck_ms: float | None = None  # the first time: from their first sample to the reply's last before the pause
    stop_ms: float | None = None  # user's first interrupting sample to the reply's last audible one
    underruns: int = 0


class TurnMeter:
    """`rate_hz` is the bus rate."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.underruns = 0
        self.underrun_samples = 0
        self._turn = Turn(0)
        self._marks: list[int] = []  # times of the stages so far, ns
        self._marks_turn = 0  # whose they are
        self._dry = False
        self._barge_in_ns = -1
        self._yielded_ns = -1
        self._guess: list[int] | None = None  # times of the stages of an answer to words that may not be all
        self._guess_ns = 0  # what the voice spent on it, or on any answer that is not yet heard
        self._doubted = False  # somebody spoke before the answer sounded: who cannot tell yet waits since the question
        self._fresh: list[int] = []  # times of the stages, if they asked for something
        self._state = ""
        self._reply = -1  # the newest reply of the conversational source; -1: not told
        self._tasks: dict[str, tuple[int, str]] = {}  # by task source: its newest reply, and what it wrote of it

    def feed(self, record: Mapping[str, Any]) -> Turn | None:
        """Take in one record; returns the turn that it completes."""
        fact = record.get("event") or record.get("action")
        if fact is None:
            return None
        handler = getattr(self, f"_{fact['kind']}", None)
        return handler(record["t"], fact) if handler is not None else None

    def _ShowTurn(self, t_ns: int, fact: Mapping[str, Any]) -> Turn | None:  # noqa: N802 - named as the record is
        cause = fact["cause"]
        if cause in ("turn_committed", "typed"):
            self._fresh, self._marks_turn = [fact["at_ns"], t_ns], fact["turn"]
            if not self._doubted:
                self._marks = self._fresh
        elif cause == "audio_started":
            self._stage(len(STAGES), fact["at_ns"])
            self._guess_ns = 0
            self._finish_gap()
        if cause == "barge_in" or (cause == "typed" and self._state in ("speaking", "yielding")):
            self._barge_in_ns = fact["at_ns"]
        elif cause == "yielded":
            self._yielded_ns = fact["at_ns"]
            self._turn.pauses += 1
        self._state = fact["state"]
        if cause == "nothing_heard":
            return self._complete(fact["turn"])
        if fact["turn"] != self._turn.turn and cause not in ("barge_in", "typed"):
            self._turn.turn = fact["turn"]
        return None

    def _Remember(self, t_ns: int, fact: Mapping[str, Any]) -> Turn | None:  # noqa: N802
        if fact["role"] == "user":
            self._ask_anew()
            self._turn.turn = fact["turn"]
            self._turn.heard = f"{self._turn.heard} {fact['text']}".strip()
            self._marks = self._marks[:2]
            self._stage(2, t_ns)
            if self._guess is None:
                self._turn.reply = ""
            return None
        turn = self._turn
        turn.turn, turn.source = fact["turn"], fact.get("source", "")
        turn.reply_heard, turn.measured, turn.barge_in = fact["text"], fact["measured"], fact["interrupted"]
        if turn.barge_in and not turn.reply_heard and turn.gap_ms is None:
            return None  # the user went on before anything was audible: the same turn goes on
        if turn.source in self._tasks:
            reply, turn.reply = self._tasks[turn.source]
            self._tasks[turn.source] = (reply, "")
        return self._complete(fact["turn"])

    def _StartReply(self, _t_ns: int, fact: Mapping[str, Any]) -> None:  # noqa: N802
        source = fact.get("source", CONVERSATION)
        if source == CONVERSATION:
            self._reply, self._guess_ns = fact["reply"], 0
            self._tasks.pop(CONVERSATION, None)
        else:
            self._tasks[source] = (fact["reply"], "")

    def _ShowGuess(self, t_ns: int, fact: Mapping[str, Any]) -> None:  # noqa: N802
        if fact["ruling"] == "begun":
            self._guess, self._turn.reply = [], ""
            self._turn.guesses += 1
        elif fact["ruling"] == "doubted":
            self._doubted, self._fresh = True, []
        elif fact["ruling"] == "kept":
            ready, self._guess = len(self._guess or ()), None
            self._doubted = False
            for number in range(FIRST_GUESSED, FIRST_GUESSED + ready):
                self._stage(number, t_ns)
        else:
            self._turn.wasted_ms += round(self._guess_ns / NS_PER_MS, 1)
            self._guess, self._turn.reply = None, ""
            self._ask_anew()

    def _ask_anew(self) -> None:
        """What was said before the answer sounded asked for something: the wait counts from its end."""
        if self._doubted:
            self._doubted, self._marks = False, self._fresh

    def _ShowRest(self, _t_ns: int, fact: Mapping[str, Any]) -> None:  # noqa: N802
        self._turn.reply = fact["text"]

    def _ShowFloor(self, _t_ns: int, fact: Mapping[str, Any]) -> Turn | None:  # noqa: N802
        if fact["ruling"] != "set_aside":
            return None
        begun = self._state == "speaking"  # else the turn is over without an answer, which becomes a report
        self._tasks[fact["source"]] = (fact["reply"], self._turn.reply if begun else "")
        return None if begun else self._complete(self._turn.turn)

    def _ReplyDelta(self, t_ns: int, fact: Mapping[str, Any]) -> None:  # noqa: N802
        for source, (reply, text) in self._tasks.items():
            if reply == fact["reply"]:
                self._tasks[source] = (reply, text + fact["text"])
        if self._reply in (-1, fact["reply"]) and CONVERSATION not in self._tasks:
            self._turn.reply += fact["text"]
            self._stage(3, t_ns)

    def _SpeakRequested(self, t_ns: int, fact: Mapping[str, Any]) -> None:  # noqa: N802
        self._turn.reply = fact["text"]

    def _OpenPhrase(self, t_ns: int, _fact: Mapping[str, Any]) -> None:  # noqa: N802
        self._stage(4, t_ns)

    def _PhraseOpened(self, t_ns: int, fact: Mapping[str, Any]) -> None:  # noqa: N802
        self._stage(5, t_ns)
        self._guess_ns += fact.get("render_ns", 0)

    def _ChunkReady(self, t_ns: int, fact: Mapping[str, Any]) -> None:  # noqa: N802
        self._stage(6, t_ns)
        self._guess_ns += fact.get("render_ns", 0)

    def _SinkTick(self, _t_ns: int, fact: Mapping[str, Any]) -> None:  # noqa: N802
        missing = fact["underrun_samples"]
        if missing and not self._dry:
            self.underruns += 1
            self._turn.underruns += 1
        self._dry = missing > 0
        self.underrun_samples += missing
        if fact.get("held_seen") and self._yielded_ns >= 0:
            end_ns = fact["device_ns"] + fact["played_samples"] * NS_PER_S // self.rate_hz
            if self._turn.duck_ms is None:
                self._turn.duck_ms = round((end_ns - self._yielded_ns) / NS_PER_MS, 1)
            self._yielded_ns = -1
        if fact["flushed_index"] >= 0 and self._barge_in_ns >= 0:
            to_come = max(0, fact["flushed_index"] - fact["read_index"])  # the fade may outlast a small block
            end_ns = fact["device_ns"] + (fact["played_samples"] + to_come) * NS_PER_S // self.rate_hz
            self._turn.stop_ms = round((end_ns - self._barge_in_ns) / NS_PER_MS, 1)
            self._barge_in_ns = -1

    def _stage(self, number: int, t_ns: int) -> None:
        """The stage's end: only the first one counts, and only in order."""
        if self._guess is not None and number >= FIRST_GUESSED:
            self._guess += [t_ns] if len(self._guess) == number - FIRST_GUESSED else []
        elif len(self._marks) == number:
            self._marks.append(t_ns)

    def _finish_gap(self) -> None:
        marks = self._marks
        if len(marks) == len(STAGES) + 1:
            spans = zip(STAGES, marks, marks[1:], strict=False)
            self._turn.stages = {name: round((b - a) / NS_PER_MS, 1) for name, a, b in spans}
            self._turn.gap_ms = round((marks[-1] - marks[0]) / NS_PER_MS, 1)

    def _complete(self, number: int) -> Turn:
        turn, self._turn = self._turn, Turn(self._turn.turn)
        turn.reply = turn.reply.strip()
        if self._marks_turn == number:  # what is typed into a reply begins the next turn before that one is over
            self._marks = []
        return turn


def turns(records: Iterable[Mapping[str, Any]], rate_hz: int) -> list[Turn]:
    """All turns of a journal."""
    meter = TurnMeter(rate_hz)
    return [turn for record in records if (turn := meter.feed(record)) is not None]
