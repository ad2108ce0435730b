"""Cold Start: the first request after boot warms the engine up, later ones do not; warmed at boot, none does."""

from __future__ import annotations

from adapters.tts.trouble import Trouble
from orchestrator import actions as act
from scenes.plays.breathing_room import first_samples_ms
from scenes.script import SENTENCES
from scenes.simulator import Simulator
from scenes.stage import Scene, Stage
from scenes.world import World
from timeline import events as ev

EVERY_MS = 16_000  # longer than a request sounds
REQUESTS = 3
BLOCK_MS = 20


def play(stage: Stage) -> None:
    draw = stage.random
    cold_ms = draw.uniform(300, 2500)
    trouble = Trouble(
        cold_ms=cold_ms, open_ms=draw.uniform(0, 30), call_ms=draw.uniform(0, 10), rtf=draw.uniform(0.05, 0.4)
    )
    text = " ".join(draw.sample(SENTENCES, 2))
    cold = boot(stage, trouble, text, warm=False)
    first, *later = first_samples_ms(cold)[0]
    stage.measure("cold_ms", cold_ms)
    stage.measure("first_ms", first)
    stage.measure("later_ms", max(later))
    stage.at_most("warming_ms_off", abs(first - max(later) - cold_ms), 2 * BLOCK_MS)
    stage.exactly("underrun_samples_cold", cold.underrun_samples(), 0)
    warm = boot(stage, trouble, text, warm=True)
    first, *later = first_samples_ms(warm)[0]
    stage.at_most("first_after_warm_up_ms_more", first - min(later), 2 * BLOCK_MS)
    stage.exactly("underrun_samples_warm", warm.underrun_samples(), 0)
    # Having started cold is forgotten: the last request climbs as high as if it had been warm.
    stage.exactly("sizes_differ_later", int(max(last_sizes(cold)) != max(last_sizes(warm))), 0)


def boot(stage: Stage, trouble: Trouble, text: str, warm: bool) -> Simulator:
    events = [(300 + number * EVERY_MS, ev.SpeakRequested(text)) for number in range(REQUESTS)]
    simulator = stage.session(World(events=[*events, (300 + REQUESTS * EVERY_MS, ev.InputEnded())]), trouble)
    if warm:
        simulator.tts.warm_up()
    simulator.run()
    return simulator


def last_sizes(simulator: Simulator) -> list[int]:
    last = max(fact.utterance for _, fact in simulator.of(act.RequestChunk))
    return [fact.units for _, fact in simulator.of(act.RequestChunk) if fact.utterance == last]


SCENE = Scene("cold-start", "the first request after boot warms the engine up, later ones do not", play,
              seeds_most=300)  # fmt: skip
