"""The ring: single producer, single consumer, no lock, no copy of its own.

Rules. Indices count samples since the ring was made and have one writer each: the
producer writes WRITTEN, FLUSH, FLUSHES, OPEN and HELD, the consumer READ and CLAIMED. `reserve` and `peek` hand out
views into the storage, two where it wraps; `commit` and `consume` publish. Full and empty are results,
never waits. A flush is asked by the producer (an index, and a
count, so that a flush of nothing new is seen too) and done by the consumer, who alone knows where it stands.

What was committed is never changed under the consumer's eyes, but the producer may take back what the consumer has
not come near: WRITTEN is the one index that may go back. The consumer claims what it is about to read before it
looks at WRITTEN, the producer lowers WRITTEN before it looks at the claim: one of them always sees the other
(Dekker, 1965), as long as both are threads of one interpreter, whose lock keeps loads and stores in order.

    producer: reserve(n) -> views, fill them, commit(n)         storage  [....####......]
    consumer: peek(n) -> views, read them, consume(n)                     READ^   ^WRITTEN

Storage and indices are injected, so that both can lie in shared memory. Loads and stores of one
aligned 64-bit integer are atomic on every machine that numpy runs on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
WRITTEN, READ, FLUSH, OPEN, FLUSHES, CLAIMED, HELD = range(7)
INDICES = 7


class Ring:
    """`storage`: one-dimensional array of any dtype; `indices`: int64[INDICES], made here if not given."""

    def __init__(self, storage: Array, indices: npt.NDArray[np.int64] | None = None) -> None:
        if storage.ndim != 1 or storage.size == 0:
            raise ValueError("a ring needs a one-dimensional storage that is not empty")
        self._storage = storage
        self._indices = np.zeros(INDICES, np.int64) if indices is None else indices
        self.capacity = storage.size

    @property
    def written(self) -> int:
        """Samples committed since the beginning."""
        return int(self._indices[WRITTEN])

    @property
    def read(self) -> int:
        """Samples consumed since the beginning."""
        return int(self._indices[READ])

    @property
    def queued(self) -> int:
        """Samples committed and not consumed."""
        return self.written - self.read

    # -- producer -------------------------------------------------------------------------

    def reserve(self, count: int) -> tuple[Array, Array] | None:
        """Writable views of the next `count` free samples; None where there is less room."""
        written = self.written
        if count > self.capacity - (written - self.read):
            return None
        return self._views(written, count)

    def commit(self, count: int) -> None:
        """Publish `count` samples written through `reserve`."""
        written = self.written
        assert 0 <= count <= self.capacity - (written - self.read), "commit of more than was free"
        self._indices[WRITTEN] = written + count

    def write(self, samples: Array) -> bool:
        """Copy and commit; False, and nothing done, where there is less room."""
        views = self.reserve(samples.size)
        if views is None:
            return False
        first, second = views
        first[:] = samples[: first.size]
        second[:] = samples[first.size :]
        self.commit(samples.size)
        return True

    def retract(self, index: int) -> bool:
        """Take back what was committed from `index` on; False, and nothing done, where the consumer is about to read
        it. At or behind what was flushed last."""
        written = self.written
        assert self.flush_index <= index <= written, "retract of what was flushed, or never committed"
        self._indices[WRITTEN] = index
        if self._indices[CLAIMED] <= index:
            return True
        self._indices[WRITTEN] = written
        return False

    def look_back(self, start: int, count: int) -> tuple[Array, Array]:
        """Views of what the producer wrote, also just after it took that back."""
        return self._views(start, count)

    @property
    def flush_index(self) -> int:
        """Everything before it is to be thrown away."""
        return int(self._indices[FLUSH])

    @property
    def flushes(self) -> int:
        """How many were asked for since the beginning."""
        return int(self._indices[FLUSHES])

    def request_flush(self) -> int:
        """Ask the consumer to throw away all that was committed so far; returns that index."""
        # The index before the count: a consumer that reads the count first never takes a new count with an old index.
        self._indices[FLUSH] = self._indices[WRITTEN]
        self._indices[FLUSHES] += 1
        return self.flush_index

    @property
    def open(self) -> bool:
        """A stream is being produced: to find the ring empty is an underrun."""
        return bool(self._indices[OPEN])

    @open.setter
    def open(self, value: bool) -> None:
        self._indices[OPEN] = int(value)

    @property
    def held(self) -> bool:
        """The consumer is to pause: silence, and nothing consumed."""
        return bool(self._indices[HELD])

    @held.setter
    def held(self, value: bool) -> None:
        self._indices[HELD] = int(value)

    # -- consumer -------------------------------------------------------------------------

    def claim(self, count: int) -> None:
        """Said before looking at `written`: up to `count` samples will be read. `claim(0)` afterwards."""
        self._indices[CLAIMED] = self._indices[READ] + count

    def seen(self, count: int) -> tuple[Array, Array]:
        """Views of the next `count` samples, which are claimed and were seen to be written."""
        return self._views(self.read, count)

    def peek(self, count: int) -> tuple[Array, Array]:
        """Views of the next `count` samples, or of as many as are queued."""
        return self._views(self.read, min(count, self.queued))

    def consume(self, count: int) -> None:
        """Give back `count` samples: the producer may overwrite them."""
        read = self.read
        assert 0 <= count <= max(self.written, int(self._indices[CLAIMED])) - read, "consume of more than was queued"
        self._indices[READ] = read + count

    def _views(self, index: int, count: int) -> tuple[Array, Array]:
        start = index % self.capacity
        end = start + count
        if end <= self.capacity:
            return self._storage[start:end], self._storage[:0]
        return self._storage[start:], self._storage[: end - self.capacity]
