"""The core: takes events, answers actions; the only place where anything is decided.

Rules. `handle(event, now_ns)` is the only mutator and runs to completion. No clock, no I/O, no thread, no
randomness: the same events in give the same actions out, and that equation is what replay tests. It never
sees a sample. Whatever it wants done late it names in `deadline_ns()`; the shell answers with DeadlinePassed.

    EarFrame, Transcribed, UserTyped -> Hearing (the user's half) -\\
                                                                    Dialogue, turn table -> who has the floor
    ReplyDelta, ChunkReady, SinkTick -> Replying (the other half) -/
    ReplyDelta of a task source -> Floor -> when it may be heard, Replying
"""

from __future__ import annotations

from collections import deque
from typing import Any

from orchestrator import actions as act
from orchestrator.dialogue import Dialogue
from orchestrator.health import too_slow
from orchestrator.listening import Heard, listen, reconsider
from orchestrator.microphone_health import MicrophoneHealth
from orchestrator.settings import CoreSettings
from orchestrator.story import Story
from orchestrator.turns import Cause, State
from timeline import events as ev
from timeline.clock import NS_PER_MS

ROOM_MS = 200  # half duplex stays deaf that long after the last sample: a living room has died away by then


class Core:
    def __init__(self, settings: CoreSettings) -> None:
        self.settings = settings
        self.dialogue = dialogue = Dialogue(settings)
        self.turns, self.floor, self.conversation = dialogue.turns, dialogue.floor, dialogue.conversation
        self.hearing, self.replying = hearing, replying = dialogue.hearing, dialogue.replying
        rendering = replying.rendering
        self.microphone = MicrophoneHealth(settings.microphone, settings.ear_rate_hz)
        self.ended = False
        self.story = Story()
        self._now_ns = 0
        self._requests: deque[str] = deque()  # texts to speak that wait for the floor
        self._input_ended = False
        do = dialogue.do
        self._handlers: dict[type, Any] = {
            ev.SinkTick: self._on_tick,
            ev.PhraseOpened: lambda event: do(rendering.opened(event, self._now_ns)),
            ev.ChunkReady: lambda event: do(rendering.chunk(event, self._now_ns)),
            ev.PullCancelled: lambda event: replying.speech.settled(event.generation, event.phrase, self._now_ns),
            ev.ChunkStitched: rendering.stitched,
            ev.Retracted: lambda event: do(replying.handover.retracted(event)),
            ev.SwapRequested: lambda event: do(replying.handover.ask(event)),
            ev.EarFrame: self._on_ear,
            ev.MicrophoneBack: lambda event: do(self.microphone.back(event.name)),
            ev.WakeWordHeard: lambda event: hearing.waking.spotted(event.position),
            ev.Transcribed: self._on_transcribed,
            ev.WordsTimed: lambda event: None,  # for the journal
            ev.EchoState: self._on_echo,
            ev.TurnJudged: hearing.endpoint.judge,
            ev.UserTyped: lambda event: dialogue.typed(event.text),
            ev.SpeakRequested: lambda event: self._requests.append(event.text),
            **dict.fromkeys((ev.ReplyDelta, ev.ReplyEnded), self._on_reply),
            ev.AdapterFailed: self._on_failure,
            ev.InputEnded: lambda event: setattr(self, "_input_ended", True),
            ev.DeadlinePassed: self._on_deadline,
            ev.StopRequested: lambda event: self._end("stopped"),
        }

    def handle(self, event: Any, now_ns: int) -> list[act.Action]:
        """Take in one fact; returns the wishes that follow from it, in order."""
        self._now_ns = self.dialogue.now_ns = now_ns
        self.dialogue.out = []
        if not self.ended:
            self._handlers[type(event)](event)
            self._advance()
            self.story.add(now_ns, event, self.dialogue.out)
        return self.dialogue.out

    def deadline_ns(self) -> int | None:
        """When the core wants to be woken though nothing happens; None: never."""
        if self.ended:
            return None
        deadlines = (self.replying.deadline_ns(), self.hearing.deadline_ns(), self.floor.deadline_ns())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def check_invariants(self) -> None:
        """What holds between any two events; called by tests."""
        speech, state = self.replying.speech, self.turns.state
        silent = state is State.LISTENING or (state in (State.HEARING, State.PAUSING) and not speech.gated)
        assert not (speech.active and silent), self.story
        assert not (speech.active and self.replying.cutting), self.story
        job = speech.in_flight
        assert job is None or job.generation == self.replying.rendering.generation, self.story

    # -- what is heard and played ---------------------------------------------------------

    def _on_ear(self, event: ev.EarFrame) -> None:
        state = self.turns.state
        self.dialogue.do(self.microphone.hear(event))
        room_ns = self.replying.silent_ns + ROOM_MS * NS_PER_MS
        sounding = state is not State.LISTENING or event.device_ns < room_ns
        heard = listen(event, state, sounding, self.hearing, self._now_ns)
        self._take_in(heard)
        if heard.cause is None and state is State.LISTENING and self.hearing.detector.run_samples:
            self.floor.freed(self._now_ns)  # somebody may be beginning: a report waits for another breath

    def _on_transcribed(self, event: ev.Transcribed) -> None:
        self.dialogue.do(self.hearing.transcribed(event))
        self.dialogue.notice(event.notice)
        self._take_in(reconsider(self.turns.state, self.hearing))

    def _take_in(self, heard: Heard) -> None:
        """What was heard moves the turn."""
        actions, cause, at_ns = heard
        dialogue = self.dialogue
        dialogue.do(actions)
        if cause is Cause.TURN_COMMITTED:
            dialogue.commit(cause, at_ns)
        elif cause is not None:
            if cause in (Cause.BARGE_IN, Cause.SPEECH_RESUMED):
                dialogue.spoken_into()
            dialogue.move(cause, at_ns)

    def _on_echo(self, event: ev.EchoState) -> None:
        if event.half_duplex:
            cure = "use headphones, or turn the loudspeaker down"
            self.dialogue.notice(f"half duplex, nobody is heard while our voice sounds: {event.reason}; {cure}")

    def _on_tick(self, event: ev.SinkTick) -> None:
        audible_ns = self.replying.tick(event)
        if self.replying.confirms_cut(event):
            self.dialogue.settle(event.flushed_index)
        if audible_ns >= 0 and self.turns.state is State.THINKING:
            self.dialogue.move(Cause.AUDIO_STARTED, audible_ns)

    def _on_reply(self, event: ev.ReplyDelta | ev.ReplyEnded) -> None:
        self.replying.wrote(event)
        self.dialogue.do(self.floor.wrote(event, self._now_ns))

    # -- faults and time ------------------------------------------------------------------

    def _on_failure(self, event: ev.AdapterFailed) -> None:
        if event.role == "tts":
            if (follow := self.replying.rendering.failed(event, self._now_ns)) is None:
                return
            self.dialogue.do(follow)
        elif event.role == "stt":
            self.dialogue.do(self.hearing.failed(event.ticket, event.retryable, self._now_ns))
        elif event.role == "llm" and not self.replying.source_failed(event.ticket):
            if (follow := self.floor.failed(event.ticket, self._now_ns)) is None:
                return
            self.dialogue.do(follow)
        elif event.role == "mic":
            self.dialogue.end_hearing()
            if event.retryable:  # it is looked for, and the session goes on
                self.dialogue.do(self.microphone.lost(event.detail))
                return
            self._input_ended = True
        self.dialogue.notice(event.detail)
        if event.role == "speaker":
            self._end("speaker lost")

    def _on_deadline(self, _event: ev.DeadlinePassed) -> None:
        if (stalled := self.replying.rendering.stalled(self._now_ns)) is not None:
            self._on_failure(stalled)
        if self.hearing.give_up(self._now_ns):
            self.dialogue.notice("transcription has stalled: what was said is lost")
        if self.replying.cut_overdue(self._now_ns):
            self.dialogue.settle(self.replying.read_index)

    def _end(self, reason: str) -> None:
        self.dialogue.interrupt()
        if self.replying.cutting:
            self.dialogue.settle(self.replying.read_index)
        self.dialogue.do([*self.floor.stop(), act.EndSession(reason)])
        self.ended = True

    # -- what follows from any event ------------------------------------------------------

    def _advance(self) -> None:
        """Do whatever the state now allows."""
        if self.ended:
            return
        dialogue, replying = self.dialogue, self.replying
        dialogue.answer()
        if self._requests and self.turns.state is State.LISTENING and not replying.cutting:
            dialogue.move(Cause.SPEAK_REQUESTED, self._now_ns)
            replying.say(self.turns.turn, self._requests.popleft())
        dialogue.mind_floor()
        dialogue.do(replying.release(self._now_ns))
        dialogue.do(replying.next_job(self._now_ns))
        dialogue.notice(too_slow(replying.speech, self._now_ns))
        if replying.played:
            dialogue.finish_reply()
        if self._input_ended and self._quiet:
            self.ended = True
            dialogue.do([act.EndSession("finished")])

    @property
    def _quiet(self) -> bool:
        """Nobody speaks, nothing is under way."""
        waiting = self._requests or self.replying.cutting or self.hearing.detector.run_samples or self.floor.busy
        return self.turns.state is State.LISTENING and not waiting
