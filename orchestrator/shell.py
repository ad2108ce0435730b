"""The shell: the asyncio skin around core and bus. It moves facts in and wishes out, and decides nothing.

    device callbacks --notify--> facts drained --> SinkTick, EarFrame --\\
    worker threads   --results-> PhraseOpened, ChunkReady, Transcribed --+--> core.handle --> actions
    reply tasks      --deltas--> ReplyDelta, ReplyEnded ----------------/        |
                                                                     bus, workers, reply tasks
Rules. Core and bus run to completion on the loop's thread; nothing awaits inside. Each event and each
action goes to the journal in order before it is carried out.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from adapters.base import AdapterError, Microphone, Replies, Speaker, Stt, Tts
from adapters.ears.base import EndOfTurn, Vad, WakeWord
from orchestrator import actions as act
from orchestrator.bus import Bus, drained
from orchestrator.core import Core
from orchestrator.ears import Ears
from orchestrator.echo import EchoPath
from orchestrator.engines import ReplyTask, SpeechEngines, SttEngine
from orchestrator.judging import TurnJudge
from orchestrator.turns import State
from stitcher.capture import Capture
from timeline import events as ev
from timeline.clock import NS_PER_S, Clock

ATTENTIVE = (State.HEARING, State.YIELDING)  # somebody speaks: there will be something to transcribe

Watch = Callable[[int, str, Any], None]
"""Told (session ns, "event" | "action" | "note", fact), in order: the journal, the terminal, a simulated user."""


@dataclass(slots=True)
class Parts:
    """What a session is made of. Without ears (`microphone`, `vad`, `stt`) it only speaks."""

    clock: Clock
    tts: Tts
    speaker: Speaker
    microphone: Microphone | None = None
    vad: Vad | None = None
    stt: Stt | None = None
    replies: Replies | None = None
    tasks: dict[str, Replies] = field(default_factory=dict)  # the task sources, by the names that the core knows
    others: dict[str, Tts] = field(default_factory=dict)  # engines that may take over, by name
    turn: EndOfTurn | None = None  # tells whether a turn is over; None: plain silence does
    wake: WakeWord | None = None  # None: nothing has to be said first
    echo: EchoPath | None = None  # None: nothing is to be cancelled here,
    layer: str = "none"  # because no echo is to be expected, or it is client: the other end cancels its own

    @property
    def voices(self) -> dict[str, Tts]:
        """All engines, the first one first."""
        return {self.tts.describe().name: self.tts, **self.others}


class Shell:
    def __init__(self, core: Core, bus: Bus, parts: Parts, watchers: list[Watch]) -> None:
        self.core = core
        self.bus = bus
        self.parts = parts
        self.watchers = watchers
        self.reason = ""  # why it ended
        self._bug: BaseException | None = None  # what broke in a callback: ours, and it ends the session
        self.on_audio: Callable[[bytes], None] | None = None  # gets what was really played, int16 little-endian
        self._pending: deque[Any] = deque()
        self._early: deque[Any] = deque()  # posted from threads before the session began
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining = False
        self._timer: asyncio.TimerHandle | None = None
        self.ears: Ears | None = None

    async def run(self, first: list[Any]) -> str:
        """Hold the session, `first` being the events to begin with; returns why it ended."""
        self._loop = loop = asyncio.get_running_loop()
        self._done = asyncio.Event()
        self._speech = SpeechEngines(self.parts.voices, self.parts.clock, loop, self.bus, self.post)
        self._stt = SttEngine(self.parts.stt, self.parts.clock, loop, self.post) if self.parts.stt else None
        self._judge = TurnJudge(self.parts.turn, self.parts.clock, loop, self.post) if self.parts.turn else None
        sources = {ev.CONVERSATION: self.parts.replies} if self.parts.replies else {}
        sources |= self.parts.tasks
        self._replies = [ReplyTask(replies, self.post, name) for name, replies in sources.items()]
        loop.set_exception_handler(self._on_bug)
        wake, self._waker = socket.socketpair()
        wake.setblocking(False)
        self._waker.setblocking(False)
        loop.add_reader(wake, self._on_wake, wake)
        try:
            self._start_devices()
            for event in (*first, *self._early):
                self.post(event)
            await self._done.wait()
        finally:
            self._stop()
            loop.remove_reader(wake)
            wake.close()
            self._waker.close()
        if self._bug is not None:
            raise self._bug
        return self.reason

    def post(self, event: Any) -> None:
        """A fact has arrived (loop's thread only; from others use `post_from_thread`)."""
        self._pending.append(event)
        if self._draining:
            return
        self._draining = True
        try:
            while self._pending:
                self._handle(self._pending.popleft())
        finally:
            self._draining = False
        self._set_timer()

    def _on_bug(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An exception in a callback would only be logged, and the session go on in an unknown state."""
        self._bug = context.get("exception")
        if self._bug is None:
            loop.default_exception_handler(context)
        else:
            self._done.set()

    def post_from_thread(self, event: Any) -> None:
        if self._loop is None:
            self._early.append(event)  # the session has not begun
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed: the session is over
            self._loop.call_soon_threadsafe(self.post, event)

    def losses(self) -> dict[str, int]:
        """What found no room or came too late, by name; zeros where all is well."""
        playout, capture = self.bus.playout, self.ears.capture if self.ears is not None else None
        devices = (self.parts.speaker, self.parts.microphone)
        return {
            "lost_samples": playout.lost_samples,
            "lost_ticks": playout.lost_ticks,
            "unstitched_samples": self.bus.stitcher.overflow_samples,
            "unheard_samples": capture.lost_samples if capture is not None else 0,
            "device_xruns": sum(getattr(device, "xruns", 0) for device in devices),
        }

    def note(self, **fields: Any) -> None:
        """Something for the journal that is neither event nor action."""
        self._tell(self.parts.clock.now_ns(), "note", fields)

    def _handle(self, event: Any) -> None:
        now_ns = self.parts.clock.now_ns()
        self._tell(now_ns, "event", event)
        actions = self.core.handle(event, now_ns)
        for action in actions:
            self._tell(now_ns, "action", action)
        for action in actions:
            self._carry_out(action)

    def _tell(self, t_ns: int, what: str, fact: Any) -> None:
        for watch in self.watchers:
            watch(t_ns, what, fact)

    def _carry_out(self, action: act.Action) -> None:
        if isinstance(action, act.StitchChunk | act.DropChunk | act.FinishStream | act.Flush | act.Hold | act.Retract):
            self._pending.extend(self.bus.apply(action))
            self.parts.speaker.kick()
        if isinstance(action, act.OpenPhrase | act.RequestChunk | act.ClosePhrase | act.Flush):
            self._speech.carry_out(action)
        elif isinstance(action, act.Transcribe) and self._stt is not None and self.ears is not None:
            self._stt.transcribe(action, self.ears.slice(action.start_position, action.end_position))
        elif isinstance(action, act.JudgeTurn) and self._judge is not None and self.ears is not None:
            self._judge.judge(action, self.ears.slice(action.start_position, action.end_position))
        elif isinstance(action, act.OwnWords) and self.ears is not None and self.ears.echo is not None:
            self.ears.echo.guard.own_words(self.parts.clock.now_ns())
        elif isinstance(action, act.ShowTurn) and action.state in ATTENTIVE and self._stt is not None:
            self._stt.prepare()
        elif isinstance(action, act.StartReply | act.CancelReply):
            for replies in self._replies:
                replies.carry_out(action)
        elif isinstance(action, act.EndSession):
            self.reason = action.reason
            self._done.set()

    # -- devices --------------------------------------------------------------------------

    def _start_devices(self) -> None:
        parts = self.parts
        parts.speaker.start(self.bus.playout, self._notify, lambda fault: self._lost("speaker", fault))
        if parts.microphone is not None and parts.vad is not None:
            capture = Capture(parts.microphone.rate_hz)
            self.ears = Ears(capture, parts.vad, parts.echo, parts.wake)
            if parts.echo is None:  # else the ears tell
                self.post(ev.EchoState(parts.layer))
            parts.microphone.start(capture, self._notify, lambda fault: self._lost("mic", fault))

    def _notify(self) -> None:
        """Called by device callbacks: one byte, never blocking; a full pipe means the loop knows already."""
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")

    def _lost(self, role: str, fault: AdapterError) -> None:
        self.post_from_thread(ev.AdapterFailed(role, role, fault.kind, fault.detail, fault.retryable))

    def _on_wake(self, wake: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            wake.recv(4096)
        self.drain()

    def drain(self) -> None:
        """Everything that the devices have left: ticks with what was played, then windows of what was heard."""
        for tick, block in drained(self.bus.playout):
            if self.on_audio is not None and block.size:
                self.on_audio(block.astype("<i2").tobytes())
            if self.ears is not None and self.ears.echo is not None:
                self.ears.echo.reference.played(block, tick.device_ns)
            self.post(tick)
        if self.ears is not None:
            self._hear(self.ears)

    def _hear(self, ears: Ears) -> None:
        try:
            frames = list(ears.listen())
        except Exception as fault:  # the detector's bug is an adapter's fault: deaf, and said so
            self.ears = None
            line = f"the voice activity detector failed ({type(fault).__name__}: {fault}); choose another: ears.adapter"
            line = fault.detail if isinstance(fault, AdapterError) else line  # the echo canceller's names its own cure
            self.post(ev.AdapterFailed("mic", "ears", "crashed", line, False))
            return
        for frame in frames:
            self.post(frame)

    # -- time -----------------------------------------------------------------------------

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline_ns = self.core.deadline_ns()
        if deadline_ns is not None and not self._done.is_set():
            delay_s = max(0, deadline_ns - self.parts.clock.now_ns()) / NS_PER_S
            assert self._loop is not None
            self._timer = self._loop.call_later(delay_s, self.post, ev.DeadlinePassed())

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for device in (self.parts.microphone, self.parts.speaker):
            try:
                if device is not None:
                    device.stop()
            except AdapterError as fault:
                self.note(warning=fault.detail)
                self.reason = "speaker lost" if device is self.parts.speaker else self.reason
        self.drain()
        self._speech.close()
        for worker in (self._stt, self._judge, *self._replies):
            if worker is not None:
                worker.close()
