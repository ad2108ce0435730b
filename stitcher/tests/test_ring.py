"""The ring against a model that is a list, in shared memory, and between two threads."""

from __future__ import annotations

import threading
from multiprocessing.shared_memory import SharedMemory

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from stitcher.ring import FLUSH, FLUSHES, INDICES, OPEN, READ, WRITTEN, Ring

CAPACITY_MOST = 12  # small, so that most sequences wrap
COUNTS = st.integers(0, CAPACITY_MOST + 2)


class RingAgainstAList(RuleBasedStateMachine):
    """All that was ever committed lies in a list; the ring must agree with it at every step."""

    held = Bundle("held")

    @initialize(capacity=st.integers(1, CAPACITY_MOST))
    def make(self, capacity: int) -> None:
        self.storage = np.zeros(capacity, np.int64)
        self.ring = Ring(self.storage)
        self.committed: list[int] = []
        self.read = 0
        self.flush = 0
        self.flushes = 0
        self.next = 1

    @property
    def room(self) -> int:
        return self.storage.size - (len(self.committed) - self.read)

    def numbers(self, count: int) -> np.ndarray:
        """Samples that occur only once, so that a misplaced one shows."""
        self.next += count
        return np.arange(self.next - count, self.next)

    @rule(count=COUNTS)
    def write(self, count: int) -> None:
        samples = self.numbers(count)
        assert self.ring.write(samples) == (count <= self.room)
        if count <= self.room:
            self.committed += samples.tolist()

    @rule(count=COUNTS, part=st.floats(0, 1))
    def reserve_and_commit_a_part(self, count: int, part: float) -> None:
        views = self.ring.reserve(count)
        assert (views is None) == (count > self.room)
        if views is None:
            return
        first, second = views
        assert first.size + second.size == count
        samples = self.numbers(count)
        first[:], second[:] = samples[: first.size], samples[first.size :]
        published = int(part * count)
        self.ring.commit(published)
        self.committed += samples[:published].tolist()

    @rule(count=COUNTS)
    def peek(self, count: int) -> None:
        got = np.concatenate(self.ring.peek(count)).tolist()
        assert got == self.committed[self.read : self.read + count]

    @rule(part=st.floats(0, 1))
    def consume(self, part: float) -> None:
        count = int(part * (len(self.committed) - self.read))
        self.ring.consume(count)
        self.read += count

    @rule(part=st.floats(0, 1), claimed=st.integers(0, 3))
    def retract(self, part: float, claimed: int) -> None:
        first = max(self.read, self.flush)
        index = first + int(part * (len(self.committed) - first))
        self.ring.claim(claimed)
        done = self.ring.retract(index)
        assert done == (self.read + claimed <= index)
        if done:
            again = np.concatenate(self.ring.look_back(index, len(self.committed) - index)).tolist()
            assert again == self.committed[index:]
            del self.committed[index:]
        self.ring.claim(0)

    @rule()
    def ask_for_a_flush(self) -> None:
        self.flush = self.ring.request_flush()
        self.flushes += 1
        assert (self.flush, self.ring.flushes) == (len(self.committed), self.flushes)

    @rule()
    def flush_as_the_consumer(self) -> None:
        if self.ring.flush_index > self.ring.read:
            self.ring.consume(self.ring.flush_index - self.ring.read)
            self.read = self.flush

    @rule(value=st.booleans())
    def open_or_close(self, value: bool) -> None:
        self.ring.open = value
        assert self.ring.open is value

    @invariant()
    def the_indices_agree(self) -> None:
        ring = self.ring
        assert (ring.written, ring.read, ring.flush_index) == (len(self.committed), self.read, self.flush)
        assert 0 <= ring.queued == ring.written - ring.read <= ring.capacity

    @invariant()
    def what_was_committed_is_unchanged(self) -> None:
        assert np.concatenate(self.ring.peek(self.ring.queued)).tolist() == self.committed[self.read :]


RingAgainstAList.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestRingAgainstAList = RingAgainstAList.TestCase


@pytest.mark.parametrize("begin", [0, 3, 7])
def test_views_are_the_storage_itself(begin):
    storage = np.zeros(8, np.int16)
    ring = Ring(storage)
    ring.commit(begin)
    ring.consume(begin)
    for views in (ring.reserve(8), (ring.commit(8), ring.peek(8))[1]):
        assert sum(view.size for view in views) == 8
        assert all(np.shares_memory(view, storage) for view in views if view.size)
        assert (views[1].size > 0) == (begin > 0)


