"""Clocks only go forward; the virtual one only when it is told to."""

from __future__ import annotations

import time
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from timeline.clock import NS_PER_S, SystemClock, VirtualClock, wall_time


@given(start=st.integers(0, 2**62), deadlines=st.lists(st.integers(0, 2**62)))
def test_a_virtual_clock_moves_to_its_deadlines_and_never_back(start, deadlines):
    clock = VirtualClock(start)
    for deadline in deadlines:
        before = clock.now_ns()
        clock.sleep_until(deadline)
        assert clock.now_ns() == max(before, deadline)


def test_the_system_clock_begins_near_zero_and_does_not_go_back(monkeypatch):
    now = [5 * NS_PER_S]
    monkeypatch.setattr(time, "monotonic_ns", lambda: now[0])
    clock = SystemClock()
    assert clock.now_ns() == 0
    now[0] += 7
    assert clock.now_ns() == 7


def test_the_system_clock_waits_for_what_is_left(monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr(time, "monotonic_ns", lambda: 0)
    monkeypatch.setattr(time, "sleep", waited.append)
    clock = SystemClock()
    for deadline in (NS_PER_S // 2, 0, -5):
        clock.sleep_until(deadline)
    assert waited == [0.5]


def test_the_time_of_day_is_utc():
    read = datetime.fromisoformat(wall_time())
    assert read.utcoffset().total_seconds() == 0
