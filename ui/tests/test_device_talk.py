"""A conversation through a real sound device: JACK's dummy driver, and a room between our two ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from adapters import registry
from adapters.base import EAR_RATE_HZ
from adapters.registry import Context
from scenes import jack
from scenes.demonstration import speak

pytestmark = [
    pytest.mark.device,
    pytest.mark.engines,
    pytest.mark.skipif(bool(jack.available()), reason=jack.available() or "-"),
]
QUESTION = "Hello there. How far away is the moon?"
START_S = 60  # loading everything on a busy machine


LONG = (
    "Three days, at least. The first crew flew in a cabin no larger than a car, and they slept in turns, all the way."
)


def test_a_reply_in_the_room_is_interrupted_from_the_room(room: Path, real_context: Context) -> None:
    pytest.importorskip("espeakng_loader")
    voice = registry.create("tts", "espeak", {}, real_context)
    question, interruption = speak(voice, QUESTION), speak(voice, "Wait a moment, please. I have something to say.")
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "ui.cli", "talk", "--llm", "script", "--json"]
    with jack.jack_server(), jack.JackRoom() as air:
        lines = {"DUCKBILL_LLM__SCRIPT__LINES": json.dumps([LONG])}
        environment = {**os.environ, "PYTHONPATH": str(root), **lines}  # the server's name is in it
        talk = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.PIPE, text=True, env=environment
        )
        try:
            assert air.wait_until(lambda: air.wired(1, 1), START_S), talk.poll()
            air.say(question)
            assert air.wait_until(lambda: bool(abs(air.played()).max(initial=0) > 0.05), START_S), "no reply"
            later = air.position + 2 * EAR_RATE_HZ
            assert air.wait_until(lambda: air.position >= later, START_S)
            air.say(interruption)
            assert talk.stdout is not None
            turn = json.loads(talk.stdout.readline())
        finally:
            talk.send_signal(signal.SIGINT)
            status = talk.wait(30)
    assert status == 0
    assert turn["barge_in"]
    assert turn["stop_ms"] > 0
    assert 0 < len(turn["reply_heard"]) < len(turn["reply"])
    assert turn["reply"].startswith(turn["reply_heard"])


def test_a_question_asked_in_the_room_is_answered_into_it(room: Path, real_context: Context) -> None:
    pytest.importorskip("espeakng_loader")
    question = speak(registry.create("tts", "espeak", {}, real_context), QUESTION)
    command = [sys.executable, "-m", "ui.cli", "talk", "--llm", "script", "--json"]
    root = Path(__file__).parents[2]
    with jack.jack_server(), jack.JackRoom() as air:
        environment = {**os.environ, "PYTHONPATH": str(root)}
        talk = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.PIPE, text=True, env=environment
        )
        try:
            assert air.wait_until(lambda: air.wired(1, 1), START_S), talk.poll()
            air.say(question)
            assert talk.stdout is not None
            turn = json.loads(talk.stdout.readline())
            played = air.played()
        finally:
            talk.send_signal(signal.SIGINT)
            status = talk.wait(30)
    assert status == 0
    assert "moon" in turn["heard"].lower()
    assert turn["reply_heard"] == turn["reply"]
    assert sum(turn["stages"].values()) == pytest.approx(turn["gap_ms"], abs=1)
    assert abs(played).max() > 0.05, "nothing was heard in the room"
    replay = subprocess.run(
        [sys.executable, "-m", "ui.cli", "replay", turn["run"], "--verify"], env=environment, check=False
    )
    assert replay.returncode == 0
