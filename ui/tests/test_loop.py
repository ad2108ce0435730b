"""Text -> speech -> text gives back the words, with the real engines, through the product's own commands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soxr

from adapters import registry
from adapters.base import EAR_RATE_HZ
from adapters.registry import Context
from stitcher.wav import read_wav
from ui.cli import main

TEXT = "The old train to the city leaves at nine in the morning. Please remember to bring a warm coat and some water."
pytestmark = pytest.mark.engines


def words_of(text: str) -> list[str]:
    return "".join(ch for ch in text.lower() if ch.isalpha() or ch == " ").split()


@pytest.mark.parametrize("adapter", ["piper", "espeak"])
def test_what_is_said_is_heard(
    room: Path, real_context: Context, capsys: pytest.CaptureFixture[str], adapter: str
) -> None:
    jiwer = pytest.importorskip("jiwer")
    assert main(["say", TEXT, "--adapter", adapter, "--out", "said.wav", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["result"]["underruns"] == 0
    pcm, rate_hz = read_wav(Path("said.wav").read_bytes())
    stt = registry.create("stt", "whisper", {}, real_context)
    heard = stt.transcribe(np.asarray(soxr.resample(pcm, rate_hz, EAR_RATE_HZ), np.float32), False).text
    assert jiwer.wer(" ".join(words_of(TEXT)), " ".join(words_of(heard))) <= 0.1, heard
    assert main(["replay", "last", "--verify"]) == 0
