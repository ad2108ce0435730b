"""Which layer keeps our own voice out: what is configured, what is installed, and whether anything comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.base import AdapterError
from adapters.registry import Context
from adapters.weights import Weights
from orchestrator.config import load_config
from timeline.clock import SystemClock
from ui import compose
from ui.compose import make_echo


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(Weights(tmp_path), SystemClock(), tmp_path)


def layer(context: Context, adapter: str, devices: bool) -> str | None:
    path = make_echo(load_config(None, {}, {"echo.adapter": adapter}), context, 24_000, devices)
    return path.layer if path is not None else None


def test_where_a_file_stands_in_for_a_device_nothing_comes_back(context):
    assert layer(context, "auto", devices=False) is None
    assert layer(context, "none", devices=True) is None
    assert layer(context, "linear", devices=False) == "linear", "but who asks for it gets it"


def test_devices_get_the_canceller_that_is_installed(context):
    pytest.importorskip("livekit.rtc")
    assert layer(context, "auto", devices=True) == "webrtc"


def test_without_one_the_linear_part_stands_alone(context, monkeypatch):
    def missing(*_):
        raise AdapterError("missing", "echo.webrtc needs livekit: pip install 'duckbill[webrtc]'")

    monkeypatch.setattr(compose, "make", missing)
    assert layer(context, "auto", devices=True) == "linear"
    with pytest.raises(AdapterError, match="livekit"):
        layer(context, "webrtc", devices=True)


def test_one_that_does_not_exist_is_named(context):
    with pytest.raises(AdapterError, match="webrtc"):
        layer(context, "webrct", devices=True)
