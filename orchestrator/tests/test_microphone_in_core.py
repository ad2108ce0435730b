"""A microphone that is muted, or goes and comes back, in the core: the turn, the reply and what people are told."""

from __future__ import annotations

import dataclasses

import pytest

from orchestrator import actions as act
from orchestrator.core import Core
from orchestrator.tests.test_core import WINDOW, Room, speaking
from orchestrator.turns import State
from timeline import events as ev


def lose(room):
    return room.tell(ev.AdapterFailed("mic", "mic", "unplugged", "the microphone is gone", True))


def told(room):
    return [notice.text for notice in room.all(act.Notice)]


@pytest.mark.parametrize(("spoken_ms", "silent_ms"), [(0, 0), (32, 0), (320, 0), (320, 192)])
def test_a_microphone_that_may_come_back_ends_the_turn_and_not_the_session(spoken_ms, silent_ms):
    room = Room()
    room.speak(spoken_ms)
    room.silence(silent_ms)
    lose(room)
    lose(room)  # a device may open again and die at once
    if spoken_ms >= 96:
        room.answer("what is it")
        assert room.said == [("user", "what is it")]
    assert not room.core.ended and told(room) == ["the microphone is gone"]


def test_a_microphone_that_is_back_is_heard():
    room = Room()
    lose(room)
    room.position += 100_000  # wherever its windows go on
    room.tell(ev.MicrophoneBack(room.position))
    room.speak(320)
    room.silence(512)
    room.answer("are you there")
    assert room.said == [("user", "are you there")]
    assert told(room) == ["the microphone is gone", "the microphone is back"]


def test_a_reply_plays_on_when_the_microphone_goes():
    room = speaking(Room())
    lose(room)
    assert room.state is State.SPEAKING and not room.all(act.Flush)
    room.tell(ev.MicrophoneBack(room.position))
    assert room.state is State.SPEAKING and not room.all(act.Flush)


def test_a_dead_microphone_is_named_by_the_core():
    room = Room()
    room.core = Core(dataclasses.replace(room.core.settings, microphone="Headset"))
    for _ in range(400):
        room.position += WINDOW
        room.tell(ev.EarFrame(room.position, WINDOW, 0.0, -120.0, room.now_ns, 0))
    (line,) = told(room)
    assert line.startswith("check the microphone: 'Headset'")
