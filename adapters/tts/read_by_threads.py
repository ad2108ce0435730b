"""Asynchronous work, waited for by threads that may block: voices are called from such, and HTTP is done with aiohttp.

    ThreadedStream(async generator): read, close
    run(coroutine) -> its result

One event loop serves the process, in a daemon thread that begins with the first use and idles otherwise. A generator
runs only while it is read. `close` may be called from any thread, also while another one reads: the generator is
cancelled wherever it waits (a name looked up, a connection made, a byte awaited) and ends with its own `finally`, so a
connection is closed at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

T = TypeVar("T")

_starting = threading.Lock()
_loops: list[asyncio.AbstractEventLoop] = []  # none or one


def run(work: Coroutine[Any, Any, T]) -> T:
    """Wait for it on the loop. Raises what it does. Not to be called on the loop itself."""
    return begin(work).result()


def begin(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Have it done on the loop."""
    with _starting:
        if not _loops:
            _loops.append(asyncio.new_event_loop())
            threading.Thread(target=_loops[0].run_forever, name="adapters-tts", daemon=True).start()
    return asyncio.run_coroutine_threadsafe(work, _loops[0])


class ThreadedStream:
    """The pieces of `source`, of which none is empty."""

    def __init__(self, source: AsyncGenerator[str]) -> None:
        self._source = source
        self._task: asyncio.Task[str] | None = None  # the read that is under way
        self._closed = False

    def read(self) -> str:
        """The next piece as soon as it is there; empty at the end, and once closed. Raises what the stream does."""
        try:
            return "" if self._closed else run(self._next())
        except CancelledError:
            return ""

    def close(self) -> None:
        """Begin to end it, and return: whoever reads, and may be at work with a piece, is not waited for."""
        if not self._closed:
            self._closed = True
            begin(self._end())

    async def _next(self) -> str:
        if self._closed:
            return ""
        self._task = asyncio.create_task(self._piece())
        return await self._task

    async def _piece(self) -> str:
        return await anext(self._source, "")

    async def _end(self) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._source.aclose()
