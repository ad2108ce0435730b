"""Digests that are remembered: a start must not hash hundreds of megabytes that have not changed.

The memo is one JSON file: path -> [size in bytes, time of change in ns, SHA-256]. A file whose size or
time has changed is hashed again. The memo only spares time: where it cannot be read or
written, digests are computed each time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import threading
from pathlib import Path

Row = list[int | str]


def sha256_of(path: Path) -> str:
    """The digest of a file, hex, computed now."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Digests:
    """`memo`: the file to remember in. May be used from several threads."""

    def __init__(self, memo: Path) -> None:
        self._memo = memo
        self._rows: dict[str, Row] | None = None
        self._lock = threading.Lock()

    def of(self, path: Path, fresh: bool = False) -> str:
        """The digest of a file, hex; `fresh`: compute it whatever was remembered. Raises OSError."""
        key = str(path.absolute())
        with self._lock:
            if self._rows is None:
                self._rows = self._read()
            stat = path.stat()  # before hashing: a change meanwhile is seen the next time
            row = self._rows.get(key)
            if fresh or row is None or row[:2] != [stat.st_size, stat.st_mtime_ns]:
                row = [stat.st_size, stat.st_mtime_ns, sha256_of(path)]
                self._rows[key] = row
                with contextlib.suppress(OSError):
                    self._write(self._rows)
            return str(row[2])

    def _read(self) -> dict[str, Row]:
        try:
            rows = json.loads(self._memo.read_bytes())
        except (OSError, ValueError):
            return {}
        if not isinstance(rows, dict):
            return {}
        return {key: row for key, row in rows.items() if isinstance(row, list) and len(row) == 3}

    def _write(self, rows: dict[str, Row]) -> None:
        """Replace the memo in one step, without the files that are gone."""
        present = {key: row for key, row in rows.items() if Path(key).exists()}
        self._memo.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._memo.parent, prefix=self._memo.name)
        try:
            with os.fdopen(handle, "w") as out:
                json.dump(present, out, indent=1)
            Path(name).replace(self._memo)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
