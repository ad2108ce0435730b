"""A microphone that goes and comes back, on the real event loop: the session lives, in the order in which it was."""

from __future__ import annotations

import numpy as np

from adapters.base import AdapterError
from orchestrator import actions as act
from orchestrator.tests.test_shell import EAR_HZ, Stage
from timeline import events as ev

QUESTION = np.tile(np.array([9000, -9000], np.int16), EAR_HZ // 2)


def test_what_is_asked_before_and_after_is_answered():
    stage = Stage()

    async def scenario(task):
        microphone = stage.microphone
        microphone.says = QUESTION
        await stage.live(task, until=lambda: len(stage.of(act.Remember)) == 2)
        microphone.lose(AdapterError("unplugged", "the microphone is gone", retryable=True))
        await stage.live(task, until=lambda: bool(stage.of(act.Notice)))
        microphone.stream.begin_stream(EAR_HZ)
        microphone.says = QUESTION
        await stage.live(task, until=lambda: len(stage.of(act.Remember)) == 4)
        stage.shell.post(ev.StopRequested())

    assert stage.hold(scenario) == "stopped"
    assert [fact.text for fact in stage.of(act.Notice)] == ["the microphone is gone", "the microphone is back"]
    windows = stage.of(ev.EarFrame | ev.MicrophoneBack)
    back = next(n for n, fact in enumerate(windows) if isinstance(fact, ev.MicrophoneBack))
    assert windows[back - 1].end_position < windows[back].position < windows[back + 1].end_position
    assert [fact.role for fact in stage.of(act.Remember)] == ["user", "assistant"] * 2


def test_a_reply_is_heard_to_its_end_while_the_microphone_is_gone():
    stage = Stage()

    async def scenario(task):
        await stage.live(task, until=lambda: any(np.any(block) for block in stage.speaker.heard))
        stage.microphone.lose(AdapterError("unplugged", "the microphone is gone", retryable=True))
        await stage.live(task, until=lambda: bool(stage.of(act.Remember)))
        assert not task.done(), "the session goes on"
        stage.shell.post(ev.InputEnded())
        await stage.live(task)

    assert stage.hold(scenario, [ev.SpeakRequested("alpha bravo charlie delta")]) == "finished"
    assert [(fact.text, fact.interrupted) for fact in stage.of(act.Remember)] == [("alpha bravo charlie delta", False)]
    assert not stage.of(act.Flush)
