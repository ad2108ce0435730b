"""Finding the device that is meant, and saying which there are when none is."""

from __future__ import annotations

import argparse
import builtins
import json
import sys

import pytest

from adapters.audio.devices import list_devices, resolve
from adapters.audio.tests.fake_sound import Sound
from adapters.base import AdapterError
from ui.commands import devices as command

CARDS = (("USB Headset", 1, 2), ("USB Headset Pro", 1, 2), ("HDMI 0", 0, 8), ("Webcam", 2, 0))


@pytest.fixture
def use(monkeypatch):
    def use(devices=CARDS, default=(3, 2)):
        monkeypatch.setitem(sys.modules, "sounddevice", Sound(devices, default))

    return use


@pytest.mark.parametrize(
    ("spec", "kind", "number"),
    [
        (None, "input", 3),
        (None, "output", 2),
        (1, "input", 1),
        ("1", "output", 1),
        ("USB Headset", "input", 0),  # exact, though another one contains it
        ("usb headset", "output", 0),
        ("pro", "output", 1),
        ("webcam", "input", 3),
        ("HDMI 0 (ALSA)", "output", 2),
    ],
)
def test_a_device_is_found(use, spec, kind, number):
    use()
    assert resolve(spec, kind).number == number


@pytest.mark.parametrize(
    ("spec", "kind", "words"),
    [
        ("usb", "input", r"microphone 'usb' may be several; choose one of: 0 USB Headset \(ALSA\), 1 USB"),
        ("hdmi", "input", r"microphone 'hdmi' is none of ours; choose one of: 0 .*, 1 .*, 3 Webcam"),
        (3, "output", "speaker '3' is none of ours; choose one of: 0 .* 2 HDMI"),
        ("-1", "output", "speaker '-1' is none of ours"),
    ],
)
def test_a_device_that_is_not_found_names_the_choices(use, spec, kind, words):
    use()
    with pytest.raises(AdapterError, match=words) as caught:
        resolve(spec, kind)
    assert caught.value.kind == "missing"
    assert "\n" not in caught.value.detail


def test_a_machine_without_a_default_names_the_choices(use):
    use(default=(-1, -1))
    with pytest.raises(AdapterError, match="names no default speaker; choose one of: 0 USB Headset"):
        resolve(None, "output")


def test_a_machine_without_a_microphone_says_so(use):
    use(devices=(("HDMI 0", 0, 8),))
    with pytest.raises(AdapterError, match="this machine has no microphone"):
        resolve("webcam", "input")


@pytest.mark.parametrize(
    ("error", "cure"),
    [
        (OSError("PortAudio library not found"), "apt install libportaudio2"),
        (ImportError("No module named sounddevice"), "pip install sounddevice"),
        (RuntimeError("no host API"), "does not start: no host API"),
    ],
)
def test_a_machine_without_portaudio_names_the_cure(monkeypatch, error, cure):
    plain = builtins.__import__

    def refuse(name, *rest):
        if name == "sounddevice":
            raise error
        return plain(name, *rest)

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(AdapterError, match=cure) as caught:
        list_devices()
    assert caught.value.kind == "missing"


# -- the command --------------------------------------------------------------------------


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.register(parser.add_subparsers())
    args = parser.parse_args(["devices", *arguments])
    return args.run(args)


def test_the_command_lists_what_can_be_asked_for(use, capsys):
    use()
    assert run() == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(CARDS)
    assert lines[0].endswith("USB Headset (ALSA), 48000 Hz: microphone, speaker")
    assert lines[2].endswith("HDMI 0 (ALSA), 48000 Hz: speaker (default)")


def test_the_command_lists_for_programs(use, capsys):
    use()
    assert run("--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in listed] == [name for name, _, _ in CARDS]
    assert listed[3]["default_input"]


def test_the_command_without_devices(use, capsys):
    use(devices=())
    assert run() == 0
    assert "no sound devices" in capsys.readouterr().err
    assert run("--json") == 0
    assert json.loads(capsys.readouterr().out) == []
