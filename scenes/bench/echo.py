"""Echo: our own voice for half an hour on end, in one session, in a room with all the faults of the scene Echo Room:
reverberant, clocks apart, a delay that jumps every minute. Simulated time, real canceller and detector.

A minute of it takes 6 to 8 s of one core.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import cycle, islice

from adapters import registry
from adapters.base import Tts
from adapters.registry import Context
from orchestrator.turns import Cause
from scenes.bench.report import Report, at_least, at_most, machine, shown
from scenes.plays.echo_room import moments, speaking
from scenes.room import RoomClass
from scenes.stage import Stage
from timeline import events as ev

MINUTES = 30.0
VOICE = "espeak"  # the one that is always there
JUMPS_MS = (160.0, 60.0, 110.0, 280.0)  # of the delay, in turn, one a minute
PAUSES_MOST = 0.2  # a minute: at most every fifth jump
SPOKEN_LEAST = 0.9  # of the time: a voice that was interrupted is silent

Told = Callable[[str], None]
"""How far it is, for people."""


def run(context: Context, minutes: float = MINUTES, told: Told = lambda line: None) -> Report:
    def make_tts(name: str) -> Tts:
        tts: Tts = registry.create("tts", name, {}, context)
        tts.warm_up()
        return tts

    whole = int(minutes) + 1
    jumps = tuple((60_000.0 * at, to_ms) for at, to_ms in enumerate(islice(cycle(JUMPS_MS), whole), 1))
    room = RoomClass("half an hour", 300, echo_db=0, drift_ppm=100, jumps=jumps)
    begin_s = time.process_time()
    simulator = speaking(Stage("echo", VOICE, 0, make_tts), room, minutes * 60 * 1.2)
    for minute in range(1, whole + 1):
        simulator.run(min(minute, minutes) * 60_000)
        told(f"measuring echo: minute {min(minute, minutes):g} of {minutes:g}, "
             f"{len(moments(simulator, Cause.YIELDED))} pauses")  # fmt: skip
    samples = sum(tick.played_samples for _, tick in simulator.of(ev.SinkTick))
    states = [state for _, state in simulator.of(ev.EchoState)]
    metrics = (
        at_most("self_interruptions", len(moments(simulator, Cause.BARGE_IN)), "", 0),
        at_most("self_pauses_a_minute", len(moments(simulator, Cause.YIELDED)) / minutes, "", PAUSES_MOST),
        at_most("half_duplex", sum(state.half_duplex for state in states), "", 0),
        at_least("spoken", samples / simulator.settings.rate_hz / (minutes * 60), "of the time", SPOKEN_LEAST),
        shown("erle_db", simulator.ears.ears.echo.guard.erle_db, "dB"),
        shown("reference_drift_ppm", simulator.ears.ears.echo.reference.line.drift_ppm, "ppm"),
        shown("cpu_s_a_minute", (time.process_time() - begin_s) / minutes, "s"),
    )
    return Report("echo", machine(), metrics, 1)
