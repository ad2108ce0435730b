"""A report: what one task source writes in answer to one turn, until it is heard or left out.

    deltas -> phrases: waits -> given (to the voice)
Bounded. Nothing leaves it unseen: what was written was given, still waits, or is handed out as what is not said.
"""

from __future__ import annotations

from orchestrator.phrase import PHRASE_CHARS_MOST, PhraseCutter
from orchestrator.settings import SourceSettings

REPORT_CHARS_MOST = 4000  # some four minutes of speech: nobody listens to more that was not asked for aloud
HEAD_CHARS = PHRASE_CHARS_MOST  # 16 s of speech: begun with so much, a report outlasts a source that pauses to think
SHORT_CHARS = PHRASE_CHARS_MOST  # what is left of a long report that had to wait: two or three sentences
_SENTENCE_ENDS = tuple(".!?…。！？")
_CLOSERS = "\"'”’)]"


class Report:
    def __init__(self, source: SourceSettings, number: int, turn: int, asked_ns: int) -> None:
        self.source = source
        self.number = number  # of the reply
        self.turn = turn  # that asked for it
        self.asked_ns = asked_ns
        self.ready_ns = -1  # since when it may be spoken; -1: not yet
        self.ended = False  # the source has nothing to add
        self.held = False  # it has the floor, or what is heard of it is not known yet
        self.announced = False  # it was shown that it waits
        self.told = False  # an earlier part of it was heard
        self.shortened = False
        self.waits: list[str] = []  # phrases, not given yet
        self.given: list[str] = []  # phrases that were, not known to be heard
        self._cutter = PhraseCutter()
        self._chars = 0

    def write(self, text: str) -> str:
        """The source writes on; returns what finds no room."""
        room = REPORT_CHARS_MOST - self._chars
        self._chars += min(len(text), room)
        self.waits += self._cutter.feed(text[:room])
        return text[room:]

    def end(self) -> None:
        self.waits += self._cutter.finish()
        self.ended = True

    def note_ready(self, now_ns: int) -> None:
        """Is there enough to begin with?"""
        enough = self.waits and (self.ended or sum(map(len, self.waits)) >= HEAD_CHARS)
        if self.ready_ns < 0 and enough:
            self.ready_ns = now_ns

    def take(self) -> str:
        """What is to be spoken now, to its last character; empty where there is nothing."""
        text = " ".join(self.waits)
        self.given += self.waits
        self.waits = []
        return f"{text}\n" if text else ""

    def give_back(self) -> None:
        """Nothing of what was given was heard: it waits again, for as long as was left to it."""
        self.held = self.announced = False
        self.waits = self.given + self.waits
        self.given = []

    def part_heard(self) -> None:
        """What was given was heard; what is written from now on waits anew."""
        self.given, self.ready_ns, self.told, self.announced = [], -1, True, False

    def unheard(self, heard: str) -> str:
        """What was given and not heard, `heard` being its beginning."""
        return " ".join(self.given)[len(heard) :].strip()

    def rest(self) -> str:
        """Take out all that was never given."""
        self.waits += self._cutter.finish()
        text, self.waits = " ".join(self.waits), []
        return text

    def shorten(self) -> str:
        """Keep the first sentences; returns what is left out. Only what is whole and long is shortened."""
        if not self.ended or self.shortened or sum(map(len, self.waits)) <= SHORT_CHARS:
            return ""
        chars, kept = 0, 0
        for number, phrase in enumerate(self.waits, 1):
            chars += len(phrase)
            if kept and chars > SHORT_CHARS:
                break
            if phrase.rstrip(_CLOSERS).endswith(_SENTENCE_ENDS):
                kept = number
        left_out, self.waits = self.waits[kept or 1 :], self.waits[: kept or 1]
        self.shortened = bool(left_out)
        return " ".join(left_out)
