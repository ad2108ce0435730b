"""The user of the demonstration: when the next line is due, by what the session shows."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.audio.queued import QueuedMicrophone
from orchestrator import actions as act
from scenes import demonstration
from scenes.demonstration import REPORT_WAIT_MS, THINK_MS, Line, User
from scenes.tests.worlds import null_tts
from timeline import events as ev
from timeline.clock import NS_PER_MS

TICK = ev.SinkTick(480, 0, 0, 0, False, 0, 0, 0, 0, -1, 0, -1)


class Microphone(QueuedMicrophone):
    """Counts what is said into it; nobody hears it."""

    said = 0

    def say(self, pcm):
        self.said += 1
        return super().say(pcm)


class Play:
    """Lets the user watch; `spoken` counts the lines, `ended` tells that there are no more."""

    def __init__(self, monkeypatch, *lines):
        monkeypatch.setattr(demonstration, "speak", lambda tts, text: np.zeros(10, np.float32))
        tts, clock = null_tts()
        self.microphone, self.ended, self.now_ms = Microphone(clock), False, 0
        self.user = User(self.microphone, tts, lines)
        self.user.post = self.end
        self.after(500)

    def end(self, event):
        assert event == ev.InputEnded()
        self.ended = True

    def after(self, ms):
        self.now_ms += ms
        self.user.watch(self.now_ms * NS_PER_MS, "event", TICK)
        return self.microphone.said

    def show(self, state, cause):
        at_ns = self.now_ms * NS_PER_MS
        self.user.watch(at_ns, "action", act.ShowTurn(1, state, cause, at_ns))

    def answer(self, ms, cause="turn_committed"):
        self.show("thinking", cause)
        self.show("speaking", "audio_started")
        said = self.after(ms)
        if said == self.microphone.said and not self.ended:
            self.show("listening", "reply_finished")
        return said


def test_the_next_line_comes_a_moment_after_the_answer(monkeypatch):
    play = Play(monkeypatch, Line("one"), Line("two"))
    assert play.microphone.said == 1
    play.answer(5000)
    assert (play.after(THINK_MS - 1), play.after(1)) == (1, 2)
    play.answer(5000)
    play.after(THINK_MS)
    assert play.ended


def test_a_line_interrupts_the_answer_when_so_much_was_heard(monkeypatch):
    play = Play(monkeypatch, Line("one"), Line("two", interrupt_ms=3000))
    play.show("thinking", "turn_committed")
    play.show("speaking", "audio_started")
    assert (play.after(2999), play.after(1)) == (1, 2)


@pytest.mark.parametrize("interrupt_ms", [None, 3000])
def test_a_line_about_a_report_waits_for_it(monkeypatch, interrupt_ms):
    play = Play(monkeypatch, Line("one"), Line("two", interrupt_ms, report=True))
    play.answer(5000)
    assert play.after(5000) == 1, "it did not wait"
    play.show("thinking", "floor_granted")
    play.show("speaking", "audio_started")
    if interrupt_ms is None:
        assert play.after(20_000) == 1
        play.show("listening", "reply_finished")
        assert (play.after(THINK_MS - 1), play.after(1)) == (1, 2)
    else:
        assert (play.after(2999), play.after(1)) == (1, 2)


def test_a_report_that_does_not_come_is_not_waited_for_for_ever(monkeypatch):
    play = Play(monkeypatch, Line("one"), Line("two", report=True))
    play.answer(5000)
    assert (play.after(REPORT_WAIT_MS - 1), play.after(1)) == (1, 2)
