"""Which layer keeps our own voice out: what is configured, what is installed, and whether anything comes back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.base import AdapterError
from adapters.registry import Context
from adapters.weights import Weights
from orchestrator.config import Config, load_config
from orchestrator.shell import Parts
from timeline.clock import SystemClock
from ui import echo_choice
from ui.commands.doctor import _echo
from ui.echo_choice import EchoChoice, choose_echo
from ui.troupe import Troupe, choose_layer


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(Weights(tmp_path), SystemClock(), tmp_path)


@pytest.fixture
def without_livekit(monkeypatch):
    def missing(*_: Any) -> Any:
        raise AdapterError("missing", "echo.webrtc needs livekit: pip install 'duckbill[webrtc]'")

    monkeypatch.setattr(echo_choice, "make", missing)


def configured(**more: str) -> Config:
    return load_config(None, {}, {name.replace("__", "."): value for name, value in more.items()})


def choice(context: Context, adapter: str = "auto", devices: bool = True, client_cancels: bool = False) -> EchoChoice:
    return choose_echo(configured(echo__adapter=adapter), context, devices, client_cancels)


def test_where_a_file_stands_in_for_a_device_nothing_comes_back(context):
    assert choice(context, devices=False).layer == "none"
    assert choice(context, "none").layer == "none"
    assert choice(context, "linear", devices=False).layer == "linear", "but who asks for it gets it"


def test_devices_get_the_canceller_that_is_installed(context):
    pytest.importorskip("livekit.rtc")
    found = choice(context)
    path = found.path(24_000)
    assert found.layer == "webrtc" and path is not None and path.layer == "webrtc"


@pytest.mark.parametrize("adapter", ["auto", "linear", "webrtc", "none"])
def test_a_client_that_cancels_its_own_echo_gets_no_second_canceller(context, adapter):
    found = choice(context, adapter, client_cancels=True)
    assert found.layer == "client" and found.path(24_000) is None


def test_without_one_the_linear_part_stands_alone_and_the_cure_is_named(context, without_livekit):
    found = choice(context)
    path = found.path(24_000)
    assert found.layer == "linear" and path is not None and path.layer == "linear"
    assert found.lacking is not None and "duckbill[webrtc]" in found.lacking.detail
    with pytest.raises(AdapterError, match="livekit"):
        choice(context, "webrtc")


def test_one_that_does_not_exist_is_named(context):
    with pytest.raises(AdapterError, match="webrtc"):
        choice(context, "webrct")


def test_a_microphone_that_cancels_its_own_echo_is_believed(context):
    for cancels, layer in ((True, "client"), (False, "linear")):
        devices = SimpleNamespace(rate_hz=24_000, cancels_echo=cancels)
        parts = Parts(context.clock, None, devices, devices)  # type: ignore[arg-type]  # nobody speaks
        troupe = Troupe(configured(echo__adapter="linear"), parts)
        choose_layer(troupe, context, demo=False)
        assert parts.layer == layer and (parts.echo is None) == cancels


# -- what the doctor says of it ------------------------------------------------------------


def said(context: Context, **more: str) -> tuple[str, str, str, str]:
    finding = _echo(configured(**more), context)
    return finding.what, finding.state, finding.detail, finding.cure


def test_the_doctor_names_the_layer_and_why(context):
    assert said(context, echo__adapter="none")[:3] == (
        "echo none", "ok", "echo.adapter is 'none': use headphones, or --half-duplex",
    )  # fmt: skip
    assert said(context, audio__microphone="user.wav")[:3] == (
        "echo none", "ok", "microphone or speaker is a file: nothing comes back",
    )  # fmt: skip
    assert said(context, echo__adapter="linear")[:2] == ("echo linear", "ok")


def test_the_doctor_names_the_canceller(context):
    pytest.importorskip("livekit.rtc")
    what, state, detail, _ = said(context)
    assert (what, state) == ("echo webrtc", "ok") and "version" in detail


def test_the_doctor_names_the_cure_where_the_canceller_is_missing(context, without_livekit):
    what, state, detail, cure = said(context)
    assert (what, state, cure) == ("echo linear", "optional", "pip install 'duckbill[webrtc]'")
    assert "needs livekit" in detail
    assert said(context, echo__adapter="webrtc")[:2] == ("echo webrtc", "missing")
