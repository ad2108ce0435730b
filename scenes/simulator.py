"""The simulator: the same core and bus as in production, on a virtual clock that jumps to the next event.

Everything around them is an actor with a script (scenes.actors, scenes.world). No thread, no sleep, no wall clock, and
randomness only where it is handed in: the same script gives the same session, to the sample.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from adapters.base import Tts
from orchestrator import actions as act
from orchestrator.bus import Bus
from orchestrator.core import Core
from orchestrator.settings import CoreSettings
from scenes.actors import EarActor, EngineActor, Machine, Noise, RecognizerActor, ReplyActor, SinkActor
from scenes.agenda import Agenda
from scenes.world import Speech, World
from stitcher.dither import make_dither
from stitcher.pcm import Int16
from timeline import events as ev
from timeline.clock import NS_PER_MS, VirtualClock

RUN_MOST_MS = 600_000.0

Watcher = Callable[[Any], None]
"""Told each event, and each action before it is carried out."""


@dataclass
class Simulator:
    """`engine_clock` is the clock that the adapter waits on: how far it moves is what a call costs. With an `agenda` or
    a `machine` of another one, two sessions live in one time and share one engine."""

    settings: CoreSettings
    tts: Tts
    engine_clock: VirtualClock
    world: World
    noise: Noise = lambda: 0.0
    agenda: Agenda = field(default_factory=Agenda)
    machine: Machine | None = None
    others: Mapping[str, tuple[Tts, VirtualClock]] = field(default_factory=dict)  # engines that may take over
    make_recognizer: Callable[[World, Any, Agenda, Callable[[Any], None]], Any] = RecognizerActor
    watchers: list[Watcher] = field(default_factory=list)
    records: list[tuple[int, str, Any]] = field(default_factory=list)  # (session ns, event | action, fact)

    def __post_init__(self) -> None:
        world, agenda = self.world, self.agenda
        self.core = Core(self.settings)
        self.bus = Bus(self.settings.rate_hz, dither=make_dither(self.settings.dither_dbfs, self.settings.seed))
        self._leap_ns = 0
        self._pending: deque[Any] = deque()
        self._draining = False
        self._armed_ns: int | None = None
        self.machine = self.machine or Machine(self.tts, self.engine_clock, agenda, world)
        for at_ms, event in world.events:
            agenda.later(int(at_ms * NS_PER_MS), partial(self.post, event))
        for at_ms, by_ms in world.jumps:
            agenda.later(int(at_ms * NS_PER_MS), partial(self._leap, int(by_ms * NS_PER_MS)))
        self.sink = SinkActor(world, self.bus, agenda, self.noise, self.now_ns, self.post)
        hears = world.ears or (lambda session: EarActor(world, agenda, session.now_ns, session.post))
        self.ears: Any = hears(self)
        others = {name: Machine(tts, clock, agenda, World()) for name, (tts, clock) in self.others.items()}
        self.engines = {
            name: EngineActor(machine, self.bus, agenda, self.post)
            for name, machine in {self.settings.tts.name: self.machine, **others}.items()
        }
        self._speaks: dict[int, str] = {}  # phrase -> engine
        self._recognizer = self.make_recognizer(world, self.ears, agenda, self.post)
        self._replies = ReplyActor(world, agenda, self.post)

    def run(self, until_ms: float = RUN_MOST_MS) -> None:
        """Go on until the core ends or the time has come."""
        self.agenda.run(int(until_ms * NS_PER_MS), lambda: self.core.ended)

    def now_ns(self) -> int:
        """The session's time."""
        return self.agenda.clock.now_ns() + self._leap_ns

    def audio(self) -> Int16:
        """All that the sink played."""
        return np.concatenate(self.sink.played) if self.sink.played else np.zeros(0, np.int16)

    def of(self, kind: type) -> list[tuple[int, Any]]:
        """(ns, fact) of every event or action of one kind."""
        return [(t_ns, fact) for t_ns, _, fact in self.records if isinstance(fact, kind)]

    def underrun_samples(self) -> int:
        """Samples that were missing when the sink asked for them."""
        return sum(tick.underrun_samples for _, tick in self.of(ev.SinkTick))

    def say(self, text: str, after_ms: float, for_ms: float) -> None:
        """The user says something that was not in the script."""
        start_ms = self.agenda.clock.now_ns() / NS_PER_MS + after_ms
        self.ears.say(Speech(start_ms, start_ms + for_ms, text))

    def later(self, after_ms: float, event: Any) -> None:
        """Post an event that was not in the script."""
        self.agenda.later(int(after_ms * NS_PER_MS), partial(self.post, event))

    def post(self, event: Any) -> None:
        """A fact has arrived; as in the shell, what follows from it is taken in turn."""
        if self.core.ended:
            return
        self._pending.append(event)
        if self._draining:
            return
        self._draining = True
        while self._pending:
            self._handle(self._pending.popleft())
        self._draining = False
        self.core.check_invariants()
        self._arm()

    def _handle(self, event: Any) -> None:
        now_ns = self.now_ns()
        self.records.append((now_ns, "event", event))
        actions = self.core.handle(event, now_ns)
        self.records += [(now_ns, "action", action) for action in actions]
        if self.watchers:
            for fact in (event, *actions):
                for watch in self.watchers:
                    watch(fact)
        for action in actions:
            self._carry_out(action)

    def _carry_out(self, action: act.Action) -> None:
        self._pending.extend(self.bus.apply(action))
        if isinstance(action, act.OpenPhrase):
            self._speaks[action.phrase] = action.engine or self.settings.tts.name
        if isinstance(action, act.OpenPhrase | act.RequestChunk | act.ClosePhrase):
            if action.phrase in self._speaks:
                self.engines[self._speaks[action.phrase]].carry_out(action)
        elif isinstance(action, act.Transcribe):
            self._recognizer.carry_out(action)
        elif isinstance(action, act.StartReply | act.CancelReply):
            self._replies.carry_out(action)

    # -- time -----------------------------------------------------------------------------

    def _arm(self) -> None:
        """Wake the core when it wants to be woken."""
        deadline_ns = self.core.deadline_ns()
        if deadline_ns == self._armed_ns:
            return
        self._armed_ns = deadline_ns
        if deadline_ns is not None:
            self.agenda.later(deadline_ns - self.now_ns(), partial(self._on_deadline, deadline_ns))

    def _on_deadline(self, deadline_ns: int) -> None:
        if self._armed_ns == deadline_ns and not self.core.ended:
            self._armed_ns = None
            self.post(ev.DeadlinePassed())

    def _leap(self, by_ns: int) -> None:
        self._leap_ns += by_ns
        self._armed_ns = None
        self._arm()
