"""How much memory is left to us, and whether somebody has just been refused some. Linux only; elsewhere nobody knows.

What the machine has left (MemAvailable), or what the control groups that we are in leave us of theirs, whichever is
less. Pages that only cache files count as left: the system gives them back before it refuses anybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

KIB = 1024
_REFUSED = ("out of memory", "failed to allocate", "bad_alloc", "alloc_failed", "cannot allocate memory")
"""How CTranslate2, its libraries (MKL, CUDA, cuBLAS) and the system say it."""


def out_of_memory(error: BaseException) -> bool:
    """It failed for want of memory, the GPU's or ours."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _REFUSED)


def available_bytes(root: Path = Path("/")) -> int | None:
    """What is left; None where the system does not tell. `root`: where /proc and /sys are."""
    left = [*_of_machine(root), *_of_groups(root)]
    return min(left) if left else None


def _of_machine(root: Path) -> Iterator[int]:
    for line in _lines(root / "proc/meminfo"):
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            yield int(rest.split()[0]) * KIB


def _of_groups(root: Path) -> Iterator[int]:
    """Of each group that has a limit, ours and those that it is in; of either version."""
    mounted = root / "sys/fs/cgroup"
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base, limit, used, cached = mounted, "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            base, limit, used = mounted / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            cached = "total_inactive_file"
        else:
            continue
        group = base / path.strip("/")
        for folder in (group, *group.parents):
            if folder == base.parent:
                break
            limit_bytes, used_bytes = _number(folder / limit), _number(folder / used)
            if limit_bytes is not None and used_bytes is not None:
                yield max(0, limit_bytes - used_bytes + _cached(folder / "memory.stat", cached))


def _number(path: Path) -> int | None:
    """What a file holds; None where there is none, or it says that there is no limit."""
    text = "".join(_lines(path))
    return int(text) if text.isdigit() else None


def _cached(path: Path, name: str) -> int:
    return sum(int(line.split()[1]) for line in _lines(path) if line.split()[:1] == [name])


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
