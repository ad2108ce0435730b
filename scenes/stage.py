"""The stage: what a scene plays on, and where it writes down what it found.

A scene takes a Stage (an adapter, a seed), holds simulated sessions on it, and leaves measures and probes. Every
session is checked for what must hold in all of them, and replayed from its own facts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from adapters.base import Capability, Natural, Tts
from adapters.tts.calibrate import in_voice
from adapters.tts.trouble import Trouble, Troubled
from adapters.voice import PLAIN, Voice
from orchestrator.settings import CoreSettings
from orchestrator.voices import matched
from scenes.actors import Machine
from scenes.agenda import Agenda
from scenes.invariants import violations
from scenes.replay import replay_facts
from scenes.simulator import RUN_MOST_MS, Simulator
from scenes.world import World
from stitcher.pcm import Int16
from timeline.clock import NS_PER_S, VirtualClock

Hear = Callable[[Int16, int], Iterator[str]]
"""The words in int16[n] at a rate in Hz, as they are heard at the first hearing, the next, and so on."""

_IN_VOICE: dict[tuple[str, str], Natural | None] = {}  # how engines speak in a voice; the same each time

NOTES_MOST = 5  # lines about what went wrong; the rest is more of the same


def kind_of(name: str) -> str:
    """The adapter of an engine's name; `null#2` is a second one of the kind `null`."""
    return name.split("#")[0]


@dataclass(frozen=True, slots=True)
class Probe:
    """A limit that a scene asserts. `bound`: at most, at least, exactly."""

    name: str
    value: float
    limit: float
    bound: str
    passed: bool


@dataclass
class Held:
    """A session that has been held, and what made it."""

    simulator: Simulator
    cast: tuple[tuple[str, Trouble], ...]  # the engines, by name, each with its trouble; the first one first


@dataclass
class Stage:
    """`adapter`: name of a text-to-speech engine; `make_tts` gives it, loaded and warm, without any trouble."""

    scene: str
    adapter: str
    seed: int
    make_tts: Callable[[str], Tts]
    company: tuple[str, ...] = ()  # other engines that are played with
    hear: Hear | None = None  # a recognizer; None: there is none
    held: list[Held] = field(default_factory=list)
    measures: dict[str, float] = field(default_factory=dict)
    probes: list[Probe] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what went wrong, in words

    def __post_init__(self) -> None:
        self.random = Random(f"{self.scene} {self.seed}")

    # -- sessions -------------------------------------------------------------------------

    def engine(self, trouble: Trouble, adapter: str = "") -> tuple[Tts, VirtualClock]:
        """An adapter with a cost that does not depend on the machine, and the clock on which it waits."""
        clock = VirtualClock()
        name = adapter or self.adapter
        return Troubled(self.make_tts(kind_of(name)), trouble, clock, name), clock

    def session(
        self,
        world: World,
        trouble: Trouble,
        agenda: Agenda | None = None,
        machine: Machine | None = None,
        others: Mapping[str, Trouble] | None = None,
        **settings: Any,
    ) -> Simulator:
        """A session that has not begun. `others`: engines that may take over, which do so in this order unless told
        otherwise. `settings`: of the core."""
        tts, clock = self.engine(trouble)
        more = {name: self.engine(trouble, name) for name, trouble in (others or {}).items()}
        own = tts.describe()
        capabilities = (
            self._in_step(other.describe(), own, settings.get("voice", PLAIN)) for other, _ in more.values()
        )
        described = {"others": tuple(capabilities), "fallback": tuple(more)}
        core = CoreSettings(tts=own, **{"seed": self.seed, "voice": PLAIN, **described, **settings})
        noise = Random(f"noise {self.scene} {self.seed}").random
        simulator = Simulator(core, tts, clock, world, noise, agenda or Agenda(), machine, more)
        self.held.append(Held(simulator, ((self.adapter, trouble), *(others or {}).items())))
        return simulator

    def hold(self, world: World, trouble: Trouble, until_ms: float = RUN_MOST_MS, **settings: Any) -> Simulator:
        """A session held to its end."""
        simulator = self.session(world, trouble, **settings)
        simulator.run(until_ms)
        return simulator

    def _in_step(self, capability: Capability, first: Capability, voice: Voice) -> Capability:
        """As it will speak beside the first one."""
        asked = matched(voice, first.natural, capability.natural)
        key = (kind_of(capability.name), repr(asked))
        if key not in _IN_VOICE:
            _IN_VOICE[key] = in_voice(self.make_tts(key[0]), asked).natural
        return dataclasses.replace(capability, natural=_IN_VOICE[key])

    # -- what was found -------------------------------------------------------------------

    def measure(self, name: str, value: float) -> None:
        self.measures[name] = round(float(value), 3)

    def at_most(self, name: str, value: float, limit: float) -> None:
        self._probe(name, value, limit, "at most", value <= limit)

    def at_least(self, name: str, value: float, limit: float) -> None:
        self._probe(name, value, limit, "at least", value >= limit)

    def exactly(self, name: str, value: float, limit: float) -> None:
        self._probe(name, value, limit, "exactly", value == limit)

    def note(self, line: str) -> None:
        if len(self.notes) < NOTES_MOST:
            self.notes.append(line)

    @property
    def passed(self) -> bool:
        return bool(self.probes) and all(probe.passed for probe in self.probes)

    def close(self, replay: bool = True) -> None:
        """Look at every session that was held: what must hold in all of them, and its replay."""
        wrong, differences = [], []
        for held in self.held:
            wrong += violations(held.simulator)
            if replay:
                differences += self._replay(held)
        for line in wrong + differences:
            self.note(line)
        self.exactly("violations", len(wrong), 0)
        if replay:
            self.exactly("replay_differences", len(differences), 0)
        self.measure("simulated_s", sum(held.simulator.agenda.clock.now_ns() for held in self.held) / NS_PER_S)

    def _replay(self, held: Held) -> list[str]:
        simulator = held.simulator
        facts = ((t_ns, what, fact) for t_ns, what, fact in simulator.records)
        voices = [self.engine(trouble.undying(), name)[0] for name, trouble in held.cast]
        verdict = replay_facts(facts, simulator.settings, voices, simulator.audio())
        return verdict.differences or ([] if verdict.identical else ["a replay differs in decisions or audio"])

    def _probe(self, name: str, value: float, limit: float, bound: str, passed: bool) -> None:
        self.probes.append(Probe(name, round(float(value), 3), limit, bound, bool(passed)))


@dataclass(frozen=True, slots=True)
class Scene:
    """A scripted situation. `pending`: the part of the program that it waits for; such a scene is never passed."""

    name: str
    about: str
    play: Callable[[Stage], None] | None = None
    pending: str = ""
    seeds: int = 1  # played where nobody says how many
    seeds_most: int | None = None  # where more seeds would only be the same again, dearly
    adapters: tuple[str, ...] = ()  # for scenes whose probes need these; empty: all
    company: bool = False  # it needs several engines: those that are played with, else a second one of the kind
