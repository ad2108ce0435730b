"""The simulator: the same core and bus as in production, on a virtual clock that jumps to the next event.

Everything around them is a model: the sink takes a block every `block_ms`, the engine is a real adapter whose
waiting is measured on a clock of its own, the user is a script of speech in time, the recognizer hears the
script. No thread, no sleep, no wall clock: the same script gives the same session, to the sample.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from adapters.base import EAR_RATE_HZ, AdapterError, Span, Synthesis, Tts
from orchestrator import actions as act
from orchestrator.bus import Bus, chunk_ready, sink_tick
from orchestrator.core import Core
from orchestrator.settings import CoreSettings
from stitcher.pcm import Int16
from stitcher.playout import FACTS
from timeline import events as ev
from timeline.clock import NS_PER_MS, NS_PER_S, VirtualClock

EAR_WINDOW = 512  # samples, as Silero's
STT_COST_MS = 150  # what a short utterance takes to transcribe


@dataclass(frozen=True, slots=True)
class Speech:
    """The user says `text` from `start_ms` to `end_ms`."""

    start_ms: float
    end_ms: float
    text: str


@dataclass
class World:
    """The script: what surrounds the core."""

    user: Sequence[Speech] = ()
    replies: Sequence[str] = ()
    reply_delay_ms: float = 50
    word_ms: float = 30  # between the words of a reply
    block_ms: int = 20
    events: Sequence[tuple[float, Any]] = ()  # (ms, event): typed lines, stops, requests
    stt_cost_ms: float = STT_COST_MS


@dataclass
class Simulator:
    """`engine_clock` is the clock that the adapter waits on: how far it moves is what a call costs."""

    settings: CoreSettings
    tts: Tts
    engine_clock: VirtualClock
    world: World
    records: list[tuple[int, str, Any]] = field(default_factory=list)
    played: list[Int16] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = VirtualClock()
        self.core = Core(self.settings)
        self.bus = Bus(self.settings.rate_hz)
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._open: dict[tuple[int, int], Synthesis] = {}
        self._engine_free_ns = 0
        self._ear_position = 0
        self._cancelled: set[int] = set()
        self._block = np.zeros(self.settings.rate_hz * self.world.block_ms // 1000, np.int16)
        self._ear_ns = EAR_WINDOW * NS_PER_S // EAR_RATE_HZ
        for at_ms, event in self.world.events:
            self._later(int(at_ms * NS_PER_MS), partial(self.post, event))
        self._later(0, self._sink)
        self._later(self._ear_ns, self._ear)

    def run(self, until_ms: float = 600_000) -> None:
        """Go on until the core ends or the time has come."""
        while self._agenda and not self.core.ended:
            if self._agenda[0][0] > until_ms * NS_PER_MS:
                return
            at_ns, _, call = heapq.heappop(self._agenda)
            self.clock.sleep_until(at_ns)
            call()

    def audio(self) -> Int16:
        """All that the sink played."""
        return np.concatenate(self.played) if self.played else np.zeros(0, np.int16)

    def of(self, kind: type) -> list[tuple[int, Any]]:
        """(ns, fact) of every event or action of one kind."""
        return [(t_ns, fact) for t_ns, _, fact in self.records if isinstance(fact, kind)]

    def post(self, event: Any) -> None:
        now_ns = self.clock.now_ns()
        self.records.append((now_ns, "event", event))
        actions = self.core.handle(event, now_ns)
        self.records += [(now_ns, "action", action) for action in actions]
        for action in actions:
            for stitched in self.bus.apply(action):
                self.post(stitched)
            self._carry_out(action)
        self.core.check_invariants()
        deadline_ns = self.core.deadline_ns()
        if deadline_ns is not None:
            self._later(max(0, deadline_ns - now_ns), lambda: self._deadline(deadline_ns))

    def _deadline(self, deadline_ns: int) -> None:
        if self.core.deadline_ns() == deadline_ns:
            self.post(ev.DeadlinePassed())

    def _later(self, delay_ns: int, call: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._agenda, (self.clock.now_ns() + delay_ns, self._count, call))

    # -- the sink and the user ------------------------------------------------------------

    def _sink(self) -> None:
        self.bus.playout.fill(self._block, self.clock.now_ns())
        self.played.append(self._block.copy())
        facts, tap = self.bus.playout.facts, self.bus.playout.tap
        assert facts is not None and tap is not None
        tick = sink_tick(facts.peek(len(FACTS))[0])
        facts.consume(len(FACTS))
        tap.consume(tap.queued)
        self._later(self.world.block_ms * NS_PER_MS, self._sink)
        self.post(tick)

    def _ear(self) -> None:
        self._ear_position += EAR_WINDOW
        middle_ms = (self._ear_position - EAR_WINDOW / 2) / EAR_RATE_HZ * 1000
        speaks = any(speech.start_ms <= middle_ms < speech.end_ms for speech in self.world.user)
        self._later(self._ear_ns, self._ear)
        self.post(ev.EarFrame(self._ear_position, EAR_WINDOW, 0.95 if speaks else 0.02, -20.0 if speaks else -70.0,
                              self.clock.now_ns()))  # fmt: skip

    # -- engines --------------------------------------------------------------------------

    def _carry_out(self, action: act.Action) -> None:
        if isinstance(action, act.OpenPhrase | act.RequestChunk):
            self._engine(action)
        elif isinstance(action, act.ClosePhrase):
            self._open.pop((action.generation, action.phrase), None)
        elif isinstance(action, act.Transcribe):
            self._later(int(self.world.stt_cost_ms * NS_PER_MS), lambda: self._transcribe(action))
        elif isinstance(action, act.StartReply):
            self._reply(action)
        elif isinstance(action, act.CancelReply):
            self._cancelled.add(action.reply)

    def _engine(self, action: act.OpenPhrase | act.RequestChunk) -> None:
        """One engine, one call at a time: a call begins when the last has ended, late results included."""
        start_ns = self.engine_clock.now_ns()
        result: Any
        try:
            if isinstance(action, act.OpenPhrase):
                result = self.tts.open(Span(action.text, action.voice, action.seed))
            else:
                result = self._open[action.generation, action.phrase].pull(action.units, action.low_latency)
        except AdapterError as error:
            result = error
        cost_ns = self.engine_clock.now_ns() - start_ns
        self._engine_free_ns = max(self._engine_free_ns, self.clock.now_ns()) + cost_ns
        self._later(self._engine_free_ns - self.clock.now_ns(), lambda: self._engine_done(action, result, cost_ns))

    def _engine_done(self, action: act.OpenPhrase | act.RequestChunk, result: Any, cost_ns: int) -> None:
        key = (action.generation, action.phrase, action.seq if isinstance(action, act.RequestChunk) else -1)
        if isinstance(result, AdapterError):
            self.post(
                ev.AdapterFailed("tts", self.settings.tts.name, result.kind, result.detail, result.retryable, *key)
            )
        elif isinstance(action, act.OpenPhrase):
            self._open[action.generation, action.phrase] = result
            self.post(ev.PhraseOpened(action.generation, action.utterance, action.phrase, cost_ns, result.units))
        else:
            rate_hz = self.settings.tts.rate_hz
            self.bus.arrived(key, result, rate_hz)
            self.post(chunk_ready(key, action.utterance, result, rate_hz, cost_ns))

    def _transcribe(self, action: act.Transcribe) -> None:
        start_ms, end_ms = (at * 1000 / EAR_RATE_HZ for at in (action.start_position, action.end_position))
        heard = [said.text for said in self.world.user if said.start_ms < end_ms and said.end_ms > start_ms]
        render_ns = int(self.world.stt_cost_ms * NS_PER_MS)
        self.post(
            ev.Transcribed(
                action.segment,
                action.attempt,
                action.final,
                " ".join(heard),
                action.start_position,
                action.end_position,
                render_ns,
            )
        )

    def _reply(self, action: act.StartReply) -> None:
        lines = self.world.replies or ("All right.",)
        words = lines[(action.reply - 1) % len(lines)].split()
        for number, word in enumerate(words):
            delta = ev.ReplyDelta(action.reply, word + " ")
            at_ms = self.world.reply_delay_ms + number * self.world.word_ms
            self._later(int(at_ms * NS_PER_MS), partial(self._unless_cancelled, delta))
        end_ms = self.world.reply_delay_ms + len(words) * self.world.word_ms
        self._later(int(end_ms * NS_PER_MS), lambda: self._unless_cancelled(ev.ReplyEnded(action.reply)))

    def _unless_cancelled(self, event: ev.ReplyDelta | ev.ReplyEnded) -> None:
        if event.reply not in self._cancelled:
            self.post(event)
