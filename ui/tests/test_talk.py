"""talk without engines: files at both ends, the null voice, scripted ears and replies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from adapters.base import AdapterError
from adapters.llm.script import DEFAULT_LINES
from orchestrator.config import load_config
from stitcher.wav import header
from timeline import events as ev
from ui.commands.talk import event_of
from ui.compose import context_of, make

ROOT = Path(__file__).parents[2]
LIGHT = """
[stt]
adapter = "script"
[ears]
adapter = "energy"
[tts]
adapter = "null"
"""


def talk(*more: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """As a process of its own, for it reads standard input."""
    silence = np.zeros(8000, np.int16)
    Path("quiet.wav").write_bytes(header(16000, silence.size) + silence.tobytes())
    Path("light.toml").write_text(LIGHT)
    words = ["talk", "--config", "light.toml", "--mic", "quiet.wav", "--speaker", "answer.wav", *more]
    return subprocess.run(
        [sys.executable, "-m", "ui.cli", *words],
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.demonstration
def test_a_line_typed_before_it_began_is_answered(room: Path) -> None:
    done = talk("--llm", "echo", "--json", typed="hello there\n")
    assert done.returncode == 0, done.stderr
    turn = json.loads(done.stdout.splitlines()[0])
    assert (turn["turn"], turn["heard"], turn["reply_heard"]) == (1, "hello there", "You said: hello there")
    assert Path("answer.wav").exists()


def test_an_endpoint_that_refuses_is_one_line(room: Path) -> None:
    done = talk("--llm", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "llm.openai.url http://127.0.0.1:9/v1 refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_flags_address_stands_over_the_files(tmp_path: Path) -> None:
    path = tmp_path / "duckbill.toml"
    path.write_text('[llm.openai]\nmodel = "x"\nurl = "http://127.0.0.1:1"\n')
    config = load_config(path, {}, {"llm.openai.url": "http://127.0.0.1:2"})
    assert config.llm.options["openai"] == {"model": "x", "url": "http://127.0.0.1:2"}


def test_a_table_for_no_adapter_is_refused() -> None:
    config = load_config(None, {}, {"tts.pipr.threads": 1, "tts.adapter": "null"})
    with pytest.raises(AdapterError, match=r"tts\.pipr"):
        make(config, context_of(config), "tts")


@pytest.mark.parametrize(
    "settings",
    [{"endpoint_ms": 60}, {"speech_threshold": 0.2}, {"confirm_ms": -1}, {"segment_most_ms": 60_000}],
)
def test_ears_that_cannot_work_are_refused(settings: dict[str, float]) -> None:
    flags = {f"listen.{name}": value for name, value in settings.items()}
    with pytest.raises(ValueError, match=r"listen\."):
        load_config(None, {}, flags)


@pytest.mark.demonstration
def test_another_voice_is_asked_for_in_a_typed_line(room: Path) -> None:
    done = talk("--llm", "echo", "--json", typed="/voice nobody\nhello there\n")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["heard"] for line in done.stdout.splitlines()] == ["hello there"]
    assert done.stderr.count("no voice 'nobody' is loaded, null can speak: tts.fallback loads more") == 1


def test_a_line_that_only_looks_like_it_is_said() -> None:
    assert event_of("/voice espeak") == ev.SwapRequested("espeak", 0)
    assert event_of("/voices are many") == ev.UserTyped("/voices are many")


@pytest.mark.demonstration
def test_a_second_source_reports_when_the_floor_is_free(room: Path) -> None:
    done = talk("--llm", "echo", "--task", "script", "--json", typed="Computer, what is it?\n")
    assert done.returncode == 0, done.stderr
    answer, report = (json.loads(line) for line in done.stdout.splitlines())
    assert (answer["turn"], answer["source"], answer["heard"]) == (1, "llm", "Computer, what is it?")
    assert (report["turn"], report["source"], report["heard"], report["gap_ms"]) == (2, "task", "", None)
    assert report["reply_heard"] == report["reply"] == DEFAULT_LINES[0]
    assert "task  (works on it)" in done.stderr and f"task  {DEFAULT_LINES[0]}" in " ".join(done.stderr.split("\n"))


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--task", "http://127.0.0.1:9"], "task.openai.url http://127.0.0.1:9/v1 refused the connection: start the"),
        (["--task", "skript"], "no llm adapter 'skript'; did you mean script?"),
    ],
)
def test_a_second_source_that_is_not_there_is_one_line(room: Path, flags: list[str], line: str) -> None:
    done = talk("--llm", "echo", *flags)
    assert done.returncode == 1
    assert line in done.stderr and "Traceback" not in done.stderr
    assert "set llm." not in done.stderr
