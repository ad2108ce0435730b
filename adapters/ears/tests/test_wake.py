"""The wake word is heard, and words like it are not."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from adapters.base import EAR_RATE_HZ, AdapterError
from adapters.ears.wake import WINDOW_SAMPLES, MicroWake
from adapters.registry import Context, create
from adapters.tts.whole import speak_whole
from adapters.weights import Weights, default_cache
from stitcher.pcm import Int16, to_int16
from timeline.clock import VirtualClock


def context(folder: Path) -> Context:
    return Context(Weights(folder), VirtualClock(), folder)


def heard(ear: MicroWake, pcm: Int16) -> list[float]:
    """Seconds at which the word was spotted."""
    windows = pcm[: pcm.size // WINDOW_SAMPLES * WINDOW_SAMPLES].reshape(-1, WINDOW_SAMPLES)
    return [(number + 1) * WINDOW_SAMPLES / EAR_RATE_HZ for number, window in enumerate(windows) if ear.feed(window)]


def said(text: str) -> Int16:
    """By Piper, a second of silence around it: eSpeak's formants are no voice to these models."""
    try:
        tts = create("tts", "piper", {}, context(default_cache()))
        tts.warm_up()
    except AdapterError as error:
        pytest.skip(error.detail)
    return to_int16(np.pad(speak_whole(tts, text, EAR_RATE_HZ), (EAR_RATE_HZ, EAR_RATE_HZ)))


@pytest.fixture
def ear(tmp_path: Path) -> MicroWake:
    pytest.importorskip("pymicro_wakeword")
    made: MicroWake = create("ears", "wake", {"word": "hey_jarvis"}, context(tmp_path))
    return made


def test_silence_and_noise_wake_nobody(ear: MicroWake) -> None:
    noise = np.random.default_rng(0).standard_normal(4 * EAR_RATE_HZ) * 3000
    assert heard(ear, np.concatenate([np.zeros(EAR_RATE_HZ, np.int16), noise.astype(np.int16)])) == []


def test_the_word_is_spotted_after_it_was_said_and_the_same_way_again(ear: MicroWake) -> None:
    pcm = said("Hey Jarvis.")
    first = heard(ear, pcm)
    assert first and first[0] > 1.0
    ear.reset()
    assert heard(ear, pcm) == first


def test_other_words_are_not_it(ear: MicroWake) -> None:
    assert heard(ear, said("Hey Martha, would you harvest the carrots in the garden?")) == []


def test_a_word_that_nobody_trained_is_refused_in_one_line(tmp_path: Path) -> None:
    pytest.importorskip("pymicro_wakeword")
    with pytest.raises(AdapterError, match=r"ears\.wake\.word") as caught:
        create("ears", "wake", {"word": "open_sesame"}, context(tmp_path))
    assert caught.value.kind == "unsupported" and "hey_jarvis" in caught.value.detail


def test_missing_it_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymicro_wakeword", None)
    with pytest.raises(AdapterError, match="duckbill\\[wake\\]") as caught:
        MicroWake(MicroWake.Options(), None)
    assert caught.value.kind == "missing"
