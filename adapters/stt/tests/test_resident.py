"""What is in memory while it is needed: loaded once, let go of when it is time, never while it is used."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from adapters.base import AdapterError
from adapters.stt import resident
from adapters.stt.resident import LOOK_S, SHORT_IDLE_S, Resident
from timeline.clock import NS_PER_S, VirtualClock

PATIENCE_S = 60  # of a test, for what comes at once: reached only where it fails
IDLE_S = 300.0


class Large:
    """What is loaded."""


class World:
    """A clock that stands still, a load that counts, memory that is short when it is said to be."""

    def __init__(self, idle_s: float = IDLE_S) -> None:
        self.clock = VirtualClock()
        self.loads = 0
        self.short = False
        self.fault: AdapterError | None = None
        self.held = Resident(self.load, self.clock, idle_s, lambda: self.short)

    def load(self) -> Large:
        if self.fault is not None:
            raise self.fault
        self.loads += 1
        return Large()

    def pass_s(self, seconds: float) -> None:
        self.clock.sleep_until(self.clock.now_ns() + int(seconds * NS_PER_S))

    def use(self) -> None:
        with self.held.use():
            pass


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """No thread looks by itself."""
    monkeypatch.setattr(resident, "LOOK_S", PATIENCE_S)
    return World()


def test_it_is_loaded_by_the_first_use_and_kept(world):
    assert not world.held.loaded
    world.use()
    world.use()
    assert world.held.loaded and world.loads == 1


def test_unused_for_long_it_is_let_go_of_and_loaded_again_by_the_next_use(world):
    world.use()
    world.pass_s(IDLE_S - 1)
    assert not world.held.look()
    world.pass_s(1)
    assert world.held.look() and not world.held.loaded
    world.use()
    assert world.loads == 2


def test_a_use_and_a_preparation_begin_the_time_anew(world):
    world.use()
    for again in (world.use, world.held.prepare):
        world.pass_s(IDLE_S - 1)
        again()
        world.pass_s(IDLE_S - 1)
        assert not world.held.look()
    assert world.loads == 1


def test_without_a_limit_it_stays_for_ever(monkeypatch):
    monkeypatch.setattr(resident, "LOOK_S", PATIENCE_S)
    world = World(idle_s=0)
    world.use()
    world.pass_s(10**6)
    assert not world.held.look()


def test_where_memory_is_short_it_goes_soon_but_not_between_an_onset_and_its_transcription(world):
    world.use()
    world.short = True
    world.pass_s(SHORT_IDLE_S - 1)
    assert not world.held.look()
    world.pass_s(1)
    assert world.held.look()


def test_what_is_used_stays(world):
    with world.held.use():
        world.short = True
        world.pass_s(10 * IDLE_S)
        assert not world.held.look()
    assert not world.held.look(), "the time begins with the end of its use"
    world.pass_s(IDLE_S)
    assert world.held.look()


def test_it_is_freed_for_good(world):
    with world.held.use() as large:
        freed = threading.Event()
        weakref.finalize(large, freed.set)
    del large
    world.held.drop()
    gc.collect()
    assert freed.is_set()


def test_preparing_loads_it_beside_and_once(world):
    begun, go_on = threading.Event(), threading.Event()
    load = world.load

    def slow() -> Large:
        begun.set()
        assert go_on.wait(PATIENCE_S)
        return load()

    world.held._load = slow
    world.held.prepare()
    assert begun.wait(PATIENCE_S)
    world.held.prepare()
    using = threading.Thread(target=world.use)
    using.start()
    go_on.set()
    using.join(PATIENCE_S)
    assert world.loads == 1 and world.held.loaded


def test_a_preparation_that_fails_is_told_to_whoever_needs_it(world):
    world.fault = AdapterError("missing", "no weights")
    world.held.prepare()
    world.held._loading.join(PATIENCE_S)
    with pytest.raises(AdapterError, match="no weights"):
        world.use()
    world.fault = None
    world.use()
    assert world.held.loaded


def test_somebody_looks_by_himself_and_stops_when_there_is_nothing_left(monkeypatch):
    monkeypatch.setattr(resident, "LOOK_S", 0.0)
    world = World()
    world.use()
    watch = world.held._watcher
    world.pass_s(IDLE_S)
    watch.join(PATIENCE_S)
    assert not watch.is_alive() and not world.held.loaded


def test_nobody_looks_after_what_nobody_holds(monkeypatch):
    monkeypatch.setattr(resident, "LOOK_S", 0.0)
    held = Resident(Large, VirtualClock(), IDLE_S, lambda: False)
    held.prepare()
    held._loading.join(PATIENCE_S)
    watch = held._watcher
    del held
    watch.join(PATIENCE_S)
    assert not watch.is_alive()


def test_looks_come_more_often_than_the_shortest_time_that_they_measure():
    assert LOOK_S < SHORT_IDLE_S
