"""The watch over a device's stream: is it still alive?

    every WATCH_MS, or when the stream says that it has finished: blocks since the last look? anything wrong? -> fault

A device that is unplugged may end its stream, go inactive or just stop calling; what calls no more cannot tell so
itself. One fault is reported, then the watch is over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from adapters.base import AdapterError, OnFault

WATCH_MS = 200  # how soon a silent death is noticed
STILL_MOST = 10  # looks without a block (2 s) before a device counts as gone: Bluetooth pauses for 1 s


class Watch:
    """`calls`: blocks exchanged so far. `fault(still)`: what is wrong, None where nothing is; `still`: no block came
    for longer than any device pauses."""

    def __init__(self, calls: Callable[[], int], fault: Callable[[bool], AdapterError | None]) -> None:
        self._calls = calls
        self._fault = fault
        self._seen = -1
        self._still = 0
        self._looking = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def check(self) -> AdapterError | None:
        """One look: what is wrong, if anything."""
        calls = self._calls()
        self._still = self._still + 1 if calls == self._seen else 0
        self._seen = calls
        return self._fault(self._still >= STILL_MOST)

    def start(self, name: str, on_fault: OnFault) -> None:
        """Look again and again, on a thread."""
        self._thread = threading.Thread(target=self._run, args=(on_fault,), name=f"watch {name}", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Look now: the stream says it has finished."""
        self._looking.set()

    def stop(self) -> None:
        """After this no fault is reported."""
        self._stopping = True
        self._looking.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self, on_fault: OnFault) -> None:
        while True:
            self._looking.wait(WATCH_MS / 1000)
            self._looking.clear()
            if self._stopping:
                return
            if (fault := self.check()) is not None:
                on_fault(fault)
                return
