"""Watching the process itself: does anything write to a file, does anything write at all?

Two watchers, for neither sees everything: the interpreter's audit hook sees files that Python opens, the kernel's
count of bytes written sees native code as well.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COUNTERS = Path("/proc/self/io")  # Linux only
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
MAKING = ("os.mkdir", "os.rename", "tempfile.mkstemp", "tempfile.mkdtemp", "os.link", "os.symlink")


@dataclass
class Writes:
    """`files`: opened for writing, or made. `written_bytes`: by whatever, to wherever; -1 where it cannot be known."""

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
    before = _written_bytes()
    _watching.append(writes)
    try:
        yield writes
    finally:
        _watching.remove(writes)
        after = _written_bytes()
        writes.written_bytes = after - before if before >= 0 else -1


def _on_audit(event: str, args: tuple[Any, ...]) -> None:
    if not _watching:
        return
    made = event in MAKING or (event == "open" and isinstance(args[2], int) and bool(args[2] & WRITING))
    if made:
        for writes in _watching:
            writes.files.append(f"{event} {args[0]}")


def _written_bytes() -> int:
    try:
        lines = COUNTERS.read_text().splitlines()
    except OSError:
        return -1
    return int(next(line for line in lines if line.startswith("wchar:")).split()[1])
