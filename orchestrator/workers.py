"""Workers: threads in which engines may block; what they bring back arrives on the event loop.

Daemon threads: an engine that hangs must not keep the program from ending. A worker whose call has
been taken for stalled is left behind, and another takes its place.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any

from adapters.base import AdapterError

CLOSE_WAIT_S = 2.0  # a call takes tenths; one that hangs must not keep the program from ending

Done = Callable[[Any, AdapterError | None], None]


class Worker:
    """One thread that runs calls in order. `done(result, error)` is called on the loop."""

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        self._name = name
        self._loop = loop
        self._start()

    def _start(self) -> None:
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], Done] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=_work, args=(self._calls, self._loop), name=self._name, daemon=True)
        self._thread.start()

    def submit(self, call: Callable[[], Any], done: Done) -> None:
        self._calls.put((call, done))

    def replace(self) -> None:
        """Leave a hanging call behind: later ones run in a new thread."""
        self._calls.put(None)
        self._start()

    def close(self) -> None:
        """Let the running call finish: a program that ends inside native code may crash."""
        self._calls.put(None)
        self._thread.join(CLOSE_WAIT_S)


def _work(calls: queue.SimpleQueue[tuple[Callable[[], Any], Done] | None], loop: asyncio.AbstractEventLoop) -> None:
    while (entry := calls.get()) is not None:
        call, done = entry
        result, error = None, None
        try:
            result = call()
        except AdapterError as fault:
            error = fault
        except Exception as fault:  # an engine's bug is the engine's fault: it must not take the thread along
            error = AdapterError("crashed", f"{type(fault).__name__}: {fault}".splitlines()[0], retryable=True)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(done, result, error)
