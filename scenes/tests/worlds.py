"""Worlds for tests: a session of the simulator in one call, and what must hold in every one of them.

The engine is the null engine, a tone per word whose pitch follows from its phrase's seed. So the sound itself tells
which words were heard and of which phrase, and the tests need not believe the ledger.
"""

from __future__ import annotations

from typing import Any

from adapters.registry import Context
from adapters.tts.null import NullTts
from orchestrator import actions as act
from orchestrator.settings import CoreSettings
from scenes.invariants import violations
from scenes.simulator import Simulator
from scenes.world import World
from timeline.clock import VirtualClock

WORDS = "alpha bravo charlie delta foxtrot golf hotel india juliet kilo lima mike november oscar papa"


def null_tts(**options: Any) -> tuple[NullTts, VirtualClock]:
    """A null engine and the clock that it waits on."""
    clock = VirtualClock()
    return NullTts(NullTts.Options(**options), Context(None, clock, None)), clock  # type: ignore[arg-type]


def session(world: World, engine: dict[str, Any] | None = None, **settings: Any) -> Simulator:
    """A session that has not begun."""
    tts, clock = null_tts(**(engine or {}))
    return Simulator(CoreSettings(tts=tts.describe(), **settings), tts, clock, world)


def held(world: World, engine: dict[str, Any] | None = None, until_ms: float = 60_000, **settings: Any) -> Simulator:
    """A session that has been held, and was sane."""
    simulator = session(world, engine, **settings)
    simulator.run(until_ms)
    check(simulator)
    return simulator


def states(simulator: Simulator) -> list[str]:
    return [fact.state for _, fact in simulator.of(act.ShowTurn)]


def causes(simulator: Simulator) -> list[str]:
    return [fact.cause for _, fact in simulator.of(act.ShowTurn)]


def remembered(simulator: Simulator, role: str) -> list[act.Remember]:
    return [fact for _, fact in simulator.of(act.Remember) if fact.role == role]


def messages(simulator: Simulator) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in simulator.core.conversation.messages]


def notices(simulator: Simulator) -> list[str]:
    return [fact.text for _, fact in simulator.of(act.Notice)]


def underrun_samples(simulator: Simulator) -> int:
    return simulator.underrun_samples()


# -- what holds in every world --------------------------------------------------------------


def check(simulator: Simulator) -> None:
    """Assert what no script of events may break."""
    assert violations(simulator) == []
