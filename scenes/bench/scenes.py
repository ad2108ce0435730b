"""Scenes: how much faster than real time the simulator is. Every scene that is built, on the null engine."""

from __future__ import annotations

import time

from adapters import registry
from adapters.registry import Context
from scenes.bench.report import Report, at_least, at_most, machine, shown
from scenes.playbill import SCENES
from scenes.sound import TONES
from scenes.stage import Stage

SEEDS = range(1, 4)
TIMES_LEAST = 100  # an hour of talk in half a minute; with this, two hundred seeds fit into a CI run


def run(context: Context) -> Report:
    """Play, replay and judge each scene. Raises AdapterError."""
    tts = registry.create("tts", TONES, {}, context)
    simulated_s, took_s, failed, slowest = 0.0, 0.0, 0, float("inf")
    built = [scene for scene in SCENES if scene.play is not None]
    for scene in built:
        assert scene.play is not None
        scene_s, begin_s = 0.0, time.perf_counter()
        for seed in SEEDS:
            stage = Stage(scene.name, TONES, seed, lambda name: tts)
            scene.play(stage)
            stage.close()
            failed += not stage.passed
            scene_s += stage.measures["simulated_s"]
        took = time.perf_counter() - begin_s
        slowest = min(slowest, scene_s / took)
        simulated_s, took_s = simulated_s + scene_s, took_s + took
    metrics = (
        at_least("times_real_time", simulated_s / took_s, "", TIMES_LEAST),
        shown("times_real_time_slowest_scene", slowest, ""),
        at_most("failed", failed, "", 0),
    )
    return Report("scenes", machine(), metrics, len(built) * len(SEEDS))
