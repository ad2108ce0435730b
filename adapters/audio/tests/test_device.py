"""The device adapters against a stand-in for PortAudio: formats, times, faults. No sound card is needed."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from adapters.audio import watch as module
from adapters.audio.device import DeviceMicrophone, DeviceSpeaker
from adapters.audio.tests.fake_sound import Sound
from adapters.base import AdapterError
from stitcher.capture import CAPTURE_FACTS, Capture
from stitcher.playout import FACTS, Playout
from stitcher.ring import Ring
from timeline.clock import NS_PER_MS, NS_PER_S, VirtualClock

WAIT_S = 10  # until a test gives up, never how long it takes
BEGIN_NS = NS_PER_S


@pytest.fixture
def use(monkeypatch):
    def use(**options):
        sound = Sound(**options)
        monkeypatch.setitem(sys.modules, "sounddevice", sound)
        return sound

    return use


class Faults:
    def __init__(self) -> None:
        self.told: list[AdapterError] = []
        self.first = threading.Event()

    def __call__(self, error: AdapterError) -> None:
        self.told.append(error)
        self.first.set()

    def wait(self) -> AdapterError:
        assert self.first.wait(WAIT_S)
        return self.told[0]


def speaking(sound, rate_hz=24_000, notify=lambda: None):
    """A started speaker with one second of a ramp to play, and all that a test looks at."""
    speaker = DeviceSpeaker(None, VirtualClock(BEGIN_NS), rate_hz)
    ring = Ring(np.zeros(2 * speaker.rate_hz, np.int16))
    ring.write(np.arange(1, speaker.rate_hz + 1, dtype=np.int16))
    playout, faults = Playout(ring, speaker.rate_hz), Faults()
    speaker.start(playout, notify, faults)
    return speaker, sound.streams[-1], playout, faults


def listening(sound):
    microphone = DeviceMicrophone(None, VirtualClock(BEGIN_NS))
    capture = Capture(microphone.rate_hz)
    microphone.start(capture, lambda: None, Faults())
    return microphone, sound.streams[-1], capture


def times_ns(facts, names, column):
    return np.concatenate(facts.peek(facts.queued)).reshape(-1, len(names))[:, names.index(column)].tolist()


# -- formats ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "rate_hz", "channels"),
    [
        ({}, 24_000, 1),
        ({"channels": (2,)}, 24_000, 2),
        ({"devices": (("Card", 0, 6),), "channels": (6,)}, 24_000, 6),
        ({"rates_hz": (48_000,)}, 48_000, 1),
        ({"rates_hz": (44_100,), "channels": (2,)}, 44_100, 2),
        ({"rates_hz": (11_025, 32_000), "default_rate_hz": 11_025}, 32_000, 1),  # 20 ms must be whole
    ],
)
def test_a_device_is_opened_the_nearest_way_to_what_was_asked(use, options, rate_hz, channels):
    sound = use(**options)
    speaker = DeviceSpeaker(None, VirtualClock(), 24_000)
    assert speaker.rate_hz == rate_hz  # known before the start
    speaker, stream, _, _ = speaking(sound)
    assert (stream.rate_hz, stream.channels, stream.block_samples) == (rate_hz, channels, rate_hz // 50)
    speaker.stop()


def test_a_device_that_takes_nothing_says_so(use):
    use(rates_hz=(8_001,))
    with pytest.raises(AdapterError, match="speaker 'Card' takes none of our rates: Invalid sample rate"):
        DeviceSpeaker(None, VirtualClock())


@pytest.mark.parametrize("channels", [1, 2])
def test_every_channel_plays_the_same(use, channels):
    speaker, stream, _, _ = speaking(use(channels=(channels,)))
    block = stream.exchange()
    for channel in range(channels):
        np.testing.assert_array_equal(block[:, channel], np.arange(1, 481))
    speaker.stop()


@pytest.mark.parametrize("channels", [1, 2])
def test_channels_that_are_heard_are_mixed(use, channels):
    microphone, stream, capture = listening(use(channels=(channels,)))
    heard = np.arange(320 * channels, dtype=np.int16).reshape(320, channels) * 10
    stream.exchange(heard)
    np.testing.assert_array_equal(capture.ring.peek(320)[0], heard.mean(axis=1).astype(np.int16))
    microphone.stop()


def test_starting_twice_opens_once_and_stopping_twice_closes_once(use):
    sound = use()
    speaker, stream, playout, faults = speaking(sound)
    speaker.start(playout, lambda: None, faults)
    assert len(sound.streams) == 1
    speaker.stop()
    speaker.stop()
    assert stream.calls == ["stop", "close"]
    assert faults.told == []
    assert speaker.paced


# -- times --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latency_s", "times", "ahead_ms"),
    [
        (0.1, {"current": 7.0, "dac": 7.035}, 35),
        (0.1, {}, 100),  # a host that tells no times
        (0.1, {"current": 7.0}, 100),
        (0.1, {"dac": 7.0}, 100),
        (268_435.0, {}, 0),  # and one whose latency is nonsense too
    ],
)
def test_a_block_sounds_when_the_host_says_or_after_the_latency(use, latency_s, times, ahead_ms):
    speaker, stream, playout, _ = speaking(use(latency_s=latency_s))
    stream.exchange(**times)
    (device_ns,) = times_ns(playout.facts, FACTS, "device_ns")
    assert device_ns == pytest.approx(BEGIN_NS + ahead_ms * NS_PER_MS, abs=1000)
    speaker.stop()


@pytest.mark.parametrize(
    ("latency_s", "times", "behind_ms"),
    [
        (0.1, {"current": 7.0, "adc": 6.95}, 30),  # 50 ms for the first sample of 20 ms
        (0.1, {}, 80),
        (0.0, {}, 0),
        (0.01, {}, 0),  # nothing is heard before it sounds
    ],
)
def test_a_block_was_heard_when_the_host_says_or_a_latency_ago(use, latency_s, times, behind_ms):
    microphone, stream, capture = listening(use(latency_s=latency_s))
    stream.exchange(**times)
    (device_ns,) = times_ns(capture.facts, CAPTURE_FACTS, "device_ns")
    assert device_ns == pytest.approx(BEGIN_NS - behind_ms * NS_PER_MS, abs=1000)
    microphone.stop()


def test_device_times_never_run_backwards(use):
    speaker, stream, playout, _ = speaking(use())
    for dac in (7.5, 7.1, 7.6):
        stream.exchange(current=7.0, dac=dac)
    times = times_ns(playout.facts, FACTS, "device_ns")
    assert [round((ns - BEGIN_NS) / NS_PER_MS) for ns in times] == [500, 500, 600]
    speaker.stop()


# -- faults -------------------------------------------------------------------------------


def test_blocks_that_the_device_lost_are_counted(use):
    speaker, stream, _, _ = speaking(use())
    for underflow in (False, True, True):
        stream.exchange(underflow=underflow)
    assert speaker.xruns == 2
    speaker.stop()


def test_a_stream_that_ends_by_itself_is_told_once(use):
    speaker, stream, _, faults = speaking(use())
    stream.end()
    fault = faults.wait()
    stream.end()
    speaker.stop()
    assert faults.told == [fault]
    assert fault.kind == "unplugged"
    assert "speaker 'Card' is gone" in fault.detail


def test_a_device_that_stops_calling_is_told_once(use, monkeypatch):
    monkeypatch.setattr(module, "WATCH_MS", 1)
    speaker, stream, _, faults = speaking(use())
    fault = faults.wait()
    assert stream.active
    speaker.stop()
    assert faults.told == [fault]
    assert fault.kind == "unplugged"


def test_a_fault_may_be_answered_with_a_stop(use):
    sound = use()
    speaker = DeviceSpeaker(None, VirtualClock())
    stopped = threading.Event()

    def on_fault(error):
        speaker.stop()
        stopped.set()

    speaker.start(Playout(Ring(np.zeros(100, np.int16)), 24_000), lambda: None, on_fault)
    sound.streams[0].end()
    assert stopped.wait(WAIT_S)


def test_an_error_in_the_callback_is_told_once(use):
    def notify():
        raise ZeroDivisionError("oops")

    speaker, stream, _, faults = speaking(use(), notify=notify)
    stream.exchange()
    fault = faults.wait()
    speaker.stop()
    assert faults.told == [fault]
    assert fault.kind == "crashed"
    assert "ZeroDivisionError in its callback: oops" in fault.detail


def test_a_device_that_is_busy_says_so_and_can_be_started_later(use):
    sound = use()
    sound.busy = True
    with pytest.raises(AdapterError, match="'Card' does not open: Device unavailable") as caught:
        speaking(sound)
    assert caught.value.kind == "refused"
    sound.busy = False
    speaker, stream, _, _ = speaking(sound)
    assert stream.active
    speaker.stop()


def test_a_microphone_that_was_stopped_hears_no_more_though_its_device_calls(use):
    microphone, stream, capture = listening(use())
    stream.exchange()
    heard = capture.ring.written
    microphone.stop()
    stream.exchange()
    assert heard > 0 and capture.ring.written == heard


@pytest.mark.parametrize(("device", "spec"), [(None, None), (0, "Card (ALSA)"), ("card", "Card (ALSA)")])
def test_a_device_is_found_again_by_its_name_whatever_its_number(use, device, spec):
    use()
    assert DeviceMicrophone(device, VirtualClock()).spec == spec
