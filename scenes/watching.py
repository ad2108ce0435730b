"""Watching the process itself: does anything write to a file, does anything write at all?

Two watchers, for neither sees everything: the interpreter's audit hook sees files that Python opens, the kernel's
count of bytes written sees native code as well.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COUNTERS, TASKS = Path("/proc/self/io"), Path("/proc/self/task")  # Linux only
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
MAKING = ("os.mkdir", "os.rename", "tempfile.mkstemp", "tempfile.mkdtemp", "os.link", "os.symlink")


@dataclass
class Writes:
    """`files`: opened for writing, or made. `written_bytes`: by whatever, to wherever, but for threads that had
    been there before; -1 where it cannot be known."""

    files: list[str] = field(default_factory=list)
    written_bytes: int = -1


_watching: list[Writes] = []
_hooked = False


@contextlib.contextmanager
def watch_writes() -> Iterator[Writes]:
    """What this process writes inside the block."""
    global _hooked
    if not _hooked:  # a hook cannot be taken off again
        sys.addaudithook(_on_audit)
        _hooked = True
    writes = Writes()
    before, others = _written_bytes(), _of_others()
    _watching.append(writes)
    try:
        yield writes
    finally:
        _watching.remove(writes)
        elsewhere = sum(count - others.get(thread, count) for thread, count in _of_others().items())
        writes.written_bytes = _written_bytes() - before - elsewhere if before >= 0 else -1


def _on_audit(event: str, args: tuple[Any, ...]) -> None:
    if not _watching:
        return
    made = event in MAKING or (event == "open" and isinstance(args[2], int) and bool(args[2] & WRITING))
    if made:
        for writes in _watching:
            writes.files.append(f"{event} {args[0]}")


def _of_others() -> dict[str, int]:
    """What each thread but this one has written: those that were there before the block are none of its business."""
    mine = str(threading.get_native_id())
    threads = (path.name for path in TASKS.glob("*") if path.name != mine)
    return {name: count for name in threads if (count := _written_bytes(TASKS / name / "io")) >= 0}


def _written_bytes(counters: Path = COUNTERS) -> int:
    try:
        lines = counters.read_text().splitlines()
    except OSError:
        return -1
    return int(next(line for line in lines if line.startswith("wchar:")).split()[1])
