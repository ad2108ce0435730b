"""The agenda: what is due, on a virtual clock that jumps to the next of it.

Several sessions may share one; then they live in the same time.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from timeline.clock import VirtualClock

AT_ONCE_MOST = 10_000  # calls at one moment; a hasty client takes some hundred blocks


class Agenda:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0  # what is due at the same moment happens in the order in which it was put down

    def later(self, delay_ns: int, call: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._due, (self.clock.now_ns() + max(0, delay_ns), self._count, call))

    def run(self, until_ns: int, ended: Callable[[], bool]) -> None:
        """Go on until it has `ended`, the time has come, or nothing is left to do."""
        at_once = 0
        while self._due and not ended():
            if self._due[0][0] > until_ns:
                return
            at_ns, _, call = heapq.heappop(self._due)
            at_once = at_once + 1 if at_ns <= self.clock.now_ns() else 0
            assert at_once < AT_ONCE_MOST, f"at {at_ns} ns it goes round in circles, and time stands still"
            self.clock.sleep_until(at_ns)
            call()
