"""The microphone's health, window by window: who is told what, and how often."""

from __future__ import annotations

import math

import pytest

from orchestrator.microphone_health import ALIVE_MS, DEAD_MOST_MS, DEAD_MS, MicrophoneHealth
from stitcher.input_meter import DEAD_SWING
from timeline.events import EarFrame

WINDOW, RATE_HZ = 512, 16_000
WINDOW_MS = WINDOW * 1000 / RATE_HZ
HISS = 40  # the swing of a room at -75 dBFS


class Listener:
    def __init__(self, name="Headset"):
        self.health = MicrophoneHealth(name, RATE_HZ)

    def hear(self, for_ms, swing=HISS, clipped_share=0.0, speech_prob=0.0):
        """The lines that are told while that is heard."""
        frame = EarFrame(0, WINDOW, speech_prob, -70.0, 0, swing, clipped_share)
        return [notice.text for _ in range(math.ceil(for_ms / WINDOW_MS)) for notice in self.health.hear(frame)]


@pytest.mark.parametrize("swing", [0, 1, DEAD_SWING])
def test_ten_dead_seconds_are_told_once_with_device_setting_and_cure(swing):
    listener = Listener()
    assert listener.hear(DEAD_MS - WINDOW_MS, swing) == []
    (line,) = listener.hear(60_000, swing)
    assert line.startswith("check the microphone: 'Headset' has delivered nothing but silence for 10 s")
    assert "audio.microphone" in line and "duckbill devices" in line and "\n" not in line


def test_a_quiet_room_is_no_fault():
    assert Listener().hear(600_000, DEAD_SWING + 1) == []


@pytest.mark.parametrize(("name", "swing"), [("", 0), ("Headset", -1)])
def test_a_file_and_a_journal_that_does_not_tell_are_not_judged(name, swing):
    assert Listener(name).hear(60_000, swing, clipped_share=1.0, speech_prob=1.0) == []


def test_it_is_told_when_it_is_heard_again_and_anew_when_it_fails_again():
    listener = Listener()
    listener.hear(DEAD_MS, 0)
    assert listener.hear(WINDOW_MS) == [], "a mute switch clicks"
    assert listener.hear(2 * DEAD_MS, 0) == [], "that was told"
    assert listener.hear(ALIVE_MS) == ["the microphone is heard again"]
    assert listener.hear(60_000) == []
    (line,) = listener.hear(2 * DEAD_MS, 0)
    assert "for 20 s" in line


def test_a_gate_that_closes_all_day_is_told_ever_more_rarely():
    listener, told = Listener(), 0
    for _ in range(100):
        told += len([line for line in listener.hear(30_000, 0) if line.startswith("check")])
        listener.hear(1000)
    assert told == 2
    assert listener.hear(DEAD_MOST_MS, 0), "but it is told in the end"


def test_a_click_begins_the_ten_seconds_anew():
    listener = Listener()
    for _ in range(10):
        assert listener.hear(DEAD_MS / 2, 0) + listener.hear(WINDOW_MS) == []


def test_speech_that_clips_is_told_once_with_the_cure():
    listener = Listener()
    lines = [line for _ in range(100) for line in listener.hear(64, 65_535, 0.1, 0.9) + listener.hear(96, 40_000, 0, 1)]
    assert lines == ["the microphone clips: lower the input gain of 'Headset' in your system's sound settings"]


@pytest.mark.parametrize(("share", "speech_prob", "for_ms"), [(0.01, 1.0, 60_000), (0.5, 0.1, 60_000), (0.5, 1.0, 320)])
def test_a_loud_voice_a_knock_and_one_shout_are_no_fault(share, speech_prob, for_ms):
    assert Listener().hear(for_ms, 65_535, share, speech_prob) == []


def test_a_gain_that_was_lowered_and_raised_again_is_told_again():
    listener = Listener()
    assert len(listener.hear(3000, 65_535, 0.1, 0.9)) == 1
    assert listener.hear(12_000, 30_000, 0.0, 0.9) == []
    assert len(listener.hear(3000, 65_535, 0.1, 0.9)) == 1


def test_a_loss_is_told_once_and_each_return_too():
    health = Listener().health
    for _ in range(2):
        assert [notice.text for notice in health.lost("the microphone is gone")] == ["the microphone is gone"]
        assert health.lost("the microphone is gone") == []
        assert [notice.text for notice in health.back("Headset")] == ["the microphone is back"]


def test_one_that_comes_back_muted_is_told_of():
    listener = Listener()
    listener.hear(DEAD_MS, 0)
    listener.health.lost("gone")
    listener.health.back("Headset")
    assert listener.hear(DEAD_MS - WINDOW_MS, 0) == []
    assert len(listener.hear(2 * WINDOW_MS, 0)) == 1


def test_another_microphone_that_is_heard_instead_is_named_from_then_on():
    listener = Listener()
    listener.health.lost("gone")
    assert [notice.text for notice in listener.health.back("Webcam")] == ["the microphone is back: it is 'Webcam' now"]
    assert listener.hear(DEAD_MS, 0)[0].startswith("check the microphone: 'Webcam'")


def test_one_whose_name_nobody_knows_is_just_back():
    for name, back in (("Headset", ""), ("", "Headset")):
        assert [notice.text for notice in Listener(name).health.back(back)] == ["the microphone is back"]
