"""The core: takes events, answers actions; the only place where anything is decided.

Rules. `handle(event, now_ns)` is the only mutator and runs to completion. No clock, no I/O, no thread, no
randomness: the same events in give the same actions out, and that equation is what replay tests. It never
sees a sample. Whatever it wants done late it names in `deadline_ns()`; the shell answers with DeadlinePassed.

    EarFrame, Transcribed, UserTyped -> Hearing (the user's half) -\\
                                                                    turn table -> who has the floor
    ReplyDelta, ChunkReady, SinkTick -> Replying (the other half) -/
"""

from __future__ import annotations

from collections import deque
from typing import Any

from orchestrator import actions as act
from orchestrator.conversation import Conversation
from orchestrator.hearing import Hearing
from orchestrator.replying import Replying
from orchestrator.settings import CoreSettings
from orchestrator.turns import Cause, State, TurnTable
from timeline import events as ev
from timeline.clock import NS_PER_MS

ROOM_MS = 200  # half duplex stays deaf that long after the last sample: a living room has died away by then
STORY_MOST = 40  # events and actions kept for an error message


class Core:
    def __init__(self, settings: CoreSettings) -> None:
        self.settings = settings
        self.turns = TurnTable()
        self.hearing = Hearing(settings)
        self.replying = Replying(settings)
        self.conversation = Conversation()
        self.ended = False
        self._now_ns = 0
        self._committed = False  # the user's turn is over, its words may not be here yet
        self._requests: deque[str] = deque()  # texts to speak that wait for the floor
        self._input_ended = False
        self._noticed: set[str] = set()
        self._out: list[act.Action] = []
        self._story: deque[Any] = deque(maxlen=STORY_MOST)
        replying = self.replying
        self._handlers: dict[type, Any] = {
            ev.SinkTick: self._on_tick,
            ev.PhraseOpened: lambda event: self._do(replying.opened(event)),
            ev.ChunkReady: self._on_chunk,
            ev.ChunkStitched: replying.stitched,
            ev.EarFrame: self._on_ear,
            ev.Transcribed: self.hearing.transcribed,
            ev.UserTyped: self._on_typed,
            ev.SpeakRequested: lambda event: self._requests.append(event.text),
            ev.ReplyDelta: replying.delta,
            ev.ReplyEnded: replying.text_ended,
            ev.AdapterFailed: self._on_failure,
            ev.InputEnded: self._on_input_end,
            ev.DeadlinePassed: self._on_deadline,
            ev.StopRequested: lambda event: self._end("stopped"),
        }

    def handle(self, event: Any, now_ns: int) -> list[act.Action]:
        """Take in one fact; returns the wishes that follow from it, in order."""
        self._now_ns = now_ns
        self._out = []
        if not self.ended:
            self._story.append((now_ns, "", event))
            self._handlers[type(event)](event)
            self._advance()
            self._story.extend((now_ns, "  -> ", action) for action in self._out)
        return self._out

    def deadline_ns(self) -> int | None:
        """When the core wants to be woken though nothing happens; None: never."""
        if self.ended:
            return None
        deadlines = (self.replying.deadline_ns(), self.hearing.deadline_ns())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def story(self) -> str:
        """The last events and actions, for an error message."""
        return "\n".join(f"{t_ns} {arrow}{fact}" for t_ns, arrow, fact in self._story)

    def check_invariants(self) -> None:
        """What holds between any two events; called by tests."""
        speech, state = self.replying.speech, self.turns.state
        assert not (speech.active and state in (State.LISTENING, State.HEARING, State.PAUSING)), self.story()
        assert not (speech.active and self.replying.cutting), self.story()
        job = speech.in_flight
        assert job is None or job.generation == self.replying.generation, self.story()

    # -- listening ------------------------------------------------------------------------

    def _on_ear(self, event: ev.EarFrame) -> None:
        detector, limits = self.hearing.detector, self.settings.listen
        detector.feed(event)
        state = self.turns.state
        if state is State.HEARING:
            self._while_hearing()
        elif state is State.PAUSING:
            if detector.silence_ms == 0:
                self.hearing.resume()
                self._move(Cause.SPEECH_RESUMED, event.device_ns)
            elif detector.silence_ms >= limits.endpoint_ms:
                self._commit(Cause.TURN_COMMITTED, detector.speech_end_ns)
        else:
            self._while_not_hearing(state, event.device_ns)

    def _while_hearing(self) -> None:
        detector = self.hearing.detector
        if detector.silence_ms >= self.settings.listen.speculate_ms:
            self._out.append(self.hearing.request_final(self._now_ns))
            self._move(Cause.SILENCE_BEGAN, detector.speech_end_ns)
        elif self.hearing.too_long:
            self._out.append(self.hearing.split(self._now_ns))
        elif (provisional := self.hearing.request_provisional()) is not None:
            self._out.append(provisional)

    def _while_not_hearing(self, state: State, at_ns: int) -> None:
        """Is this the beginning of speech, or, while the other side has the floor, an interruption?"""
        detector, limits = self.hearing.detector, self.settings.listen
        sounding = state is not State.LISTENING or at_ns < self.replying.silent_ns + ROOM_MS * NS_PER_MS
        if sounding and not limits.barge_in:
            detector.reset()  # half duplex: deaf while thinking and speaking, and while the room still sounds
            return
        detector.drop_short_run()
        enough_ms = limits.onset_ms if state is State.LISTENING else limits.confirm_ms
        if detector.speech_ms < enough_ms:
            return
        if state is not State.LISTENING:
            self._interrupt()
        causes = {State.LISTENING: Cause.SPEECH_STARTED, State.THINKING: Cause.SPEECH_RESUMED}
        self.hearing.begin_segment()
        self._move(causes.get(state, Cause.BARGE_IN), detector.run_start_ns)

    def _on_typed(self, event: ev.UserTyped) -> None:
        self._interrupt()
        if self.turns.state is State.HEARING:  # what was being said counts too
            self._out.append(self.hearing.request_final(self._now_ns))
        self.hearing.add_typed(event.text)
        self._commit(Cause.TYPED, self._now_ns)

    def _end_hearing(self) -> None:
        """No window will come any more: whatever was being said is over."""
        detector = self.hearing.detector
        if self.turns.state is State.HEARING:
            self._out.append(self.hearing.request_final(self._now_ns))
            self._move(Cause.SILENCE_BEGAN, detector.speech_end_ns)
        if self.turns.state is State.PAUSING:
            self._commit(Cause.TURN_COMMITTED, detector.speech_end_ns)
        detector.reset()

    def _commit(self, cause: Cause, at_ns: int) -> None:
        """The user's turn is over."""
        self._committed = True
        self.hearing.detector.reset()
        self._move(cause, at_ns)

    def _interrupt(self) -> None:
        """The user takes the floor."""
        self._committed = False
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

    def _on_chunk(self, event: ev.ChunkReady) -> None:
        self._do(self.replying.chunk(event))
        if not self.replying.speech.rate.keeps_up:
            name = self.settings.tts.name
            self._notice(f"{name} cannot keep up on this machine: expect pauses; choose a lighter one with tts.adapter")

    def _start_reply(self, text: str) -> None:
        self._committed = False
        self.hearing.forget()
        if not text:
            self._move(Cause.NOTHING_HEARD, self._now_ns)
            return
        self._keep(act.Remember(self.turns.turn, "user", text))
        self._out.append(self.replying.ask(self.turns.turn, self.conversation.snapshot()))

    def _finish_reply(self) -> None:
        if not self.replying.speech.phrases:
            self._notice("the reply held nothing that can be said: look at the reply source, llm.adapter")
        remember, audible = self.replying.finish()
        self._keep(remember)
        self._move(Cause.REPLY_FINISHED if audible else Cause.REPLY_FAILED, self._now_ns)

    # -- faults and time ------------------------------------------------------------------

    def _on_failure(self, event: ev.AdapterFailed) -> None:
        if event.role == "tts":
            follow = self.replying.engine_failed(event)
            if follow is None:
                return
            self._do(follow)
        elif event.role == "stt":
            again = self.hearing.failed(event.ticket, event.retryable, self._now_ns)
            self._do([again] if again is not None else [])
        elif event.role == "llm" and not self.replying.source_failed(event.ticket):
            return
        elif event.role == "mic":
            self._input_ended = True
            self._end_hearing()
        self._notice(event.detail)
        if event.role == "speaker":
            self._end("speaker lost")

    def _on_deadline(self, _event: ev.DeadlinePassed) -> None:
        stalled = self.replying.stalled(self._now_ns)
        if stalled is not None:
            self._on_failure(stalled)
        if self.hearing.give_up(self._now_ns):
            self._notice("transcription has stalled: what was said is not understood")
        if self.replying.cut_overdue(self._now_ns):
            self._keep(self.replying.settle(self.replying.read_index))

    def _on_input_end(self, _event: ev.InputEnded) -> None:
        self._input_ended = True

    def _end(self, reason: str) -> None:
        self._interrupt()
        if self.replying.cutting:
            self._keep(self.replying.settle(self.replying.read_index))
        self.ended = True
        self._out.append(act.EndSession(reason))

    # -- what follows from any event ------------------------------------------------------

    def _advance(self) -> None:
        """Do whatever the state now allows."""
        if self.ended:
            return
        words = self.hearing.text if self._committed and not self.replying.cutting else None
        if words is not None:
            self._start_reply(words)
        if self._requests and self.turns.state is State.LISTENING and not self.replying.cutting:
            self._move(Cause.SPEAK_REQUESTED, self._now_ns)
            self.replying.say(self.turns.turn, self._requests.popleft())
        self._do(self.replying.next_job(self._now_ns))
        if self.replying.played:
            self._finish_reply()
        if self._input_ended and self._quiet:
            self.ended = True
            self._out.append(act.EndSession("finished"))

    @property
    def _quiet(self) -> bool:
        """Nobody speaks, nothing is under way."""
        waiting = self._requests or self.replying.cutting or self.hearing.detector.run_samples
        return self.turns.state is State.LISTENING and not waiting

    def _do(self, actions: list[act.Action]) -> None:
        self._out += actions

    def _keep(self, remember: act.Remember) -> None:
        """Take it into the conversation, and say so; an apology is no part of what the reply source said."""
        if remember.role == "user" or not self.replying.apologized:
            self.conversation.add(remember.role, remember.text)
        self._out.append(remember)

    def _move(self, cause: Cause, at_ns: int) -> None:
        state = self.turns.move(cause)
        self._out.append(act.ShowTurn(self.turns.turn, state, cause, at_ns))

    def _notice(self, text: str) -> None:
        """Say it once."""
        if text not in self._noticed:
            self._noticed.add(text)
            self._out.append(act.Notice(text))
