"""A recognizer's process dies in mid-transcription: it is asked again from the ears' ring, and nothing is lost.

The process is a real one, killed from outside; the session's time is virtual and stands still meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal

import numpy as np
import pytest

from adapters.base import AdapterError
from adapters.host import Recipe
from adapters.host_stt import HostedStt
from adapters.registry import Context, create
from adapters.tests.rogue_stt import digest
from adapters.tts.whole import speak_whole
from adapters.weights import Weights, default_cache
from orchestrator import actions as act
from orchestrator.tests.test_shell import EAR_HZ, Stage
from stitcher.pcm import to_int16
from timeline import events as ev
from timeline.clock import SystemClock

SAYING = np.random.default_rng(5).integers(-9000, 9000, EAR_HZ // 2).astype(np.int16)
ROGUE = "adapters.tests.rogue_stt:RogueStt"


class Death:
    """A session, its hosted recognizer, and what becomes of it."""

    def __init__(self, stt: HostedStt) -> None:
        self.stage = Stage()
        self.stage.shell.parts.stt = self.stt = stt
        stt.warm_up()

    def kill(self) -> None:
        os.kill(self.stt._remote._child._process.pid, signal.SIGKILL)

    def asked(self) -> list[act.Transcribe]:
        return [action for action in self.stage.of(act.Transcribe) if action.final]

    def answered(self) -> list[ev.Transcribed]:
        return [event for event in self.stage.of(ev.Transcribed) if event.final]

    async def say(self, task, pcm) -> None:
        """Until all of it is with the recognizer."""
        asked = len(self.asked())
        self.stage.microphone.says = pcm
        await self.stage.live(task, until=lambda: len(self.asked()) > asked)

    async def hear(self, task) -> None:
        """Until the recognizer has answered; the other process takes no virtual time, but some real."""
        answers = len(self.answered())
        while len(self.answered()) == answers and not task.done():
            await asyncio.sleep(0)

    async def answer(self, task) -> None:
        """Until the reply to it has been heard."""
        remembered = len(self.stage.of(act.Remember))
        await self.stage.live(task, until=lambda: len(self.stage.of(act.Remember)) == remembered + 2)

    def slice(self, action: act.Transcribe):
        return self.stage.shell.ears.slice(action.start_position, action.end_position)


def test_killed_in_mid_transcription_the_same_audio_is_heard_again_and_the_session_goes_on(tmp_path):
    for name in ("begun", "release"):
        os.mkfifo(tmp_path / name)
    once = tmp_path / "once"
    context = Context(Weights(tmp_path), SystemClock(), tmp_path)
    death = Death(HostedStt(Recipe("stt.rogue", ROGUE, {"final": f"without {once} wait {tmp_path}"}, context)))

    async def scenario(task):
        await death.say(task, SAYING)
        with await asyncio.to_thread((tmp_path / "begun").open):  # it has the audio, and is at it
            once.touch()
            death.kill()
            await death.hear(task)
        await death.answer(task)
        await death.say(task, SAYING)
        await death.hear(task)
        await death.answer(task)
        death.stage.shell.post(ev.StopRequested())

    assert death.stage.hold(scenario) == "stopped"
    death.stt.close()
    failed = death.stage.of(ev.AdapterFailed)
    assert [(fault.role, fault.fault, fault.retryable) for fault in failed] == [("stt", "crashed", True)]
    killed, again, second = death.asked()
    assert (killed.start_position, killed.end_position) == (again.start_position, again.end_position)
    assert (again.segment, again.attempt) == (killed.segment, killed.attempt + 1)
    heard = [event.text.split()[1] for event in death.answered()]
    assert heard == [digest(death.slice(action)) for action in (again, second)]
    assert death.slice(again).size >= SAYING.size
    remembered = death.stage.of(act.Remember)
    assert [fact.role for fact in remembered] == ["user", "assistant"] * 2
    assert [fact.text.split()[1] for fact in remembered if fact.role == "user"] == heard


@pytest.mark.engines
def test_whisper_killed_in_mid_transcription_loses_no_word():
    context = Context(Weights(default_cache()), SystemClock(), default_cache())
    try:
        stt = create("stt", "whisper", {}, context)
        death = Death(stt)
        voice = create("tts", "espeak", {}, context)
    except AdapterError as error:
        pytest.skip(error.detail)
    text = "My mother will arrive on Sunday morning."  # no sound in it is as silent as a pause
    pcm = to_int16(speak_whole(voice, text, EAR_HZ))

    async def scenario(task):
        await death.say(task, pcm)
        while not stt._remote._pending:  # the question is on its way
            await asyncio.sleep(0)
        death.kill()
        await death.hear(task)
        death.stage.shell.post(ev.StopRequested())

    assert stt.describe().isolation == "process"
    death.stage.hold(scenario)
    stt.close()
    assert [fault.fault for fault in death.stage.of(ev.AdapterFailed)] == ["crashed"]
    (answer,) = death.answered()
    assert re.findall(r"[a-z]+", answer.text.lower()) == re.findall(r"[a-z]+", text.lower())
