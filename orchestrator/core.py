"""The core: takes events, answers actions; the only place where anything is decided.

Rules. `handle(event, now_ns)` is the only mutator and runs to completion. No clock, no I/O, no thread, no
randomness: the same events in give the same actions out, and that equation is what replay tests. It never
sees a sample. Whatever it wants done late it names in `deadline_ns()`; the shell answers with DeadlinePassed.

    EarFrame, Transcribed, UserTyped -> Hearing (the user's half) -\\
                                                                    turn table -> who has the floor
    ReplyDelta, ChunkReady, SinkTick -> Replying (the other half) -/
    ReplyDelta of a task source -> Floor -> when it may be heard, Replying
"""

from __future__ import annotations

from collections import deque
from typing import Any

from orchestrator import actions as act
from orchestrator.answering import Answering
from orchestrator.conversation import Conversation
from orchestrator.floor import Floor
from orchestrator.health import too_slow
from orchestrator.hearing import Hearing
from orchestrator.listening import listen
from orchestrator.replying import Replying
from orchestrator.settings import CoreSettings
from orchestrator.story import Story
from orchestrator.turns import Cause, State, TurnTable
from timeline import events as ev
from timeline.clock import NS_PER_MS

ROOM_MS = 200  # half duplex stays deaf that long after the last sample: a living room has died away by then


