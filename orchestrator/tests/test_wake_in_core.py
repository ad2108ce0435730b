"""Asleep, the core hears nothing but the word; awake, it hears what follows the word from its beginning."""

from __future__ import annotations

from dataclasses import replace

from orchestrator import actions as act
from orchestrator.core import Core
from orchestrator.settings import ListenSettings
from orchestrator.tests.test_core import Room, asked
from orchestrator.turns import State
from timeline import events as ev

LIMITS = ListenSettings()


def asleep() -> Room:
    room = Room()
    room.core = Core(replace(room.core.settings, wake_word=True))
    return room


def test_who_is_asleep_hears_nobody():
    room = asleep()
    room.speak(3200)
    assert room.state is State.LISTENING and not room.actions


def test_what_follows_the_word_is_heard_from_a_little_before_it_was_spotted():
    room = asleep()
    room.speak(960)
    spotted = room.position
    room.tell(ev.WakeWordHeard(spotted))
    room.speak(640)
    assert room.state is State.HEARING
    room.silence(512)
    assert room.last(act.Transcribe).start_position == spotted - LIMITS.wake_preroll_ms * 16


def test_after_a_turn_it_stays_awake_for_a_while_and_falls_asleep_again():
    room = asleep()
    room.tell(ev.WakeWordHeard(0))
    asked(room)
    room.tell(ev.ReplyEnded(room.core.replying.reply))
    assert room.state is State.LISTENING
    room.silence(LIMITS.wake_stay_ms / 2)
    room.speak(320)
    assert room.state is State.HEARING, "within the time the word need not be said again"
    room.silence(512)
    room.answer("")
    room.silence(LIMITS.wake_stay_ms + 320)
    room.speak(960)
    assert room.state is State.LISTENING
