"""The playbill: every scene there is, in the order in which they are played. Those that wait for a part of the program
are declared here with what they wait for; they are reported, and never as passed.

A found bug becomes a scene or a seed: seeds that once failed are kept in known_seeds.txt and played each time.
"""

from __future__ import annotations

from pathlib import Path

from scenes.plays import (
    bad_microphone,
    barge_in,
    breathing_room,
    cold_start,
    crash,
    echo_room,
    full_disk,
    heard_ledger,
    heard_ledger_at_a_swap,
    heard_ledger_paused,
    long_read,
    mid_stream_swap,
    persona_script,
    rough_weather,
    self_echo,
    slow_client,
    throttle_and_recover,
    two_cores,
    two_sessions,
)
from scenes.stage import Scene

SCENES: tuple[Scene, ...] = (
    breathing_room.SCENE,
    long_read.SCENE,
    mid_stream_swap.SCENE,
    barge_in.SCENE,
    echo_room.SCENE,
    self_echo.SCENE,
    throttle_and_recover.SCENE,
    persona_script.SCENE,
    cold_start.SCENE,
    two_cores.SCENE,
    heard_ledger.SCENE,
    heard_ledger_at_a_swap.SCENE,
    heard_ledger_paused.SCENE,
    slow_client.SCENE,
    two_sessions.SCENE,
    crash.SCENE,
    full_disk.SCENE,
    bad_microphone.SCENE,
    rough_weather.SCENE,
)

KNOWN_SEEDS = Path(__file__).with_name("known_seeds.txt")


def scene(name: str) -> Scene | None:
    return next((one for one in SCENES if one.name == name), None)


def known_seeds(name: str, adapter: str) -> list[int]:
    """Seeds at which a scene once failed with an adapter."""
    lines = (line.split("#")[0].split() for line in KNOWN_SEEDS.read_text("utf-8").splitlines())
    return [int(line[2]) for line in lines if line[:2] == [name, adapter]]
