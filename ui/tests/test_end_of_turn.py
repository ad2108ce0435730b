"""Who tells the end of a turn: a model where there is one, else plain silence, and it is said why."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from adapters.base import AdapterError
from orchestrator.config import Config, load_config
from ui.compose import context_of, make_end_of_turn


def config_of(cache: Path, **ears: str) -> Config:
    return load_config(None, {}, {"cache": str(cache), **{f"ears.{key}": value for key, value in ears.items()}})


def test_without_its_weights_plain_silence_decides_and_a_line_says_so(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    with ExitStack() as closing:
        model, notice = make_end_of_turn(config, context_of(config), closing)
    assert model is None
    assert "plain silence" in notice and "duckbill models fetch smart-turn" in notice


def test_who_asks_for_it_by_name_is_told_the_cure(tmp_path: Path) -> None:
    config = config_of(tmp_path, turn="smart_turn")
    with ExitStack() as closing, pytest.raises(AdapterError, match="duckbill models fetch smart-turn"):
        make_end_of_turn(config, context_of(config), closing)


def test_none_is_nobody_and_nothing_to_say(tmp_path: Path) -> None:
    config = config_of(tmp_path, turn="none")
    with ExitStack() as closing:
        assert make_end_of_turn(config, context_of(config), closing) == (None, "")


def test_another_ear_in_its_place_is_refused_by_name(tmp_path: Path) -> None:
    config = config_of(tmp_path, turn="energy")
    with ExitStack() as closing, pytest.raises(AdapterError, match=r"ears\.turn is 'energy'"):
        make_end_of_turn(config, context_of(config), closing)


def test_where_the_weights_are_it_comes_loaded_and_warm() -> None:
    config = load_config(None, {}, {})
    with ExitStack() as closing:
        model, notice = make_end_of_turn(config, context_of(config), closing)
        if model is None:
            pytest.skip(notice)
        assert model.describe().cost is not None