class Core:
    def __init__(self, settings: CoreSettings) -> None:
        self.settings = settings
        self.turns = TurnTable()
        self.hearing = Hearing(settings)
        self.replying = Replying(settings)
        self.floor = Floor(settings.tasks)
        self.conversation = Conversation(settings.tasks)
        self.answering = Answering(self.conversation, self.replying, self.floor)
        self.ended = False
        self._now_ns = 0
        self._committed = False  # the user's turn is over, its words may not be here yet
        self._requests: deque[str] = deque()  # texts to speak that wait for the floor
        self._input_ended = False
        self._noticed: set[str] = set()
        self._out: list[act.Action] = []
        self.story = Story()
        replying = self.replying
        self._handlers: dict[type, Any] = {
            ev.SinkTick: self._on_tick,
            ev.PhraseOpened: lambda event: self._do(replying.opened(event, self._now_ns)),
            ev.ChunkReady: lambda event: self._do(replying.chunk(event, self._now_ns)),
            ev.PullCancelled: lambda event: replying.speech.settled(event.generation, event.phrase, self._now_ns),
            ev.ChunkStitched: replying.stitched,
            ev.Retracted: lambda event: self._do(replying.handover.retracted(event)),
            ev.SwapRequested: lambda event: self._do(replying.handover.ask(event)),
            ev.EarFrame: self._on_ear,
            ev.WakeWordHeard: lambda event: self.hearing.waking.spotted(event.position),
            ev.Transcribed: lambda event: self._do(self.hearing.transcribed(event)),
            ev.TurnJudged: self.hearing.endpoint.judge,
            ev.UserTyped: self._on_typed,
            ev.SpeakRequested: lambda event: self._requests.append(event.text),
            **dict.fromkeys((ev.ReplyDelta, ev.ReplyEnded), self._on_reply),
            ev.AdapterFailed: self._on_failure,
            ev.InputEnded: lambda event: setattr(self, "_input_ended", True),
            ev.DeadlinePassed: self._on_deadline,
            ev.StopRequested: lambda event: self._end("stopped"),
        }

    def handle(self, event: Any, now_ns: int) -> list[act.Action]:
        """Take in one fact; returns the wishes that follow from it, in order."""
        self._now_ns = now_ns
        self._out = []
        if not self.ended:
            self._handlers[type(event)](event)
            self._advance()
            self.story.add(now_ns, event, self._out)
        return self._out

    def deadline_ns(self) -> int | None:
        """When the core wants to be woken though nothing happens; None: never."""
        if self.ended:
            return None
        deadlines = (self.replying.deadline_ns(), self.hearing.deadline_ns(), self.floor.deadline_ns())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def check_invariants(self) -> None:
        """What holds between any two events; called by tests."""
        speech, state = self.replying.speech, self.turns.state
        silent = state in (State.LISTENING, State.HEARING) or (state is State.PAUSING and not speech.gated)
        assert not (speech.active and silent), self.story
        assert not (speech.active and self.replying.cutting), self.story
        job = speech.in_flight
        assert job is None or job.generation == self.replying.generation, self.story

    # -- listening ------------------------------------------------------------------------

    def _on_ear(self, event: ev.EarFrame) -> None:
        state = self.turns.state
        room_ns = self.replying.silent_ns + ROOM_MS * NS_PER_MS
        sounding = state is not State.LISTENING or event.device_ns < room_ns
        actions, cause, at_ns = listen(event, state, sounding, self.hearing, self._now_ns)
        self._do(actions)
        if cause is Cause.TURN_COMMITTED:
            self._commit(cause, at_ns)
        elif cause is not None:
            if cause in (Cause.BARGE_IN, Cause.SPEECH_RESUMED):
                self._interrupt()
            self._move(cause, at_ns)
        elif state is State.LISTENING and self.hearing.detector.run_samples:
            self.floor.freed(self._now_ns)  # somebody may be beginning: a report waits for another breath

    def _on_typed(self, event: ev.UserTyped) -> None:
        self._interrupt()
        if self.turns.state is State.HEARING:  # what was being said counts too
            self._out.append(self.hearing.request_final(self._now_ns))
        elif self.turns.state is State.YIELDING:
            self.hearing.forget()
        self.hearing.add_typed(event.text)
        self._commit(Cause.TYPED, self._now_ns)

    def _end_hearing(self) -> None:
        """No window will come any more: whatever was being said is over."""
        detector = self.hearing.detector
        if self.turns.state is State.YIELDING:
            self._move(Cause.RESUMED, self._now_ns)
        if self.turns.state is State.HEARING:
            self._out.append(self.hearing.request_final(self._now_ns))
            self._move(Cause.SILENCE_BEGAN, detector.speech_end_ns)
        if self.turns.state is State.PAUSING:
            self._commit(Cause.TURN_COMMITTED, detector.speech_end_ns)
        detector.reset()

    def _commit(self, cause: Cause, at_ns: int) -> None:
        """The user's turn is over."""
        self._committed = True
        self.hearing.learn_level()
        self.hearing.detector.reset()
        self._move(cause, at_ns)

    def _interrupt(self) -> None:
        """The user takes the floor."""
        self._committed = False
        self.floor.take_back()
        self._cut()

    def _cut(self) -> None:
        """Silence what is being said."""
        self._do(self.replying.drop_guess(self._now_ns))
        self._do(self.replying.interrupt(self._now_ns))
        if self.replying.cutting and not self.replying.ledger.entries:  # nothing of it was heard, then
            self._keep(self.replying.settle(self.replying.read_index))

    # -- replying -------------------------------------------------------------------------

    def _on_tick(self, event: ev.SinkTick) -> None:
        audible_ns = self.replying.tick(event)
        if self.replying.confirms_cut(event):
            self._keep(self.replying.settle(event.flushed_index))
        if audible_ns >= 0 and self.turns.state is State.THINKING:
            self._move(Cause.AUDIO_STARTED, audible_ns)

    def _start_reply(self, text: str) -> None:
        self._committed = False
        self.hearing.forget()
        if not text:
            self._do(self.replying.drop_guess(self._now_ns))
            self._move(Cause.NOTHING_HEARD, self._now_ns)
            return
        self._keep(act.Remember(self.turns.turn, "user", text))
        self._do(self.answering.answer(self.turns.turn, text, self._now_ns))

    def _on_reply(self, event: ev.ReplyDelta | ev.ReplyEnded) -> None:
        self.replying.wrote(event)
        self._do(self.floor.wrote(event, self._now_ns))

    def _finish_reply(self) -> None:
        if not self.replying.speech.script.all:
            self._notice("the reply held nothing that can be said: look at the reply source, llm.adapter")
        remember, audible = self.replying.finish()
        self._keep(remember)
        self._move(Cause.REPLY_FINISHED if audible else Cause.REPLY_FAILED, self._now_ns)

    # -- faults and time ------------------------------------------------------------------

    def _on_failure(self, event: ev.AdapterFailed) -> None:
        if event.role == "tts":
            if (follow := self.replying.engine_failed(event, self._now_ns)) is None:
                return
            self._do(follow)
        elif event.role == "stt":
            self._do(self.hearing.failed(event.ticket, event.retryable, self._now_ns))
        elif event.role == "llm" and not self.replying.source_failed(event.ticket):
            if (follow := self.floor.failed(event.ticket, self._now_ns)) is None:
                return
            self._do(follow)
        elif event.role == "mic":
            self._input_ended = True
            self._end_hearing()
        self._notice(event.detail)
        if event.role == "speaker":
            self._end("speaker lost")

    def _on_deadline(self, _event: ev.DeadlinePassed) -> None:
        if (stalled := self.replying.stalled(self._now_ns)) is not None:
            self._on_failure(stalled)
        self._notice("transcription has stalled: what was said is lost" if self.hearing.give_up(self._now_ns) else "")
        if self.replying.cut_overdue(self._now_ns):
            self._keep(self.replying.settle(self.replying.read_index))

    def _end(self, reason: str) -> None:
        self._interrupt()
        if self.replying.cutting:
            self._keep(self.replying.settle(self.replying.read_index))
        self._do(self.floor.stop())
        self.ended = True
        self._out.append(act.EndSession(reason))

    # -- what follows from any event ------------------------------------------------------

    def _advance(self) -> None:
        """Do whatever the state now allows."""
        if self.ended:
            return
        words = self.hearing.text if not self.replying.cutting else None
        if words is not None and self._committed:
            self._start_reply(words)
        elif words and self.turns.state is State.PAUSING and self.settings.listen.speculate:
            self._do(self.answering.guess(self.turns.turn, words, self._now_ns))
        if self._requests and self.turns.state is State.LISTENING and not self.replying.cutting:
            self._move(Cause.SPEAK_REQUESTED, self._now_ns)
            self.replying.say(self.turns.turn, self._requests.popleft())
        self._mind_floor()
        self._do(self.replying.release(self._now_ns))
        self._do(self.replying.next_job(self._now_ns))
        self._notice(too_slow(self.replying.speech, self._now_ns))
        if self.replying.played:
            self._finish_reply()
        if self._input_ended and self._quiet:
            self.ended = True
            self._out.append(act.EndSession("finished"))

    def _mind_floor(self) -> None:
        """Let a report speak whose time it is, and go on with the one that does."""
        self.floor.owe(self.replying.wordless_ns)
        if not self.floor.busy:
            return
        self._do(self.floor.expire(self._now_ns))
        free = self.turns.allows(Cause.FLOOR_GRANTED) and not self.replying.cutting
        report = self.floor.next(self._now_ns) if free else None
        if report is not None:
            if self.replying.wordless_ns is not None:
                replying, rest = self.replying, self.replying.set_aside()
                self._do(self.floor.set_aside(replying.reply, replying.turn, rest, self._now_ns))
            self._cut()  # what a source of lower priority is saying
            self._do(self.floor.give(report, self._now_ns))
            self._move(Cause.FLOOR_GRANTED, self._now_ns)
        self._do(self.floor.announce())
        if self.floor.holder is not None and not self.replying.cutting:
            self.replying.follow(self.turns.turn, self.floor.holder, self._now_ns)

    @property
    def _quiet(self) -> bool:
        """Nobody speaks, nothing is under way."""
        waiting = self._requests or self.replying.cutting or self.hearing.detector.run_samples or self.floor.busy
        return self.turns.state is State.LISTENING and not waiting

    def _do(self, actions: list[act.Action]) -> None:
        self._out += actions

    def _keep(self, remember: act.Remember) -> None:
        """Take it into the conversation, and say so; an apology is no part of what the reply source said."""
        if remember.role == "user" or not self.replying.apologized:
            self.conversation.add(remember.role, remember.text, remember.source)
        self._out.append(remember)
        self._do(self.floor.heard(remember.source, remember.text, remember.interrupted))

    def _move(self, cause: Cause, at_ns: int) -> None:
        before, state = self.turns.state, self.turns.move(cause)
        if state is State.YIELDING:
            self.hearing.spoken_into(self.replying.speech.script, self.replying.ledger, self.replying.read_index)
        if State.YIELDING in (before, state):
            self._out.append(act.Hold(state is State.YIELDING))
        if cause is Cause.RESUMED or (before, cause) == (State.YIELDING, Cause.REPLY_FINISHED):
            self.hearing.forget()  # it was nothing, or begins anew
        self._out.append(act.ShowTurn(self.turns.turn, state, cause, at_ns))
        if state is State.LISTENING:
            self.floor.freed(max(self._now_ns, self.replying.silent_ns))
        else:
            self.floor.taken(self.replying.source if state is State.SPEAKING else None)

    def _notice(self, text: str) -> None:
        """Say it once, if there is anything."""
        if text and text not in self._noticed:
            self._noticed.add(text)
            self._out.append(act.Notice(text))
