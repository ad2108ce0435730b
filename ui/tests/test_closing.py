"""Engines are closed by the command that made them: each once, however it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.base import AdapterError
from adapters.tts.espeak import EspeakTts
from adapters.tts.null import NullTts
from stitcher.wav import header
from ui.cli import main

SETTINGS = """
[tts]
adapter = "null"
fallback = ["espeak"]
[stt]
adapter = "script"
[ears]
adapter = "energy"
"""
SAY = ("say", "Hello there.", "--config", "settings.toml", "--out", "said.wav")
TALK = ("talk", "--config", "settings.toml", "--mic", "quiet.wav", "--speaker", "answer.wav", "--llm")


class Engines:
    """Those that were made, and how often each was closed, in the order of their making."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._made: list[Any] = []
        self._closed: list[Any] = []
        for kind in (NullTts, EspeakTts):
            for name, seen in (("__init__", self._made), ("close", self._closed)):
                patch.setattr(kind, name, _noted(getattr(kind, name), seen))

    def closings(self) -> dict[str, int]:
        return dict(self.each())

    def each(self) -> list[tuple[str, int]]:
        return [(tts.describe().name, sum(one is tts for one in self._closed)) for tts in self._made]


def _noted(method: Any, seen: list[Any]) -> Any:
    def noted(tts: Any, *inputs: Any) -> None:
        method(tts, *inputs)
        seen.append(tts)

    return noted


@pytest.fixture
def engines(room: Path, monkeypatch: pytest.MonkeyPatch) -> Engines:
    (room / "settings.toml").write_text(SETTINGS)
    silence = np.zeros(1600, np.int16)
    (room / "quiet.wav").write_bytes(header(16_000, silence.size) + silence.tobytes())
    return Engines(monkeypatch)


def break_off(*_: Any) -> None:
    raise AdapterError("crashed", "it broke")


@pytest.mark.parametrize("words", [SAY, (*TALK, "echo")], ids=["say", "talk"])
def test_when_the_session_is_over(engines: Engines, words: tuple[str, ...]) -> None:
    assert main(list(words)) == 0
    assert engines.closings() == {"null": 1, "espeak": 1}


@pytest.mark.parametrize("words", [SAY, (*TALK, "echo")], ids=["say", "talk"])
def test_when_one_of_them_cannot_be_warmed_up(
    engines: Engines, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EspeakTts, "warm_up", break_off)
    assert main(list(words)) == 0
    assert engines.closings() == {"null": 1, "espeak": 1}
    monkeypatch.setattr(NullTts, "warm_up", break_off)
    assert main(list(words)) == 1
    assert {times for _, times in engines.each()} == {1}


def test_when_something_else_is_missing(engines: Engines) -> None:
    assert main([*TALK, "http://127.0.0.1:9"]) == 1
    assert engines.closings() == {"null": 1, "espeak": 1}


@pytest.mark.parametrize("words", [SAY, (*TALK, "echo")], ids=["say", "talk"])
def test_when_the_session_breaks(engines: Engines, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.audio.files.FileSpeaker.start", break_off)
    assert main(list(words)) == 1
    assert engines.closings() == {"null": 1, "espeak": 1}


@pytest.mark.parametrize("words", [
    ("replay", "last", "--verify"), ("voices",), ("adapters", "--role", "tts", "--no-warm-up"), ("doctor",),
], ids=lambda words: words[0])  # fmt: skip
def test_when_it_was_only_looked_at(engines: Engines, words: tuple[str, ...]) -> None:
    assert main(list(SAY)) == 0
    before = len(engines.each())
    main([*words, "--config", "settings.toml"])
    looked_at = engines.each()[before:]
    assert looked_at
    assert {times for _, times in looked_at} == {1}
