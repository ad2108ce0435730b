"""Clocks: the only readers of time.

Everything else is told what time it is. All times are integer nanoseconds since the clock was
made; a session begins near zero, so two journals of the same session compare.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


class Clock(Protocol):
    """Reads time; may wait for it."""

    def now_ns(self) -> int:
        """Nanoseconds since the clock was made."""
        ...

    def sleep_until(self, deadline_ns: int) -> None:
        """Block the calling thread until `deadline_ns`; return at once if it has passed."""
        ...


class SystemClock:
    """The machine's monotonic clock."""

    def __init__(self) -> None:
        self._zero_ns = time.monotonic_ns()

    def now_ns(self) -> int:
        return time.monotonic_ns() - self._zero_ns

    def sleep_until(self, deadline_ns: int) -> None:
        left_ns = deadline_ns - self.now_ns()
        if left_ns > 0:
            time.sleep(left_ns / NS_PER_S)


class VirtualClock:
    """A clock that stands still until it is moved; sleeping moves it."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        return self._now_ns

    def sleep_until(self, deadline_ns: int) -> None:
        self._now_ns = max(self._now_ns, deadline_ns)


def wall_time() -> str:
    """The time of day in UTC, ISO 8601 to the millisecond: for names and manifests, never for pacing."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
