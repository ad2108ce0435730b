"""The ears as they are configured: which word wakes, and none where none is wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.base import AdapterError
from orchestrator.config import Config, load_config
from ui.compose import context_of, make_vad, make_wake_word


def config_of(cache: Path, word: str) -> Config:
    return load_config(None, {}, {"cache": str(cache), "ears.wake": word})


def test_without_a_word_nobody_listens_for_one(tmp_path: Path) -> None:
    config = config_of(tmp_path, "")
    assert make_wake_word(config, context_of(config)) is None


@pytest.mark.parametrize("name", ["hey_jarvis", "okay_nabu", "alexa", "hey_mycroft"])
def test_each_word_has_its_model(tmp_path: Path, name: str) -> None:
    pytest.importorskip("pymicro_wakeword")
    config = config_of(tmp_path, name)
    word = make_wake_word(config, context_of(config))
    assert word is not None and word.describe().name == "wake"


def test_another_word_is_refused_with_those_there_are(tmp_path: Path) -> None:
    pytest.importorskip("pymicro_wakeword")
    config = config_of(tmp_path, "computer")
    with pytest.raises(AdapterError, match="hey_jarvis"):
        make_wake_word(config, context_of(config))


@pytest.mark.parametrize("name", ["smart_turn", "wake"])
def test_an_ear_that_detects_no_speech_is_refused_as_a_detector(tmp_path: Path, name: str) -> None:
    config = load_config(None, {}, {"cache": str(tmp_path), "ears.adapter": name})
    with pytest.raises(AdapterError, match=r"ears\.adapter|duckbill\[wake\]"):
        make_vad(config, context_of(config))
