"""One model at a time onto the GPU: two that are loaded at once may both find room and both run out of it.

A lock on a file, which the system gives free when a process ends, however it ends. Where the system has no such locks
(Windows) there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def gpu_lock(path: Path) -> Iterator[None]:
    """Held by one process at a time; others wait. The file stays, empty: one that is removed would be two."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
