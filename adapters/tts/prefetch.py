"""Between an engine that pushes and a voice that is pulled: a bounded buffer of samples.

    its event loop     await room() -> receive -> put(pcm) ... finish()
    a worker thread    take(least, most) -> pcm, last     blocks until that much is here, the end, or the fault
    any thread         close()

Rules. The loop waits for room before it receives, so the buffer holds at most its limit and one piece, and what is not
received stays in the network, which tells the sender. What came before a fault is handed out before it is raised.
Counts are in units of the engine; the last piece may end inside one.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque

import numpy as np

from adapters.base import AdapterError
from stitcher.pcm import Float32


class Prefetch:
    """`limit_units`: where receiving stops until something is taken."""

    def __init__(self, unit_samples: int, limit_units: int, loop: asyncio.AbstractEventLoop) -> None:
        self._unit_samples = unit_samples
        self._limit_units = limit_units
        self._loop = loop
        self._room = asyncio.Event()  # of the loop; everything below is shared, under the condition
        self._changed = threading.Condition()
        self._pieces: deque[Float32] = deque()
        self._held_samples = 0
        self._finished = False
        self._fault: AdapterError | None = None

    @property
    def held_units(self) -> int:
        return self._held_samples // self._unit_samples

    # -- on the event loop ----------------------------------------------------------------

    async def room(self) -> None:
        """Wait until there is room for another piece."""
        self._room.clear()  # before looking: what is taken from here on sets it again
        while self.held_units >= self._limit_units:
            await self._room.wait()
            self._room.clear()

    def put(self, pcm: Float32) -> None:
        with self._changed:
            if not self._finished:
                self._pieces.append(pcm)
                self._held_samples += pcm.size
                self._changed.notify_all()

    def finish(self, fault: AdapterError | None = None) -> None:
        """Nothing more comes: that was the end, or this fault. Only the first word counts."""
        with self._changed:
            if not self._finished:
                self._finished, self._fault = True, fault
                self._changed.notify_all()

    # -- on other threads -----------------------------------------------------------------

    def take(self, least: int, most: int) -> tuple[Float32, bool]:
        """At least `least` and at most `most` units, and whether they are the last; fewer where it ends or fails.
        Raises the fault once nothing whole is left before it."""
        least = min(least, self._limit_units)  # more is never here at once
        with self._changed:
            self._changed.wait_for(lambda: self._finished or self.held_units >= least)
            ended = self._finished and self._fault is None
            samples = min(most, self.held_units) * self._unit_samples
            if ended and self._held_samples <= most * self._unit_samples:
                samples = self._held_samples
            if self._fault is not None and samples == 0:
                raise self._fault
            pcm = self._cut(samples)
            last = ended and self._held_samples == 0
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for room any more
            self._loop.call_soon_threadsafe(self._room.set)
        return pcm, last

    def close(self) -> None:
        """Let go of what is held; whoever waits is told that this is the end."""
        with self._changed:
            self._pieces.clear()
            self._held_samples = 0
            self._finished, self._fault = True, None
            self._changed.notify_all()

    def _cut(self, samples: int) -> Float32:
        """The first `samples` samples, taken out."""
        self._held_samples -= samples
        taken: list[Float32] = []
        while samples:
            piece = self._pieces.popleft()
            taken.append(piece[:samples])
            if piece.size > samples:
                self._pieces.appendleft(piece[samples:])
            samples -= taken[-1].size
        return np.concatenate(taken) if taken else np.zeros(0, np.float32)
