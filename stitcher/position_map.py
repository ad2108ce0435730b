"""A position map: where the samples of one stream lie in another that was made from it, piece by piece. Bounded."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

POINTS_MOST = 2048  # at a chunk or two of 20 ms a point: half a minute, where a lead is a second


class PositionMap:
    """Points (from, to), neither ever falling; between two of them a straight line, after the last as far on as ahead.
    Two points at one `to` are a piece left out, two at one `from` a piece put in."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque(maxlen=POINTS_MOST)

    def add(self, at: float, to: float) -> None:
        assert not self._points or (at >= self._points[-1][0] and to >= self._points[-1][1]), "a map never goes back"
        if not self._points or self._points[-1] != (at, to):
            self._points.append((at, to))

    def to(self, at: float) -> float:
        """Where `at` lies; what is older than the oldest point, with that point."""
        index = bisect_right(self._points, (at, float("inf"))) - 1
        if index < 0:
            return self._points[0][1] if self._points else at
        from_at, from_to = self._points[index]
        if index + 1 == len(self._points):
            return from_to + at - from_at
        next_at, next_to = self._points[index + 1]
        return from_to + (at - from_at) * (next_to - from_to) / (next_at - from_at)
