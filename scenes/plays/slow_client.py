"""Slow Client: a client at the end of a network takes nothing for a while, then goes on, or takes all at once. What
lies ahead of it stays bounded, the engine is not driven on, and not a sample is lost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from adapters.tts.trouble import Trouble
from orchestrator import actions as act
from orchestrator.bus import RING_SECONDS
from scenes.script import aloud
from scenes.simulator import Simulator
from scenes.stage import Scene, Stage
from scenes.world import Sink, World
from timeline import events as ev

READ_S = 25
STALLS = 4


def play(stage: Stage) -> None:
    draw = stage.random
    trouble = Trouble(open_ms=draw.uniform(0, 40), call_ms=draw.uniform(0, 10), rtf=draw.uniform(0.02, 0.4), jitter=0.1)
    stalls = tuple((draw.uniform(500, READ_S * 1000), draw.uniform(200, 6000)) for _ in range(STALLS))
    text = aloud(READ_S, draw.randrange(12))
    events = [(100, ev.SpeakRequested(text)), (200, ev.InputEnded())]
    slow = stage.hold(World(events=events, sink=Sink(stalls=stalls)), trouble, 200_000)
    hasty = stage.hold(World(events=events, sink=Sink(stalls=stalls, catches_up=True)), trouble, 200_000)
    plain = stage.hold(World(events=events), trouble, 200_000)
    for name, simulator in (("slow", slow), ("hasty", hasty)):
        said = [fact.text for _, fact in simulator.of(act.Remember)]
        stage.exactly(f"{name}_heard_whole", int(said == [text]), 1)
        stage.at_most(f"{name}_lead_s_most", lead_s_most(simulator), RING_SECONDS / 2)
        stage.exactly(f"{name}_samples_lost", stream_samples(plain) - stream_samples(simulator), 0)
    stage.exactly("slow_underrun_samples", slow.underrun_samples(), 0)
    stage.measure("hasty_underrun_samples", hasty.underrun_samples())
    stage.exactly("slow_words_changed", int(not same_sound(slow, plain)), 0)


def lead_s_most(simulator: Simulator) -> float:
    leads: Iterator[int] = (tick.written_seen - tick.read_index for _, tick in simulator.of(ev.SinkTick))
    return max(leads) / simulator.settings.rate_hz


def stream_samples(simulator: Simulator) -> int:
    """Samples that the sink took from the stream."""
    return sum(tick.played_samples for _, tick in simulator.of(ev.SinkTick))


def same_sound(one: Simulator, other: Simulator) -> bool:
    """The same audio, from the first sample that sounds on."""
    a, b = (np.trim_zeros(simulator.audio()) for simulator in (one, other))
    return bool(a.size == b.size and np.array_equal(a, b))


SCENE = Scene("slow-client", "a client that stalls: bounded lead, idle engine, nothing lost", play,
              seeds_most=300)  # fmt: skip
