"""Resident: something large that is in memory while it is needed.

    use, prepare -> load -> in memory -> nobody used it for long, or memory runs short -> let go of it

Rules. It is loaded by whoever needs it first; others wait for that. It is never let go of while in use. Every few
seconds a thread looks after it, as long as it is there. `prepare` loads beside whatever else goes on: a load that fails
there fails again for whoever needs it, and is told there.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from adapters.base import AdapterError
from timeline.clock import NS_PER_S, Clock

T = TypeVar("T")

LOOK_S = 2.0  # between two looks: memory that runs short does so within seconds
SHORT_IDLE_S = (
    10  # kept so long where memory is short: from the onset of speech to its transcription, and a little more
)


class Resident(Generic[T]):
    """`idle_s`: how long it is kept unused, 0 for ever; `memory_short()`: it should go as soon as it can."""

    def __init__(self, load: Callable[[], T], clock: Clock, idle_s: float, memory_short: Callable[[], bool]) -> None:
        self._load = load
        self._clock = clock
        self._idle_ns = int(idle_s * NS_PER_S)
        self._memory_short = memory_short
        self._lock = threading.RLock()  # held while it comes and goes, not while it is used
        self._held: T | None = None
        self._users = 0
        self._used_ns = 0
        self._loading: threading.Thread | None = None
        self._watcher: threading.Thread | None = None
        self._over = threading.Event()  # set: there is nothing to look after any more
        self.load_ns = 0  # how long the last load took

    @property
    def loaded(self) -> bool:
        return self._held is not None

    @contextmanager
    def use(self) -> Iterator[T]:
        """Raises what loading raises."""
        with self._lock:
            held = self._there()
            self._users += 1
        try:
            yield held
        finally:
            with self._lock:
                self._users -= 1
                self._used_ns = self._clock.now_ns()

    def prepare(self) -> None:
        """Load it on a thread of its own, unless it is there or coming; keep it a while longer if it is."""
        self._used_ns = self._clock.now_ns()
        if not self.loaded and (self._loading is None or not self._loading.is_alive()):
            self._loading = threading.Thread(target=self._load_quietly, name="load", daemon=True)
            self._loading.start()

    def look(self) -> bool:
        """Let go of it where it is time to; True: it is gone."""
        with self._lock:
            if self.loaded and not self._users and self._is_time():
                self.drop()
            return not self.loaded

    def drop(self) -> None:
        """Let go of it, however needed it is: who uses it keeps it until the end of that."""
        with self._lock:
            self._held = None
            self._over.set()

    def _is_time(self) -> bool:
        unused_ns = self._clock.now_ns() - self._used_ns
        if self._idle_ns and unused_ns >= self._idle_ns:
            return True
        return unused_ns >= SHORT_IDLE_S * NS_PER_S and self._memory_short()

    def _there(self) -> T:
        if self._held is None:
            before_ns = self._clock.now_ns()
            self._held = self._load()
            self._used_ns = self._clock.now_ns()
            self.load_ns = self._used_ns - before_ns
            self._over = threading.Event()
            watch = (weakref.ref(self), self._over)
            self._watcher = threading.Thread(target=_watch, args=watch, name="idle", daemon=True)
            self._watcher.start()
        return self._held

    def _load_quietly(self) -> None:
        with contextlib.suppress(AdapterError), self._lock:
            self._there()


def _watch(of: weakref.ref[Resident[T]], over: threading.Event) -> None:
    """Until it is gone, or whoever holds it is."""
    while not over.wait(LOOK_S):
        resident = of()
        if resident is None or resident.look():
            return
        del resident
