"""The latency of a room is found, to the millisecond, by playing and listening."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from adapters.base import AdapterError
from stitcher.pcm import Int16
from timeline.clock import NS_PER_S
from ui.latency import measure

RATE_HZ = 24_000


class Bench:
    """A speaker and a microphone on one clock of their own, in one thread, and the air between them."""

    rate_hz = RATE_HZ
    paced = True

    def __init__(self, delay_ms: float, gain: float, blocks: int = 400) -> None:
        self.delay, self.gain, self.blocks = int(delay_ms * RATE_HZ / 1000), gain, blocks
        self.stopped = threading.Event()

    def start(self, playout, notify, on_fault):
        self.playout, self.notify = playout, notify
        threading.Thread(target=self.run, daemon=True).start()

    def stop(self):
        self.stopped.set()

    def run(self):
        draw, air = np.random.default_rng(1), np.zeros(RATE_HZ * 10)
        for number in range(self.blocks):
            block = np.zeros(480, np.int16)
            at = number * 480
            self.playout.fill(block, at * NS_PER_S // RATE_HZ)
            air[at + self.delay : at + self.delay + 480] = self.gain * block
            heard: Int16 = (air[at : at + 480] + draw.normal(0, 10, 480)).astype(np.int16)
            self.capture.take(heard, (at + 480) * NS_PER_S // RATE_HZ)
            self.notify()


class Ear:
    rate_hz = RATE_HZ

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def start(self, capture, notify, on_fault):
        self.bench.capture = capture

    def stop(self):
        pass


@pytest.mark.parametrize("delay_ms", [5, 60, 250])
def test_the_latency_is_found(delay_ms):
    bench = Bench(delay_ms, 0.5)
    found = measure(bench, Ear(bench))
    assert found.latency_ms == pytest.approx(delay_ms, abs=1.0)
    assert found.echo_db > 20 and found.left_db < found.echo_db - 10


def test_a_microphone_that_does_not_hear_it_says_so():
    bench = Bench(60, 0.0)
    assert measure(bench, Ear(bench)).latency_ms is None


def test_a_device_that_falls_silent_is_an_error(monkeypatch):
    monkeypatch.setattr("ui.latency.BLOCK_WAIT_S", 0.05)
    bench = Bench(60, 0.5, blocks=5)
    with pytest.raises(AdapterError, match="no sound"):
        measure(bench, Ear(bench))
