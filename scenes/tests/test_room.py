"""The room: echoes where and as loud as it is told, with clocks that drift; and ears in it that hear a session."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.base import EAR_RATE_HZ
from orchestrator.echo import EchoPath
from scenes.room import BATCH, Reverberant, Room, RoomClass, response
from scenes.room_ears import Air, echo_path
from stitcher.pcm import to_int16

HZ = EAR_RATE_HZ


def random() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.parametrize("rt60_ms", [1, 30, 400])
def test_a_response_has_unit_power_and_dies_away(rt60_ms):
    made = response(rt60_ms, 3.0, random())
    assert np.sum(made**2) == pytest.approx(1.0, abs=1e-4)
    if rt60_ms == 400:
        early, late = made[HZ // 20 : HZ // 10], made[3 * HZ // 10 : 7 * HZ // 20]
        assert 10 * np.log10(np.mean(early**2) / np.mean(late**2)) == pytest.approx(37.5, abs=4)


def test_it_is_the_same_block_by_block_as_at_once():
    made, sound = response(200, 3.0, random()), random().normal(size=10 * BATCH).astype(np.float32)
    blocks = Reverberant(made)
    got = np.concatenate([blocks.push(block) for block in np.split(sound, 10)])
    np.testing.assert_allclose(got, np.convolve(sound, made)[: sound.size], atol=1e-4)


def test_what_sounds_is_late_by_the_delay_and_the_delay_jumps():
    room = Room(RoomClass("", 1, delay_ms=50, jumps=((100, 80),)), random())
    assert room.sounding(BATCH)[0] == pytest.approx(-0.05)
    for _ in range(4):
        room.hear(np.zeros(BATCH, np.float32), np.zeros(BATCH, np.float32))
    assert room.sounding(BATCH)[0] == pytest.approx(4 * BATCH / HZ - 0.08)


def test_clocks_drift_apart():
    room = Room(RoomClass("", 1, delay_ms=0, drift_ppm=100), random())
    room.position = 100 * HZ
    assert room.sounding(1)[0] - 100 == pytest.approx(0.01, abs=1e-6)


def test_the_echo_is_as_loud_as_it_is_told():
    room = Room(RoomClass("", 200, echo_db=-6, noise_dbfs=-120), random())
    sound = 0.05 * random().normal(size=20 * BATCH).astype(np.float32)
    heard = [room.hear(block, np.zeros(BATCH, np.float32)) for block in np.split(sound, 20)]
    level = np.sqrt(np.mean((np.concatenate(heard)[8 * BATCH :] / 32767) ** 2))
    assert 20 * np.log10(level / 0.05) == pytest.approx(-6, abs=1)


def test_the_air_gives_what_was_played_at_the_ears_rate():
    air = Air(24_000)
    air.push(to_int16((0.5 * np.sin(2 * np.pi * 440 * np.arange(24_000) / 24_000)).astype(np.float32)))
    at_s = 0.3 + np.arange(1000) / HZ
    np.testing.assert_allclose(air.at(at_s), 0.5 * np.sin(2 * np.pi * 440 * at_s), atol=2e-3)
    assert not air.at(at_s + 5).any(), "not played yet"


def test_a_path_in_the_room_has_the_layers_that_it_is_given():
    path = echo_path(None, 24_000)
    assert isinstance(path, EchoPath) and path.layer == "linear"
