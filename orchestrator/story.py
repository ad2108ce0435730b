"""The story: the last events and actions of a core, for an error message."""

from __future__ import annotations

from collections import deque
from typing import Any

STORY_MOST = 40  # events and actions kept


class Story:
    def __init__(self) -> None:
        self._lines: deque[tuple[int, str, Any]] = deque(maxlen=STORY_MOST)

    def add(self, t_ns: int, event: Any, actions: list[Any]) -> None:
        self._lines.append((t_ns, "", event))
        self._lines.extend((t_ns, "  -> ", action) for action in actions)

    def __str__(self) -> str:
        return "\n".join(f"{t_ns} {arrow}{fact}" for t_ns, arrow, fact in self._lines)
