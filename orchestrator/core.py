"""The core: takes events, answers actions; the only place where anything is decided.

Rules. `handle(event, now_ns)` is the only mutator and runs to completion. No clock, no I/O, no thread, no
randomness: the same events in give the same actions out, and that equation is what replay tests. It never
sees a sample. Whatever it wants done late it names in `deadline_ns()`; the shell answers with DeadlinePassed.

    EarFrame, Transcribed, UserTyped -> hearing -> turn table -> StartReply
    ReplyDelta -> speech -> OpenPhrase, RequestChunk; ChunkReady -> StitchChunk
    SinkTick -> lead, first audible sample, what was heard
"""

from __future__ import annotations

from collections import deque
from typing import Any

from orchestrator import actions as act
from orchestrator.conversation import Conversation
from orchestrator.hearing import Hearing
from orchestrator.settings import CoreSettings
from orchestrator.speech import Speech, lead_ns
from orchestrator.turns import Cause, State, TurnTable
from timeline import events as ev
from timeline.clock import NS_PER_MS, NS_PER_S
from timeline.ledger import Entry, Ledger

CUT_WAIT_MS = 500  # a sink that has not confirmed a flush by then is gone; decide from its last tick
STORY_MOST = 40  # events and actions kept for an error message


class Core:
    def __init__(self, settings: CoreSettings) -> None:
        self.settings = settings
        self.turns = TurnTable()
        self.hearing = Hearing(settings)
        self.speech = Speech(settings)
        self.ledger = Ledger(settings.rate_hz)
        self.conversation = Conversation()
        self.generation = 0
        self.reply = 0  # number of the newest reply
        self.read_index = 0  # where the sink stands
        self.ended = False
        self._now_ns = 0
        self._replying = False  # the reply source is still sending
        self._reply_turn = 0
        self._audible_index = -1  # first sample of the utterance that can be heard; -1: not stitched yet
        self._committed = False  # the turn is over, its words may not be here yet
        self._cut_since_ns = -1  # a flush is under way since; -1: none
        self._requests: deque[str] = deque()  # texts to speak that wait for the floor
        self._input_ended = False
        self._warned: set[str] = set()
        self._out: list[act.Action] = []
        self._story: deque[str] = deque(maxlen=STORY_MOST)
        self._handlers: dict[type, Any] = {
            ev.SinkTick: self._on_tick, ev.PhraseOpened: self._on_opened, ev.ChunkReady: self._on_chunk,
            ev.ChunkStitched: self._on_stitched, ev.EarFrame: self._on_ear, ev.Transcribed: self._on_words,
            ev.UserTyped: self._on_typed, ev.SpeakRequested: self._on_request, ev.ReplyDelta: self._on_delta,
            ev.ReplyEnded: self._on_reply_end, ev.AdapterFailed: self._on_failure,
            ev.InputEnded: self._on_input_end, ev.DeadlinePassed: self._on_deadline,
            ev.StopRequested: self._on_stop,
        }  # fmt: skip

    def handle(self, event: Any, now_ns: int) -> list[act.Action]:
        """Take in one fact; returns the wishes that follow from it, in order."""
        self._now_ns = now_ns
        self._out = []
        if not self.ended:
            self._story.append(f"{now_ns} {event}")
            self._handlers[type(event)](event)
            self._advance()
            self._story.extend(f"{now_ns}   -> {action}" for action in self._out)
        return self._out

    def deadline_ns(self) -> int | None:
        """When the core wants to be woken though nothing happens; None: never."""
        cut = self._cut_since_ns + CUT_WAIT_MS * NS_PER_MS if self._cut_since_ns >= 0 else None
        candidates = [d for d in (self.speech.deadline_ns(), self.hearing.deadline_ns(), cut) if d is not None]
        return min(candidates, default=None)

    def story(self) -> str:
        """The last events and actions, for an error message."""
        return "\n".join(self._story)

    def check_invariants(self) -> None:
        """What holds between any two events; called by tests."""
        assert self.read_index >= 0 and self.generation >= 0
        assert not (self.speech.active and self.turns.state in (State.LISTENING, State.HEARING)), self.story()
        assert self._cut_since_ns < 0 or not self.speech.active, self.story()
        assert self.speech.in_flight is None or self.speech.in_flight.generation == self.generation, self.story()

    # -- the sink -------------------------------------------------------------------------

    def _on_tick(self, event: ev.SinkTick) -> None:
        before, self.read_index = self.read_index, event.read_index
        if event.flushed_index >= 0 and self._cut_since_ns >= 0:
            self._settle_cut(event.flushed_index)
        heard = 0 <= self._audible_index < event.read_index
        if self.turns.state is State.THINKING and self.speech.active and heard:
            skipped = max(0, self._audible_index - before)
            offset = max(0, event.first_offset) + (skipped if event.flushed_index < 0 else 0)
            self._move(Cause.AUDIO_STARTED, event.device_ns + offset * NS_PER_S // self.settings.rate_hz)

    def _settle_cut(self, index: int) -> None:
        """The sink says where it fell silent: keep what was heard until there."""
        self._cut_since_ns = -1
        self._remember_reply(index, interrupted=True)

    def _remember_reply(self, index: int, interrupted: bool) -> None:
        parts, measured = [], True
        for phrase in self.speech.phrases.values():
            chars, sure = self.ledger.heard_chars(phrase.number, phrase.text, index)
            parts.append(phrase.text[:chars])
            measured = measured and (sure or not chars)
        text = " ".join(part for part in parts if part)
        self.ledger.forget(self.speech.utterance)
        self.conversation.add("assistant", text)
        self._out.append(act.Remember(self._reply_turn, "assistant", text, interrupted, measured))

    # -- the engine -----------------------------------------------------------------------

    def _on_opened(self, event: ev.PhraseOpened) -> None:
        job = self.speech.in_flight
        if isinstance(job, act.OpenPhrase) and (job.generation, job.phrase) == (event.generation, event.phrase):
            self.speech.opened(event)
        else:
            self._out.append(act.ClosePhrase(event.generation, event.phrase))

    def _on_chunk(self, event: ev.ChunkReady) -> None:
        job = self.speech.in_flight
        key = (event.generation, event.phrase, event.seq)
        if isinstance(job, act.RequestChunk) and (job.generation, job.phrase, job.seq) == key:
            self._out += self.speech.ready(event)
            if not self.speech.rate.keeps_up:
                self._notice(f"{self.settings.tts.name} cannot keep up on this machine: expect pauses; "
                             "choose a lighter voice with tts.adapter")  # fmt: skip
        else:
            reason = "stale" if event.generation != self.generation else "late"
            self._out.append(act.DropChunk(*key, reason))

    def _on_stitched(self, event: ev.ChunkStitched) -> None:
        if event.generation != self.generation:
            return
        self.speech.stitched(event)
        if self._audible_index < 0:
            self._audible_index = event.audible_index
        self.ledger.add(Entry(event.start_index, event.end_index, event.utterance, event.phrase, event.seq,
                              event.marks, self.settings.tts.markers == "measured", event.eos))  # fmt: skip

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
            self._while_not_hearing(state)

    def _while_hearing(self) -> None:
        detector = self.hearing.detector
        if detector.silence_ms >= self.settings.listen.speculate_ms:
            self._out.append(self.hearing.request_final(self._now_ns))
            self._move(Cause.SILENCE_BEGAN, detector.speech_end_ns)
        elif self.hearing.too_long:
            self._out.append(self.hearing.request_final(self._now_ns))
            detector.run_start = detector.position
            self.hearing.begin_segment()
        elif (provisional := self.hearing.request_provisional()) is not None:
            self._out.append(provisional)

    def _while_not_hearing(self, state: State) -> None:
        detector, limits = self.hearing.detector, self.settings.listen
        if state is not State.LISTENING and not limits.barge_in:
            detector.reset()  # half duplex: deaf while thinking and speaking
            return
        detector.drop_short_run()
        enough_ms = limits.onset_ms if state is State.LISTENING else limits.confirm_ms
        if detector.speech_ms < enough_ms:
            return
        if state is not State.LISTENING:
            self._interrupt()
        cause = {State.LISTENING: Cause.SPEECH_STARTED, State.THINKING: Cause.SPEECH_RESUMED}
        self.hearing.begin_segment()
        self._move(cause.get(state, Cause.BARGE_IN), detector.run_start_ns)

    def _commit(self, cause: Cause, at_ns: int) -> None:
        """The user's turn is over."""
        self._committed = True
        self.hearing.detector.reset()
        self._move(cause, at_ns)

    def _interrupt(self) -> None:
        """The user takes the floor: silence within a frame, and nothing old is ever heard again."""
        self._committed = False
        if self._replying:
            self._replying = False
            self._out.append(act.CancelReply(self.reply))
        if not self.speech.active:
            return
        for phrase in self.speech.phrases.values():
            if phrase.opened and not phrase.eos:
                self._out.append(act.ClosePhrase(self.generation, phrase.number))
        self.generation += 1
        self.speech.cancel()
        self._out.append(act.Flush(self.generation))
        self._cut_since_ns = self._now_ns

    def _on_words(self, event: ev.Transcribed) -> None:
        self.hearing.transcribed(event)

    def _on_typed(self, event: ev.UserTyped) -> None:
        self._interrupt()
        self.hearing.forget()
        self.hearing.add_typed(event.text)
        self._commit(Cause.TYPED, self._now_ns)

    # -- replying -------------------------------------------------------------------------

    def _start_reply(self, text: str) -> None:
        self._committed = False
        self.hearing.forget()
        if not text:
            self._move(Cause.NOTHING_HEARD, self._now_ns)
            return
        self.conversation.add("user", text)
        self._out.append(act.Remember(self.turns.turn, "user", text))
        self._begin_speech()
        self.reply += 1
        self._replying = True
        self._out.append(act.StartReply(self.reply, self.conversation.snapshot()))

    def _begin_speech(self) -> None:
        self.speech.begin()
        self._reply_turn = self.turns.turn
        self._audible_index = -1

    def _on_request(self, event: ev.SpeakRequested) -> None:
        self._requests.append(event.text)

    def _on_delta(self, event: ev.ReplyDelta) -> None:
        if self._replying and event.reply == self.reply:
            self.speech.add_text(event.text)

    def _on_reply_end(self, event: ev.ReplyEnded) -> None:
        if self._replying and event.reply == self.reply:
            self._replying = False
            self.speech.end_text()

    # -- faults and time ------------------------------------------------------------------

    def _on_failure(self, event: ev.AdapterFailed) -> None:
        if event.role == "tts":
            self._speech_failed(event)
        elif event.role == "stt":
            self._notice(event.detail)
            again = self.hearing.failed(event.ticket, event.retryable, self._now_ns)
            self._out += [again] if again is not None else []
        elif event.role == "llm" and self._replying and event.ticket == self.reply:
            self._notice(event.detail)
            self._replying = False
            if not self.speech.phrases:
                self.speech.add_text(self.settings.failure_reply)
            self.speech.end_text()
        elif event.role == "mic":
            self._notice(event.detail)
            self._input_ended = True
        elif event.role == "speaker":
            self._notice(event.detail)
            self._end("speaker lost")

    def _speech_failed(self, event: ev.AdapterFailed) -> None:
        job = self.speech.in_flight
        seq = job.seq if isinstance(job, act.RequestChunk) else -1
        if job is None or (job.generation, job.phrase, seq) != (event.generation, event.phrase, event.seq):
            return  # of work that nobody waits for any more
        self._notice(event.detail)
        if not self.speech.failed(event.retryable) and self.speech.idle:
            self._out.append(act.FinishStream())

    def _on_deadline(self, _event: ev.DeadlinePassed) -> None:
        tts, stt = self.speech.deadline_ns(), self.hearing.deadline_ns()
        job = self.speech.in_flight
        if tts is not None and tts <= self._now_ns and job is not None:
            seq = job.seq if isinstance(job, act.RequestChunk) else -1
            line = f"{self.settings.tts.name} has stalled: the phrase is given up"
            self._speech_failed(ev.AdapterFailed("tts", self.settings.tts.name, "stalled", line, False,
                                                 job.generation, job.phrase, seq))  # fmt: skip
        if stt is not None and stt <= self._now_ns:
            self._notice("transcription has stalled: what was said is not understood")
            for segment in self.hearing.segments:
                self.hearing.failed(segment.number, False, self._now_ns)
        if 0 <= self._cut_since_ns <= self._now_ns - CUT_WAIT_MS * NS_PER_MS:
            self._settle_cut(self.read_index)

    def _on_input_end(self, _event: ev.InputEnded) -> None:
        self._input_ended = True

    def _on_stop(self, _event: ev.StopRequested) -> None:
        self._end("stopped")

    def _end(self, reason: str) -> None:
        speaking = self.speech.active
        self._interrupt()
        if speaking or self._cut_since_ns >= 0:
            self._settle_cut(self.read_index)
        self.ended = True
        self._out.append(act.EndSession(reason))

    # -- what follows from any event ------------------------------------------------------

    def _advance(self) -> None:
        """Do whatever the state now allows."""
        if self.ended:
            return
        if self._committed and self._cut_since_ns < 0 and (text := self.hearing.text) is not None:
            self._start_reply(text)
        if self.turns.state is State.LISTENING and self._requests:
            self._move(Cause.SPEAK_REQUESTED, self._now_ns)
            self._begin_speech()
            self.speech.add_text(self._requests.popleft())
            self.speech.end_text()
        ahead = lead_ns(max(0, self.speech.end_index - self.read_index), self.settings.rate_hz)
        if (job := self.speech.next_job(self.generation, ahead, self._now_ns)) is not None:
            self._out.append(job)
        if self.speech.complete and self.read_index >= self.speech.end_index:
            self._finish_reply()
        if self._input_ended and self._quiet:
            self.ended = True
            self._out.append(act.EndSession("finished"))

    def _finish_reply(self) -> None:
        heard = self._audible_index >= 0
        self.speech.cancel()
        self._remember_reply(self.read_index, interrupted=False)
        self._move(Cause.REPLY_FINISHED if heard else Cause.REPLY_FAILED, self._now_ns)

    @property
    def _quiet(self) -> bool:
        """Nobody speaks, nothing is under way."""
        waiting = self._requests or self._cut_since_ns >= 0 or self.hearing.detector.run_samples
        return self.turns.state is State.LISTENING and not waiting

    def _move(self, cause: Cause, at_ns: int) -> None:
        if cause in NEW_TURN:
            self.turns.turn += 1
        state = self.turns.move(cause)
        self._out.append(act.ShowTurn(self.turns.turn, state, cause, at_ns))

    def _notice(self, text: str) -> None:
        """Say it once."""
        if text not in self._warned:
            self._warned.add(text)
            self._out.append(act.Notice(text))


NEW_TURN = frozenset({Cause.SPEECH_STARTED, Cause.BARGE_IN, Cause.TYPED, Cause.SPEAK_REQUESTED})
