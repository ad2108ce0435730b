"""The latency of a room is found, to the millisecond, by playing and listening."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.audio.device import DeviceMicrophone, DeviceSpeaker
from adapters.base import AdapterError
from scenes import jack
from stitcher.capture import Capture
from stitcher.playout import Playout
from timeline.clock import NS_PER_S, SystemClock
from ui.latency import Listening, Measured, measure, script

RATE_HZ = 24_000
BLOCK = 480


def heard_through_air(delay_ms: float, gain: float) -> Measured:
    """A speaker and a microphone on one clock, and the air between them."""
    playout, capture = Playout(script(RATE_HZ), RATE_HZ), Capture(RATE_HZ)
    listening, delay = Listening(playout, capture), int(delay_ms * RATE_HZ / 1000)
    draw, air = np.random.default_rng(1), np.zeros(RATE_HZ * 10)
    for at in range(0, air.size - delay - 2 * BLOCK, BLOCK):
        block = np.zeros(BLOCK, np.int16)
        playout.fill(block, (at + BLOCK) * NS_PER_S // RATE_HZ)
        air[at + BLOCK + delay : at + 2 * BLOCK + delay] = gain * block
        heard = (air[at : at + BLOCK] + draw.normal(0, 10, BLOCK)).astype(np.int16)
        capture.take(heard, (at + BLOCK) * NS_PER_S // RATE_HZ)
        if listening.drain():
            return listening.found()
    raise AssertionError("it never heard enough")


@pytest.mark.parametrize("delay_ms", [5, 60, 250])
def test_the_latency_is_found(delay_ms):
    found = heard_through_air(delay_ms, 0.5)
    assert found.latency_ms == pytest.approx(delay_ms, abs=1.0)
    assert found.echo_db > 20 and found.left_db < found.echo_db - 8


def test_a_microphone_that_does_not_hear_it_says_so():
    assert heard_through_air(60, 0.0).latency_ms is None


class Dead:
    """A device that opens and then does nothing, or says that it is gone."""

    rate_hz = RATE_HZ
    paced = True

    def __init__(self, fault: AdapterError | None = None) -> None:
        self.fault, self.running = fault, False

    def start(self, buffer, notify, on_fault):
        self.running = True
        if self.fault is not None:
            on_fault(self.fault)

    def stop(self):
        self.running = False


def test_a_device_that_gives_nothing_or_goes_is_an_error(monkeypatch):
    monkeypatch.setattr("ui.latency.BLOCK_WAIT_S", 0.0)
    speaker, microphone = Dead(), Dead()
    with pytest.raises(AdapterError, match="no sound"):
        measure(speaker, microphone)
    with pytest.raises(AdapterError, match="unplugged"):
        measure(speaker, Dead(AdapterError("unplugged", "it was unplugged")))
    assert not speaker.running and not microphone.running


@pytest.mark.device
@pytest.mark.skipif(bool(jack.available()), reason=jack.available() or "-")
@pytest.mark.parametrize("delay_ms", [40, 200])
def test_the_latency_of_a_real_device_is_found(delay_ms):
    """What is found is the air's delay, for the devices' times tell of their own latency; to a period or two. How much
    of the echo is left depends on how evenly a busy machine lets the dummy driver run: that is not asked."""
    with jack.jack_server() as server, jack.JackRoom(delay_ms * 16, 0.5, noise=0.001):
        assert server.alive
        clock = SystemClock()
        found = measure(DeviceSpeaker(None, clock), DeviceMicrophone(None, clock))
    assert found.latency_ms == pytest.approx(delay_ms, abs=25.0)
    assert found.echo_db > 15
