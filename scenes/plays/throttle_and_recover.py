"""Throttle & Recover: the engine is slowed down and released. Chunks shrink, then grow, and nothing is to be heard of
it. Where it is slower than speech for good, that is said before the first gap."""

from __future__ import annotations

from adapters.tts.trouble import Trouble
from orchestrator import actions as act
from scenes.script import aloud
from scenes.simulator import Simulator
from scenes.stage import Scene, Stage
from scenes.world import World
from timeline import events as ev
from timeline.clock import NS_PER_MS

SLOW_FROM_MS, SLOW_TO_MS, END_MS = 10_000, 18_000, 36_000
SHRUNK = 0.75  # chunks under a load, of what they were
SPENT = 0.7  # of the time that the lead lasts


def play(stage: Stage) -> None:
    below(stage)
    above(stage)


def below(stage: Stage) -> None:
    """Slowed, but faster than speech."""
    draw = stage.random
    rtf, call_ms, first = draw.uniform(0.15, 0.3), draw.uniform(0, 5), draw.randrange(12)
    factor = draw.uniform(0.6, 0.95) / rtf
    simulator = throttled(stage, rtf, call_ms, first, ((SLOW_FROM_MS, SLOW_TO_MS, factor),))
    before, _, after = sizes(simulator)
    stage.exactly("underrun_samples_below", simulator.underrun_samples(), 0)
    stage.at_least("grows_again_below", max(after) / max(before), 1)


def above(stage: Stage) -> None:
    """Slower than speech for good: chunks shrink, it runs dry, and says so before. Released in time: they grow again,
    and nothing is heard of it."""
    draw = stage.random
    rtf, call_ms, first = draw.uniform(0.15, 0.3), draw.uniform(0, 5), draw.randrange(12)
    factor = draw.uniform(1.1, 1.3) / rtf
    hopeless = throttled(stage, rtf, call_ms, first, ((SLOW_FROM_MS, 1e9, factor),))
    said_ns = min((t_ns for t_ns, fact in hopeless.of(act.Notice) if "keep up" in fact.text), default=None)
    dry_ns = min((t_ns for t_ns, tick in hopeless.of(ev.SinkTick) if tick.underrun_samples), default=None)
    stage.exactly("runs_dry_hopeless", int(dry_ns is not None), 1)
    if dry_ns is None:
        return
    stage.at_least("said_before_dry_ms", (dry_ns - said_ns) / NS_PER_MS if said_ns is not None else float("-inf"), 0)
    spent_ms = SPENT * (dry_ns / NS_PER_MS - SLOW_FROM_MS)
    released = throttled(stage, rtf, call_ms, first, ((SLOW_FROM_MS, SLOW_FROM_MS + spent_ms, factor),))
    before, *slowed = sizes(hopeless)  # for good: one with large chunks asks for few of them in the slow time
    least = min(hopeless.settings.tts.granularity)  # what begins with the smallest chunks has none smaller
    stage.at_most("shrinks_above", min(map(min, filter(None, slowed))), max(least, SHRUNK * max(before)))
    stage.exactly("underrun_samples_above", released.underrun_samples(), 0)
    _, during, after = sizes(released)
    stage.at_least("grows_again_above", max(after), min(max(before), min(during) + 1))


def throttled(
    stage: Stage, rtf: float, call_ms: float, first: int, load: tuple[tuple[float, float, float], ...]
) -> Simulator:
    trouble = Trouble(open_ms=20, call_ms=call_ms, rtf=rtf, jitter=0.03)
    text = aloud(END_MS / 1000, first)
    world = World(events=[(100, ev.SpeakRequested(text)), (200, ev.InputEnded())], load=load)
    return stage.hold(world, trouble, END_MS * 3)


def sizes(simulator: Simulator) -> tuple[list[int], list[int], list[int]]:
    """Units asked for before, during, and after the slow time."""
    asked = [(t_ns / NS_PER_MS, fact.units) for t_ns, fact in simulator.of(act.RequestChunk)]
    before = [units for at, units in asked if at < SLOW_FROM_MS]
    during = [units for at, units in asked if SLOW_FROM_MS <= at < SLOW_TO_MS]
    return before, during, [units for at, units in asked if at >= SLOW_TO_MS]


SCENE = Scene("throttle-and-recover", "the engine is slowed and released: chunks shrink, then grow; inaudible", play,
              seeds_most=300)  # fmt: skip
