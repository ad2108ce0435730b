"""Replying: the assistant's half of a turn, from the reply's text to what was heard of it.

    StartReply .. ReplyDelta -> speech -> chunks -> stream -> SinkTick -> Remember(what was heard)

An interruption cuts it: the generation rises, the stream is flushed, and once the sink has said where it fell
silent the ledger gives the heard prefix. Until then the cut is under way and no new reply begins.
"""

from __future__ import annotations

from adapters.base import Message
from orchestrator import actions as act
from orchestrator.rate import TICK_NS
from orchestrator.rendering import Rendering
from orchestrator.report import Report
from orchestrator.settings import CoreSettings
from timeline import events as ev
from timeline.clock import NS_PER_MS, NS_PER_S
from timeline.ledger import Ledger

NO_WORDS = ""  # those that let an answer sound that was doubted
CUT_WAIT_MS = 500  # a sink that has not confirmed a flush by then is gone; decide from its last tick
PAUSE_MS = 3000  # a report whose words have run out gives the floor back: such a silence is taken for its end


class Replying:
    def __init__(self, settings: CoreSettings) -> None:
        self.settings = settings
        self.ledger = Ledger(settings.rate_hz)
        self.rendering = Rendering(settings, self.ledger)
        self.speech, self.handover = self.rendering.speech, self.rendering.handover
        self.reply = 0  # number of the newest reply of the conversational source
        self.source = ""  # that wrote what is spoken; empty: a text that was requested
        self.turn = 0  # that it belongs to
        self.read_index = 0  # where the sink stands
        self._block_ns = TICK_NS  # how much it takes at a time
        self.silent_ns = -(10**18)  # when the last sample that was played has sounded
        self.apologized = False  # what is spoken is our own line, not the reply source's
        self._streaming = False  # the conversational source is still sending
        self._asked_ns = 0  # when it was asked
        self._following = False  # a report is spoken that may go on
        self._cut_since_ns = -1  # a flush is under way since; -1: none
        self.rest = ""  # of the answer that was cut last, what nobody heard
        self.continued = False  # what is spoken is the rest of one that was cut
        self.guess: str | None = None  # the user's words that are answered before their turn is over; None: it is

    # -- beginning and ending -------------------------------------------------------------

    def ask(
        self, turn: int, reply: int, messages: tuple[Message, ...], now_ns: int, guess: str | None = None
    ) -> act.StartReply:
        """Answer the last message. `guess`: its words, where the user may go on; nothing sounds before `adopt`."""
        self._begin(turn, ev.CONVERSATION)
        self.reply = reply
        self.guess, self.speech.gated = guess, guess is not None
        self._streaming, self._asked_ns = True, now_ns
        return act.StartReply(self.reply, messages)

    def adopt(self, now_ns: int) -> list[act.Action]:
        """The turn is over, and its words are those that were guessed: the answer may sound."""
        assert self.guess is not None
        guess, self.guess, self._asked_ns = self.guess, None, now_ns
        self.speech.admit(now_ns)
        return [act.ShowGuess(self.turn, self.reply, guess, "kept")]

    def doubt(self) -> list[act.Action]:
        """Somebody speaks again: nothing more may sound, if that can still be, before it is known that nothing was
        asked for. `adopt` or `drop_guess` follows, as with a guess."""
        if self.guess is not None or self.speech.begun:
            return []
        self.guess, self.speech.gated = NO_WORDS, True
        return [act.ShowGuess(self.turn, self.reply, NO_WORDS, "doubted")]

    @property
    def doubted(self) -> bool:
        return self.guess == NO_WORDS

    def drop_guess(self, now_ns: int) -> list[act.Action]:
        """The user goes on: the answer dies, and nothing of it was heard."""
        if self.guess is None:
            return []
        shown = act.ShowGuess(self.turn, self.reply, self.guess, "dropped")
        rest = self.rest
        if self.doubted and (self.speech.script.ended or self.continued):
            rest = f"{self._unheard(self.read_index)} {self.speech.script.withdraw()}".strip()
        actions = self.interrupt(now_ns)
        self.guess, self._cut_since_ns, self.rest = None, -1, rest
        return [shown, *actions]

    def say(self, turn: int, text: str) -> None:
        """Speak a text that is there already."""
        self._begin(turn, "")
        self.speech.script.add(text)
        self.speech.script.end()

    @property
    def wordless_ns(self) -> int | None:
        """Since when the conversational source has kept the user waiting for words; None: it does not."""
        waits = self._streaming and self._dry and self.speech.active and not self.doubted
        return max(self._asked_ns, self.silent_ns) if waits else None

    def set_aside(self) -> str:
        """Wait no longer for what the conversational source owes; returns what it wrote that no phrase holds yet."""
        self._streaming = False
        return self.speech.script.withdraw()

    def follow(self, turn: int, report: Report, now_ns: int) -> None:
        """Speak what the report has by now, behind a hand-over; end it with the report, or where its words run out."""
        if not self.speech.active:
            self._begin(turn, report.source.name)
            self._following = True
            self._say_own(report.source.hand_over)
        self.speech.script.add(report.take())
        pause_ns = self._pause_ns()
        if self._following and (report.ended or (pause_ns is not None and now_ns >= pause_ns)):
            self._following = False
            if report.shortened:
                self._say_own(report.source.offer)
            self.speech.script.end()

    def _say_own(self, line: str) -> None:
        self.speech.script.add(f"{line}\n", own=True)

    def _pause_ns(self) -> int | None:
        """When a report whose words have run out gives the floor back."""
        return self.silent_ns + PAUSE_MS * NS_PER_MS if self._following and self._dry else None

    @property
    def _dry(self) -> bool:
        """All that can be said has sounded."""
        return self.speech.idle and self.read_index >= self.speech.end_index

    def _begin(self, turn: int, source: str) -> None:
        self.turn, self.source, self.guess = turn, source, None
        self._following = False
        self.rendering.begin(self.read_index, self._block_ns)
        self.apologized = self.continued = False

    def interrupt(self, now_ns: int, writes_on: bool = False) -> list[act.Action]:
        """Silence within a frame, and nothing old is ever heard again. `writes_on`: what the source still has to say
        may be wanted, see `go_on`."""
        actions = [] if writes_on else self.dismiss()
        if not self.speech.active:
            return actions
        self.rest = self.speech.script.withdraw() if writes_on else ""
        self._following = False
        self._cut_since_ns = now_ns
        return [*actions, *self.rendering.cancel()]

    def dismiss(self) -> list[act.Action]:
        """Nothing more is wanted of the source."""
        if not self._streaming:
            return []
        self._streaming = False
        return [act.CancelReply(self.reply)]

    @property
    def writes_on(self) -> bool:
        """The answer was cut, and its source was not told."""
        return self._streaming and not self.speech.active

    def go_on(self, turn: int, source: str, now_ns: int) -> str:
        """Say what nobody heard of the answer that was cut, and what its source still writes; returns what is there."""
        rest, self.rest = self.rest, ""
        self._begin(turn, source)
        self.continued, self._asked_ns = True, now_ns
        self.speech.script.add(rest)
        if not self._streaming:
            self.speech.script.end()
        return rest.strip()

    @property
    def cutting(self) -> bool:
        """A flush is under way: what was heard is not known yet."""
        return self._cut_since_ns >= 0

    def confirms_cut(self, event: ev.SinkTick) -> bool:
        """The sink has done the flush that is under way, not only an earlier one: the generation counts them."""
        return self.cutting and event.flushed_index >= 0 and event.flushes_seen >= self.rendering.generation

    def settle(self, index: int) -> act.Remember:
        """The stream fell silent at `index`: that much was heard."""
        self._cut_since_ns = -1
        unheard = self._unheard(index)
        self.rest = f"{unheard} {self.rest.lstrip()}" if unheard else self.rest
        return self._remember(index, interrupted=True)

    @property
    def played(self) -> bool:
        """All of it was stitched, and the sink has taken all of it."""
        whole = self.speech.complete and self.handover.phrase is None and self.guess is None
        return whole and self.read_index >= self.speech.end_index

    def finish(self) -> tuple[act.Remember, bool]:
        """Close what was played to its end; also whether any of it could be heard."""
        self.handover.cancel()
        self.speech.cancel()
        return self._remember(self.read_index, interrupted=False), self.rendering.audible_index >= 0

    def _unheard(self, index: int) -> str:
        """Of what is in phrases, and no apology."""
        return "" if self.apologized else self.speech.script.unheard(self.ledger, index)

    def _remember(self, index: int, interrupted: bool) -> act.Remember:
        text, measured = self.speech.script.heard(self.ledger, index)
        self.ledger.forget()
        return act.Remember(self.turn, "assistant", text, interrupted, measured, self.source)

    # -- the sink -------------------------------------------------------------------------

    def tick(self, event: ev.SinkTick) -> int:
        """The sink moved on. Returns when the first audible sample of the utterance sounds, or -1 if not yet."""
        before, self.read_index = self.read_index, event.read_index
        self._block_ns = event.block_samples * NS_PER_S // self.settings.rate_hz
        if event.played_samples:
            self.silent_ns = event.device_ns + event.block_samples * NS_PER_S // self.settings.rate_hz
        if event.flushed_index < 0:  # what a flush skipped was not heard
            self.ledger.pass_over(event.read_index)
        if not self.speech.active or not 0 <= self.rendering.audible_index < event.read_index:
            return -1
        skipped = max(0, self.rendering.audible_index - before) if event.flushed_index < 0 else 0
        offset = max(0, event.first_offset) + skipped
        return event.device_ns + offset * NS_PER_S // self.settings.rate_hz

    # -- text -----------------------------------------------------------------------------

    def wrote(self, event: ev.ReplyDelta | ev.ReplyEnded) -> None:
        """A source wrote something, or has no more to write; only the conversational one's concerns us."""
        if not self._streaming or event.reply != self.reply:
            return
        if isinstance(event, ev.ReplyEnded):
            self._streaming = False
            self.speech.script.end()
        elif self.speech.active:
            self.speech.write(event.text)
        else:
            self.rest += event.text

    def source_failed(self, ticket: int) -> bool:
        """The reply source gave up: say so aloud if nothing was said yet. False for a reply nobody waits for."""
        if not self._streaming or ticket != self.reply:
            return False
        self._streaming = False
        self.speech.script.end()
        if self.speech.active and not self.speech.script.all:
            self.apologized = True
            self.speech.script.add(self.settings.failure_reply)
            self.speech.script.end()
        return True

    def next_job(self, now_ns: int) -> list[act.Action]:
        """The next wish to an engine, if it is time for one."""
        return self.rendering.next_job(self.read_index, self._block_ns, now_ns)

    def release(self, now_ns: int) -> list[act.Action]:
        """Let the first chunk sound, if it is time."""
        due_ns = self.speech.release_ns
        return self.speech.release() if due_ns is not None and due_ns <= now_ns else []

    # -- time -----------------------------------------------------------------------------

    def deadline_ns(self) -> int | None:
        cut_ns = self._cut_since_ns + CUT_WAIT_MS * NS_PER_MS if self.cutting else None
        release_ns = None if self.guess is not None else self.speech.release_ns
        deadlines = (self.speech.deadline_ns(), release_ns, cut_ns, self._pause_ns())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def cut_overdue(self, now_ns: int) -> bool:
        return self.cutting and self._cut_since_ns + CUT_WAIT_MS * NS_PER_MS <= now_ns
