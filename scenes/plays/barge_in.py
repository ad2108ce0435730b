"""Barge-In: interruptions at random points, spoken and typed. Silence within a frame, a flush, a new seed, and no audio
of the old generation ever after."""

from __future__ import annotations

from adapters.tts.trouble import Trouble
from orchestrator import actions as act
from orchestrator.turns import Cause
from scenes.invariants import stop_samples
from scenes.script import aloud
from scenes.simulator import Simulator
from scenes.stage import Scene, Stage
from scenes.world import Sink, Speech, World
from stitcher.pcm import frame_samples
from timeline import events as ev

ROUNDS = 10
SEEDS = 100  # with ROUNDS: a thousand points
MUMBLE_MOST_MS = 400  # a backchannel: the voice pauses and goes on
MUMBLE_LEAST_MS = 1500  # a mumble just before an interruption would be its beginning
LATEST_MS = 3500  # after the reply began to sound


def play(stage: Stage) -> None:
    draw = stage.random
    trouble = Trouble(open_ms=draw.uniform(0, 120), call_ms=draw.uniform(0, 30), rtf=draw.uniform(0, 0.6),
                      jitter=draw.uniform(0, 0.3))  # fmt: skip
    world = World(user=(Speech(500, 1300, "what is it"),), replies=tuple(aloud(20, first) for first in range(12)),
                  block_ms=draw.choice((5, 10, 20, 40)), sink=Sink(jitter_ms=draw.uniform(0, 5)))  # fmt: skip
    simulator = stage.session(world, trouble)
    simulator.watchers.append(Interrupter(stage, simulator).watch)
    simulator.run(ROUNDS * 30_000)
    flushes = [flush for _, flush in simulator.of(act.Flush)]
    stops = stop_samples(simulator)
    stage.exactly("interruptions", len(flushes), ROUNDS + 1)  # the last one is the end; a mumble is none
    stage.at_most("stop_samples_most", max(stops, default=0), frame_samples(simulator.settings.rate_hz))
    stage.exactly("seeds_used_twice", seeds_used_twice(simulator), 0)
    stage.exactly("old_chunks_stitched", old_chunks(simulator), 0)


class Interrupter:
    """A user who mumbles, breaks in ROUNDS times, and then ends it."""

    def __init__(self, stage: Stage, simulator: Simulator) -> None:
        self._draw = stage.random
        self._simulator = simulator
        self._round = 0

    def watch(self, fact: object) -> None:
        if not isinstance(fact, act.ShowTurn) or fact.cause != Cause.AUDIO_STARTED:
            return
        self._round += 1
        after_ms = self._draw.uniform(0, LATEST_MS)
        if after_ms > MUMBLE_LEAST_MS:
            self._simulator.say("mhm", self._draw.uniform(0, 200), self._draw.uniform(60, MUMBLE_MOST_MS))
        if self._round > ROUNDS:
            self._simulator.later(after_ms, ev.StopRequested())
        elif self._draw.random() < 0.5:
            self._simulator.later(after_ms, ev.UserTyped(f"and what of number {self._round}"))
        else:
            self._simulator.say(f"no wait {self._round}", after_ms, self._draw.uniform(450, 1200))


def seeds_used_twice(simulator: Simulator) -> int:
    """A phrase is never spoken with the seed of another one."""
    seeds = [fact.seed for _, fact in simulator.of(act.OpenPhrase)]
    return len(seeds) - len(set(seeds))


def old_chunks(simulator: Simulator) -> int:
    """Chunks that were asked for before a flush and stitched after it."""
    generation, count = 0, 0
    for _, _, fact in simulator.records:
        if isinstance(fact, act.Flush):
            generation = fact.generation
        elif isinstance(fact, ev.ChunkStitched):
            count += fact.generation != generation
    return count


SCENE = Scene("barge-in", "interruptions at random points: silence within a frame, nothing old ever again", play,
              seeds=SEEDS, seeds_most=1000)  # fmt: skip
