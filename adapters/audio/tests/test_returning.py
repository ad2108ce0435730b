"""A microphone that goes and comes back, with time in the test's hand: what is heard, what is told, when it is looked
for."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from adapters.audio.returning import FIRST_MS, MOST_MS, STEADY_S, ReturningMicrophone
from adapters.base import AdapterError
from stitcher.capture import CAPTURE_FACTS, Capture

RATE_HZ = 16_000
GONE = AdapterError("unplugged", "it is gone")


class Plugged:
    """A microphone in the test's hand."""

    name = "Headset"

    def __init__(self, rate_hz=RATE_HZ, refuses=False):
        self.rate_hz, self.refuses, self.stopped, self.xruns = rate_hz, refuses, 0, 3

    def start(self, capture, notify, on_fault):
        if self.refuses:
            raise AdapterError("refused", "another program holds it")
        self.capture, self.lose = capture, on_fault

    def stop(self):
        self.stopped += 1

    def hear(self, samples):
        for _ in range(0, samples, 160):
            self.capture.take(np.zeros(160, np.int16), 0)


class Desk:
    """Where microphones are plugged in. `due`: the looks to come, (after ms, call)."""

    def __init__(self):
        self.first = Plugged()
        self.there: list[Plugged] = []
        self.due, self.told, self.found = [], [], []
        self.microphone = ReturningMicrophone(self.first, self.find, lambda ms, call: self.due.append((ms, call)))
        self.capture = Capture(RATE_HZ)

    def start(self):
        self.microphone.start(self.capture, lambda: None, self.told.append)
        return self

    def find(self):
        if not self.there:
            raise AdapterError("missing", "this machine has no microphone")
        self.found.append(self.there.pop())
        return self.found[-1]

    def look(self):
        """The next look, whenever it is due; after how long."""
        after_ms, call = self.due.pop()
        call()
        return after_ms

    def streams(self):
        facts = self.capture.facts
        rows = np.concatenate(facts.peek(facts.queued)).reshape(-1, len(CAPTURE_FACTS))
        return list(dict.fromkeys((int(row[2]), int(row[3])) for row in rows))


def test_it_is_the_microphone_that_it_is_around():
    desk = Desk().start()
    desk.first.hear(320)
    assert (desk.microphone.name, desk.microphone.rate_hz, desk.capture.ring.written) == ("Headset", RATE_HZ, 320)
    desk.microphone.stop()
    assert desk.first.stopped == 1 and not desk.due


def test_one_that_never_opened_is_an_error_as_without():
    desk = Desk()
    desk.first.refuses = True
    with pytest.raises(AdapterError, match="another program"):
        desk.start()
    assert not desk.due and not desk.told


def test_a_loss_is_told_once_as_one_that_may_end():
    desk = Desk().start()
    desk.first.lose(GONE)
    desk.first.lose(GONE)
    (fault,) = desk.told
    assert fault.retryable and fault.kind == "unplugged" and desk.first.stopped == 1
    assert fault.detail.startswith("the microphone is gone: plug 'Headset' in again")
    assert "audio.microphone" in fault.detail and "duckbill devices" in fault.detail


def test_what_is_no_loss_is_passed_on_and_is_the_end():
    desk = Desk().start()
    crash = AdapterError("crashed", "a bug")
    desk.first.lose(crash)
    assert desk.told == [crash] and not desk.due


def test_it_is_heard_on_in_a_new_stream_once_it_is_back():
    desk = Desk().start()
    desk.first.hear(320)
    desk.first.lose(GONE)
    assert desk.look() == FIRST_MS and not desk.found
    desk.there = [Plugged(48_000)]
    assert desk.look() == 2 * FIRST_MS
    desk.found[0].hear(480)
    assert desk.streams() == [(0, RATE_HZ), (1, 48_000)] and not desk.due
    assert desk.microphone.xruns == 6 and desk.capture.name == "Headset"
    desk.found[0].lose(GONE)
    assert len(desk.told) == 2


def test_looks_come_ever_more_rarely_and_never_stop():
    desk = Desk().start()
    desk.first.lose(GONE)
    waits = [desk.look() for _ in range(20)]
    assert waits[:5] == [500, 1000, 2000, 4000, 8000] and set(waits[5:]) == {MOST_MS}


def test_one_that_is_there_and_does_not_open_is_looked_for_again():
    desk = Desk().start()
    desk.first.lose(GONE)
    desk.there = [Plugged(), Plugged(refuses=True)]
    desk.look()
    desk.look()
    desk.found[1].hear(160)
    assert desk.capture.ring.written == 160 and not desk.due


@pytest.mark.parametrize(("heard_s", "wait_ms"), [(1, 4 * FIRST_MS), (STEADY_S, FIRST_MS)])
def test_a_loose_contact_waits_on_and_one_that_stayed_begins_anew(heard_s, wait_ms):
    desk = Desk().start()
    desk.first.lose(GONE)
    desk.look()
    desk.there = [Plugged()]
    desk.look()
    desk.capture.ring.consume(desk.capture.ring.queued)
    desk.found[0].hear(heard_s * RATE_HZ)
    desk.found[0].lose(GONE)
    assert desk.look() == wait_ms


def test_the_late_fault_of_one_that_is_gone_is_nobodys():
    desk = Desk().start()
    desk.first.lose(GONE)
    desk.there = [Plugged()]
    desk.look()
    desk.first.lose(GONE)
    assert len(desk.told) == 1 and desk.found[0].stopped == 0


def test_after_a_stop_nothing_is_looked_for():
    desk = Desk().start()
    desk.first.lose(GONE)
    desk.there = [Plugged()]
    desk.microphone.stop()
    desk.look()
    assert desk.there and not desk.due


def test_what_is_found_while_it_is_being_stopped_is_let_go_of():
    desk = Desk().start()
    desk.first.lose(GONE)
    found = Plugged()

    def find():
        desk.microphone.stop()
        return found

    desk.microphone._find = find
    desk.look()
    assert found.stopped == 1 and not hasattr(found, "capture")


def test_a_stop_does_not_wait_for_the_thread_that_tells_of_a_loss():
    """A device's stop waits for its watch, which may be about to tell us."""
    desk = Desk()
    told = threading.Thread(target=lambda: desk.first.lose(GONE))
    desk.first.stop = lambda: (told.start(), told.join(10))
    desk.start()
    desk.microphone.stop()
    assert not told.is_alive() and not desk.told


def test_a_look_for_which_the_machine_has_no_room_is_not_the_last():
    desk = Desk().start()
    desk.first.lose(GONE)

    def find():
        raise OSError(24, "Too many open files")

    desk.microphone._find = find
    desk.look()
    assert desk.look() == 2 * FIRST_MS and desk.due
