"""The scene of our own words notices a check that takes nothing for an echo, and one that takes everything for one."""

from __future__ import annotations

import pytest

from orchestrator import hearing
from scenes.plays import self_echo
from scenes.tests.test_scenes import failed, played


@pytest.mark.parametrize(
    ("check", "probe"),
    [(lambda heard, said: False, "self_interruptions"), (lambda heard, said: bool(heard and said), "users_lost")],
    ids=["nothing", "everything"],
)
def test_a_check_that_does_not_look_is_noticed(monkeypatch, check, probe):
    monkeypatch.setattr(hearing, "is_echo", check)
    assert probe in failed(played(self_echo.SCENE))
