"""The floor: several reply sources share one voice. Who is heard, who waits, what is dropped.

The conversational source answers every turn and needs no leave: the user gave it the floor. A *task* source works
behind it on what it was asked; what it writes is a *report* and waits here, one a source, until the voice is free.

    StartReply .. ReplyDelta -> report -> waits -> given -> heard
                                            |        '-> cut: dropped, or, where nothing was heard, waits again
                                            '-> dropped: stale, overtaken, overdue

Rules. Facts come in, rulings go out; nothing is decided elsewhere, and each ruling is an action with its reason.
A report is ready once it is whole, or once it holds so much that speaking it outlasts a pause in the writing. It is
given the floor when nobody has had it for a breath; one of a higher priority cuts what another source is saying, never
the user. Of several the highest priority comes first, then the oldest. What is not said is shown as text.
An answer whose words do not come for long is set aside: a report may be heard, and what is left of it is one itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from adapters.base import Message
from orchestrator.actions import Action, CancelReply, ShowFloor, StartReply
from orchestrator.report import REPORT_CHARS_MOST, Report
from orchestrator.settings import SourceSettings
from timeline.clock import NS_PER_MS
from timeline.events import CONVERSATION, ReplyDelta, ReplyEnded

BREATH_MS = 1000  # of silence before a report: most answers begin within a second, so whoever wants to speak has begun
LATE_MS = 4000  # an answer without words for so long holds up nobody: such a silence is taken for a breakdown
SPEAKS_FREELY = 0  # priority of what the conversational source says; a task above it cuts it short


class Ruling(StrEnum):
    WAITS = "waits"
    GIVEN = "given"
    SHORTENED = "shortened"
    YIELDS = "yields"  # its words ran out while the source goes on writing
    HEARD = "heard"
    DROPPED = "dropped"
    SET_ASIDE = "set_aside"


class Floor:
    def __init__(self, sources: tuple[SourceSettings, ...]) -> None:
        self._sources = {source.name: source for source in sources}
        self._reports: dict[str, Report] = {}  # by source: one each
        self.holder: Report | None = None  # it was given the floor
        self._free_ns: int | None = 0  # since when nobody speaks; None: somebody does
        self._owed_ns: int | None = None  # since when an answer is owed and its words do not come
        self._speaking_above: int | None = None  # a report above it may cut what is being said; None: none may

    # -- facts: who speaks ----------------------------------------------------------------

    def freed(self, since_ns: int) -> None:
        """Nobody speaks since then; told again wherever a sound begins that may become a turn."""
        self._free_ns, self._speaking_above = max(since_ns, self._free_ns or 0), None

    def taken(self, source: str | None) -> None:
        """A source is audible; None: the user has the floor, or is owed an answer."""
        self._free_ns = None
        self._speaking_above = None if source is None else self._priority(source)

    def owe(self, since_ns: int | None) -> None:
        """The user waits for words of an answer since then; None: for none."""
        self._owed_ns = since_ns

    def set_aside(self, reply: int, turn: int, rest: str, now_ns: int) -> list[Action]:
        """That answer is late: `rest`, and what still comes of it, is a report from now on, without a hand-over."""
        source = SourceSettings(CONVERSATION, hand_over="", offer="")
        self._reports[CONVERSATION] = report = Report(source, reply, turn, now_ns)
        report.write(rest)
        return [_show(report, Ruling.SET_ASIDE, "its words do not come")]

    def take_back(self) -> None:
        """The user speaks before the report that was given the floor had begun: it waits on."""
        if self.holder is not None and not self.holder.given:
            self.holder.give_back()
            self.holder = None

    def heard(self, source: str, text: str, interrupted: bool) -> list[Action]:
        """The report of `source` has fallen silent, `text` of it was heard."""
        report = self._reports.get(source)
        if report is None or not report.held:
            return []  # it was no report that fell silent
        report.held = False
        if self.holder is report:
            self.holder = None
        if interrupted and not text:
            report.give_back()
            return []
        if not text:
            return self._drop(report, "could not be spoken", " ".join(report.given))
        if interrupted:
            return self._drop(report, "interrupted", report.unheard(text))
        if report.ended:
            return self._done(report)
        report.part_heard()
        return [_show(report, Ruling.YIELDS, "its words ran out, it is still writing")]

    # -- facts: what is written -----------------------------------------------------------

    def ask(
        self, turn: int, text: str, messages: tuple[Message, ...], numbers: Iterator[int], now_ns: int
    ) -> list[Action]:
        """The user's turn is over: to the task sources that it concerns. A newer task overtakes an older one."""
        late = self._reports.get(CONVERSATION)
        actions = self._drop(late, "overtaken by another turn") if late is not None else []
        for name, source in self._sources.items():
            old = self._reports.get(name)
            goes_on = old is not None and old.turn == turn  # the user had not finished when it was asked
            if not (goes_on or addressed(text, source.address)):
                continue
            if old is not None:
                assert not old.held, "a turn ended while a report was being said"
                actions += self._drop(old, "overtaken by a newer task")
            self._reports[name] = report = Report(source, next(numbers), turn, now_ns)
            actions.append(StartReply(report.number, messages, name))
        return actions

    def wrote(self, event: ReplyDelta | ReplyEnded, now_ns: int) -> list[Action]:
        """A source wrote something, or has no more to write; the conversational one's is none of ours."""
        report = self._of(event.reply)
        if report is None:
            return []
        if isinstance(event, ReplyEnded):
            return self._end(report, now_ns)
        over = report.write(event.text)
        if not over:
            report.note_ready(now_ns)
            return []
        line = f"it wrote more than {REPORT_CHARS_MOST} characters"
        return [CancelReply(report.number), _show(report, Ruling.SHORTENED, line, over), *self._end(report, now_ns)]

    def failed(self, reply: int, now_ns: int) -> list[Action] | None:
        """What it wrote before it failed is said. None: a reply that nobody waits for."""
        report = self._of(reply)
        return self._end(report, now_ns, "it failed") if report is not None else None

    def _of(self, reply: int) -> Report | None:
        """The report that is being written under this number."""
        return next((r for r in self._reports.values() if r.number == reply and not r.ended), None)

    def _end(self, report: Report, now_ns: int, why_empty: str = "it wrote nothing that can be said") -> list[Action]:
        report.end()
        report.note_ready(now_ns)
        if report.held or report.waits:
            return []
        return self._done(report) if report.told else self._drop(report, why_empty)

    # -- rulings --------------------------------------------------------------------------

    def next(self, now_ns: int) -> Report | None:
        """The report whose time it is now."""
        report = self._first()
        if report is None:
            return None
        if self._free_ns is not None:
            return report if now_ns >= self._free_ns + BREATH_MS * NS_PER_MS else None
        late = self._owed_ns is not None and now_ns >= self._owed_ns + LATE_MS * NS_PER_MS
        cuts = self._speaking_above is not None and report.source.priority > self._speaking_above
        return report if late or cuts else None

    def give(self, report: Report, now_ns: int) -> list[Action]:
        """Let it speak; shortened where it is long and has waited long."""
        self.holder, report.held, report.announced = report, True, True
        actions: list[Action] = [_show(report, Ruling.GIVEN)]
        if now_ns - report.ready_ns >= report.source.shorten_after_ms * NS_PER_MS:
            left_out = report.shorten()
            if left_out:
                actions.append(_show(report, Ruling.SHORTENED, "it is long and had to wait", left_out))
        return actions

    def expire(self, now_ns: int) -> list[Action]:
        """Drop what came too late."""
        actions: list[Action] = []
        for report in list(self._reports.values()):
            due_ns, why = _due(report)
            if not report.held and now_ns >= due_ns:
                actions += self._drop(report, why)
        return actions

    def announce(self) -> list[Action]:
        """Whoever is ready and has to wait, once each."""
        waiting = [report for report in self._waiting() if not report.announced]
        for report in waiting:
            report.announced = True
        why = "another has the floor" if self._free_ns is None else "for a breath of silence"
        return [_show(report, Ruling.WAITS, why) for report in waiting]

    def stop(self) -> list[Action]:
        """The session ends."""
        return [action for report in list(self._reports.values()) for action in self._drop(report, "the session ends")]

    def deadline_ns(self) -> int | None:
        """When a ruling is due though nothing happens; None: never."""
        times = [_due(report)[0] for report in self._reports.values() if not report.held]
        if self._first() is not None:
            times += [self._free_ns + BREATH_MS * NS_PER_MS] if self._free_ns is not None else []
            times += [self._owed_ns + LATE_MS * NS_PER_MS] if self._owed_ns is not None else []
        return min(times, default=None)

    @property
    def busy(self) -> bool:
        """A report is being written, waits, or is being said."""
        return bool(self._reports)

    def _waiting(self) -> list[Report]:
        return [report for report in self._reports.values() if report.ready_ns >= 0 and not report.held]

    def _first(self) -> Report | None:
        return min(self._waiting(), key=lambda report: (-report.source.priority, report.ready_ns), default=None)

    def _priority(self, source: str) -> int:
        return self._sources[source].priority if source in self._sources else SPEAKS_FREELY

    def _done(self, report: Report) -> list[Action]:
        del self._reports[report.source.name]
        return [_show(report, Ruling.HEARD)]

    def _drop(self, report: Report, why: str, unsaid: str = "") -> list[Action]:
        del self._reports[report.source.name]
        cancel: list[Action] = [] if report.ended else [CancelReply(report.number)]
        text = " ".join(part for part in (unsaid, report.rest()) if part)
        return [*cancel, _show(report, Ruling.DROPPED, why, text)]


def _show(report: Report, ruling: Ruling, why: str = "", text: str = "") -> ShowFloor:
    return ShowFloor(report.number, report.source.name, ruling, why, text)


def _due(report: Report) -> tuple[int, str]:
    """When it is given up, and why."""
    source = report.source
    if report.ready_ns >= 0:
        return report.ready_ns + source.patience_ms * NS_PER_MS, "it waited too long"
    return report.asked_ns + source.work_ms * NS_PER_MS, "it took too long"


_WORD = re.compile(r"[\w'’]+")


def addressed(text: str, address: str) -> bool:
    """Is the utterance meant for the source that goes by `address`? It is where it begins with it, whatever the case
    and the punctuation; alternatives are parted by commas, and an empty address means every utterance."""
    words = _WORD.findall(text.casefold())
    names = [_WORD.findall(name.casefold()) for name in address.split(",")]
    return not any(names) or any(name and words[: len(name)] == name for name in names)
