"""Pacing on a virtual clock: deadlines are absolute, blocks are exact, errors are told."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from adapters.audio.paced import PacedMicrophone, Pacer
from adapters.audio.queued import QueuedMicrophone
from adapters.base import AdapterError
from stitcher.capture import CAPTURE_FACTS, Capture
from stitcher.pcm import to_int16
from timeline.clock import NS_PER_MS, NS_PER_S, VirtualClock

WAIT_S = 10  # until a test gives up, never how long it takes


class Listener:
    """Stops the microphone, from its own thread, after `blocks` blocks; keeps what was heard."""

    def __init__(self, microphone: PacedMicrophone, blocks: int) -> None:
        self.capture = Capture(microphone.rate_hz)
        self.faults: list[AdapterError] = []
        self._microphone = microphone
        self._left = blocks
        self._done = threading.Event()

    def listen(self) -> np.ndarray:
        self._microphone.start(self.capture, self._notify, self._fault)
        assert self._done.wait(WAIT_S)
        heard = np.concatenate(self.capture.ring.peek(self.capture.ring.queued))
        self.capture.ring.consume(heard.size)
        return heard

    def times_ns(self) -> list[int]:
        facts = np.concatenate(self.capture.facts.peek(self.capture.facts.queued))
        return facts.reshape(-1, len(CAPTURE_FACTS))[:, 1].tolist()

    def _notify(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._microphone.stop()
            self._done.set()

    def _fault(self, error: AdapterError) -> None:
        self.faults.append(error)
        self._done.set()


def run_pacer(clock: VirtualClock, rate_hz: int, block_samples: int, blocks: int, work=lambda k: None):
    deadlines: list[int] = []
    done = threading.Event()

    def step(deadline_ns: int) -> None:
        deadlines.append(deadline_ns)
        work(len(deadlines))
        if len(deadlines) == blocks:
            pacer.stop()
            done.set()

    pacer = Pacer(clock, rate_hz, block_samples, step)
    pacer.start("test", lambda error: pytest.fail(str(error)))
    assert done.wait(WAIT_S)
    return deadlines


def test_deadlines_are_a_block_apart_and_do_not_drift():
    deadlines = run_pacer(VirtualClock(), 22_050, 256, 2000)  # 256 samples are no whole number of ns
    assert deadlines == [k * 256 * NS_PER_S // 22_050 for k in range(1, 2001)]


def test_who_is_late_catches_up():
    clock = VirtualClock()
    seen: list[int] = []

    def work(block: int) -> None:
        seen.append(clock.now_ns())
        if block == 2:
            clock.sleep_until(100 * NS_PER_MS)  # a stall in the middle

    deadlines = run_pacer(clock, 1000, 20, 7, work)
    assert deadlines == [k * 20 * NS_PER_MS for k in range(1, 8)]
    assert [ns // NS_PER_MS for ns in seen] == [20, 40, 100, 100, 100, 120, 140]


@pytest.mark.parametrize("error", [AdapterError("refused", "disk full"), ZeroDivisionError("oops")])
def test_an_error_in_the_work_is_told_once(error):
    faults: list[AdapterError] = []
    told = threading.Event()

    def fail(deadline_ns: int) -> None:
        raise error

    def on_fault(fault: AdapterError) -> None:
        faults.append(fault)
        told.set()

    pacer = Pacer(VirtualClock(), 1000, 20, fail)
    pacer.start("test", on_fault)
    assert told.wait(WAIT_S)
    pacer.stop()
    assert len(faults) == 1
    assert str(error) in faults[0].detail


def test_a_queued_microphone_hears_silence_and_what_was_said_in_its_place():
    microphone = QueuedMicrophone(VirtualClock(), 1000, block_samples=20)
    one, two = (np.linspace(0.1, 0.9, n, dtype=np.float32) for n in (33, 10))
    first, second = microphone.say(one), microphone.say(two)
    assert (first.ends_ns, first.spoken) == (None, False)
    heard = Listener(microphone, 5).listen()
    expected = np.zeros(100, np.int16)
    expected[:33], expected[33:43] = to_int16(one), to_int16(two)
    np.testing.assert_array_equal(heard, expected)
    assert first.spoken
    assert second.spoken
    assert microphone.spoken


def test_a_saying_knows_when_it_will_have_been_heard():
    microphone = QueuedMicrophone(VirtualClock(), 1000, block_samples=20)
    listener = Listener(microphone, 3)
    assert not listener.listen().any()
    saying = microphone.say(np.full(50, 0.5, np.float32))
    assert saying.begins_ns == 60 * NS_PER_MS  # the first block not yet delivered
    assert saying.ends_ns == 110 * NS_PER_MS
    assert not saying.spoken
    again = Listener(microphone, 3)
    assert np.flatnonzero(again.listen()).tolist() == list(range(50))
    assert saying.spoken
    assert again.times_ns()[2] == 120 * NS_PER_MS
    assert saying.ends_ns == 110 * NS_PER_MS


def test_starting_twice_and_stopping_twice_is_the_same_as_once():
    microphone = QueuedMicrophone(VirtualClock(), 1000, block_samples=20)
    microphone.stop()
    first, second = Capture(1000), Capture(1000)
    heard, started = threading.Event(), threading.Event()

    def notify() -> None:
        heard.set()
        assert started.wait(WAIT_S)

    microphone.start(first, notify, lambda error: pytest.fail(str(error)))
    microphone.start(second, notify, lambda error: pytest.fail(str(error)))
    assert heard.wait(WAIT_S)
    started.set()
    microphone.stop()
    microphone.stop()
    assert first.ring.written > 0
    assert second.ring.written == 0
