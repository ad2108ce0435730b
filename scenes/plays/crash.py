"""Crash: an engine dies in mid-word, with all that it had open. Another one goes on, and the same words are heard; the
first comes back after a quiet period, at a phrase's beginning, and not before."""

from __future__ import annotations

from adapters.tts.trouble import JITTER_MOST, Trouble
from orchestrator import actions as act
from orchestrator.voices import FAILED, QUIET_NS, RECOVERED
from scenes.plays.mid_stream_swap import phrase_ends
from scenes.script import aloud
from scenes.simulator import Simulator
from scenes.sound import TONES, tones
from scenes.stage import Scene, Stage
from scenes.world import World
from stitcher.pcm import frame_samples
from timeline import events as ev

READ_S = 90  # so that there is time to come back, also for one whose first pulls last half a minute
EARLY = 20  # pulls; by then the ladder stands on its last rung


def play(stage: Stage) -> None:
    for other in stage.company or (f"{stage.adapter}#2",):
        dies(stage, other)


def dies(stage: Stage, other: str) -> None:
    draw = stage.random
    text = aloud(READ_S, draw.randrange(12))
    steady = Trouble(open_ms=draw.uniform(5, 60), call_ms=draw.uniform(0, 10), rtf=draw.uniform(0.05, 0.3), jitter=0.1)
    dying = steady.model_copy(update={"dies_at": draw.randrange(EARLY)})
    world = World(events=[(0, ev.SpeakRequested(text)), (1, ev.InputEnded())])
    simulator = stage.hold(world, dying, READ_S * 2000, others={other: steady})
    swaps = [(t_ns, fact.engine, fact.reason) for t_ns, fact in simulator.of(act.ShowSwap)]
    stage.exactly(f"goes_over_{other}", int([swap[1:] for swap in swaps[:1]] == [(other, FAILED)]), 1)
    back = [t_ns for t_ns, engine, reason in swaps if (engine, reason) == (stage.adapter, RECOVERED)]
    stage.exactly(f"comes_back_{other}", len(back), 1)
    stage.at_least(f"quiet_s_{other}", (min(back, default=0) - swaps[0][0]) / 1e9, QUIET_NS / 1e9)
    stage.exactly(f"swaps_{other}", len(swaps), 2)
    stage.at_most(f"underrun_samples_{other}", simulator.underrun_samples(), unavoidable_samples(simulator, steady))
    kept = " ".join(fact.text for _, fact in simulator.of(act.Remember))
    stage.exactly(f"words_not_kept_{other}", int(kept != text), 0)
    if stage.adapter == TONES:
        heard = tones(simulator.audio(), phrase_ends(simulator))
        stage.exactly(f"words_not_heard_{other}", len(text.split()) - len(heard), 0)


def unavoidable_samples(simulator: Simulator, other: Trouble) -> int:
    """None, where what is queued when the engine dies outlasts what the other one needs for its first chunk; one that
    dies with its first chunk alone spoken may leave too little. Then as much is missing, and what the sink rounds."""
    died_ns, _ = simulator.of(ev.AdapterFailed)[0]
    before = [fact for t_ns, fact in simulator.of(ev.ChunkStitched) if t_ns <= died_ns]
    asked = [fact for t_ns, fact in simulator.of(ev.SinkTick) if t_ns <= died_ns][-1]
    first = next(fact for t_ns, fact in simulator.of(ev.ChunkReady) if t_ns > died_ns)
    sounds_ms = first.samples / first.rate_hz * 1000
    needed_ms = other.open_ms + (other.call_ms + other.rtf * sounds_ms) * (1 + JITTER_MOST * other.jitter)
    rate_hz, held = simulator.settings.rate_hz, frame_samples(simulator.settings.rate_hz)
    queued = max((fact.end_index for fact in before), default=0) - held - asked.read_index
    missing = int(needed_ms * rate_hz / 1000) + asked.block_samples - queued
    return max(0, missing) if before else 0


SCENE = Scene("crash", "an engine dies in mid-word: another goes on, and it comes back after a while", play,
              seeds_most=300, company=True)  # fmt: skip
