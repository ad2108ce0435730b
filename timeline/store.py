"""Files kept safe: written whole or not at all, and never over another without a copy."""

from __future__ import annotations

from pathlib import Path

ARCHIVE_MOST = 1000  # numbered copies of one file; past that somebody's loop is broken


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside `path`, then move into place: a reader sees the old file or the new one."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)


def archive(path: Path) -> Path | None:
    """Move an existing file out of the way to NAME.1.EXT, NAME.2.EXT, ...; returns where it went."""
    if not path.exists():
        return None
    for number in range(1, ARCHIVE_MOST + 1):
        target = path.with_name(f"{path.stem}.{number}{path.suffix}")
        if not target.exists():
            path.replace(target)
            return target
    raise FileExistsError(f"{path} has {ARCHIVE_MOST} archived copies already; remove some")