def test_full_and_empty_are_results():
    ring = Ring(np.zeros(4, np.int16))
    assert [view.size for view in ring.peek(4)] == [0, 0]
    assert ring.write(np.arange(4, dtype=np.int16))
    assert ring.reserve(1) is None
    assert not ring.write(np.ones(1, np.int16))
    assert np.concatenate(ring.peek(9)).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(("method", "count"), [("commit", 3), ("consume", 3), ("commit", -1), ("consume", -1)])
def test_our_own_mistakes_are_caught(method, count):
    ring = Ring(np.zeros(4, np.int16))
    ring.commit(2)
    with pytest.raises(AssertionError):
        getattr(ring, method)(count)


@pytest.mark.parametrize("storage", [np.zeros(0), np.zeros((2, 2))])
def test_a_storage_that_is_no_ring(storage):
    with pytest.raises(ValueError, match="one-dimensional"):
        Ring(storage)


def test_indices_far_beyond_32_bits():
    far = 2**40 + 3
    indices = np.zeros(INDICES, np.int64)
    indices[[WRITTEN, READ]] = far
    ring = Ring(np.zeros(5, np.int16), indices)
    assert ring.write(np.arange(5, dtype=np.int16))
    assert np.concatenate(ring.peek(5)).tolist() == [0, 1, 2, 3, 4]
    assert indices[WRITTEN] == far + 5


def test_storage_and_indices_in_shared_memory():
    """Two rings over one memory: one writes, the other, attached by name, reads."""
    memory = SharedMemory(create=True, size=INDICES * 8 + 16 * 2)
    try:
        there = SharedMemory(memory.name)
        writer, reader = (
            Ring(np.ndarray(16, np.int16, m.buf, INDICES * 8), np.ndarray(INDICES, np.int64, m.buf))
            for m in (memory, there)
        )
        assert writer.write(np.arange(10, dtype=np.int16))
        assert np.concatenate(reader.peek(16)).tolist() == list(range(10))
        reader.consume(10)
        assert writer.queued == 0
        writer.open = True
        assert reader.open and reader.flush_index == 0
        assert writer.request_flush() == reader.flush_index == 10
        assert np.ndarray(INDICES, np.int64, there.buf)[[READ, FLUSH, OPEN, FLUSHES]].tolist() == [10, 10, 1, 1]
        del writer, reader
        there.close()
    finally:
        memory.close()
        memory.unlink()


def test_two_threads_and_no_lock():
    """A producer and a consumer with block sizes of their own: every sample arrives once, in order."""
    total, ring = 200_000, Ring(np.zeros(1021, np.int32))  # a prime, so that the wrap wanders
    sizes = np.random.default_rng(7).integers(1, 400, 4096).tolist()

    def produce() -> None:
        at, turn = 0, 0
        while at < total:
            count = min(sizes[turn % 4096], total - at)
            if ring.write(np.arange(at, at + count, dtype=np.int32)):
                at, turn = at + count, turn + 1

    producer = threading.Thread(target=produce, daemon=True)
    producer.start()
    at, turn, wrong = 0, 0, 0
    while at < total and (producer.is_alive() or ring.queued):
        got = np.concatenate(ring.peek(sizes[-turn % 4096]))
        wrong += int(np.count_nonzero(got != np.arange(at, at + got.size)))
        ring.consume(got.size)
        at, turn = at + got.size, turn + 1
    producer.join()
    assert (at, wrong, ring.queued) == (total, 0, 0)


def test_what_is_taken_back_under_a_reader_is_never_heard():
    """A producer writes runs of one number and takes them back where it may; the consumer finds no torn block."""
    ring, blocks, size = Ring(np.zeros(509, np.int32)), 4000, 16
    stop, refused, taken_back = threading.Event(), [], []

    def produce() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            ring.write(np.full(3 * size, number, np.int32))
            index = max(ring.read, ring.written - 2 * size)
            if index <= ring.written:
                (taken_back if ring.retract(index) else refused).append(number)

    producer = threading.Thread(target=produce, daemon=True)
    producer.start()
    last, wrong = 0, 0
    for _ in range(blocks):
        ring.claim(size)
        written = ring.written
        got = np.concatenate(ring.seen(min(size, written - ring.read)))
        wrong += int(np.any(np.diff(got) < 0)) + int(got.size > 0 and got[0] < last)
        last = int(got[-1]) if got.size else last
        ring.consume(got.size)
        ring.claim(0)
    stop.set()
    producer.join()
    assert wrong == 0
    assert taken_back
