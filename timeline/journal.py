"""The journal: what a run leaves behind, written by a thread of its own.

The event loop hands over frozen facts and goes on; encoding and the disk happen here. Bounded: if the
disk stalls or fills, entries are dropped and the journal says how many; the audio goes on. A crash at any
moment leaves a journal that reads up to its last whole line.

    line 1    {"schema": 3, "manifest": {...}}
    then      {"t": session ns, "event": {"kind": ..., ...}}, or "action", or "note", in order

Beside it the thread appends raw bytes to other files of the run (the recording), in the same order.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from timeline.codec import encode
from timeline.store import write_atomically

SCHEMA = 3
QUEUE_MOST = 20_000  # entries; about two minutes of a lively session
JOURNAL, MANIFEST = "timeline.jsonl", "manifest.json"


class JournalWriter:
    """Writes the folder of one run. Raises OSError where the folder cannot be made."""

    def __init__(self, folder: Path, manifest: Mapping[str, Any]) -> None:
        self.folder = folder
        self.dropped = 0  # entries that found the queue full or the disk failing, or are no JSON
        self.fault = ""  # why the disk failed; empty while it does not
        self._told = 0
        self._files: dict[str, BinaryIO] = {}
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        folder.mkdir(parents=True)
        write_atomically(folder / MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        self._files[JOURNAL] = (folder / JOURNAL).open("xb")
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()
        self._put((JOURNAL, -1, {"schema": SCHEMA, "manifest": manifest}))

    def record(self, t_ns: int, what: str, fact: Any) -> None:
        """`what` is event, action or note; `fact` a frozen dataclass or, for notes, a mapping."""
        self._put((JOURNAL, t_ns, (what, fact)))

    def append(self, name: str, data: bytes) -> None:
        """Append bytes to the file `name` of the run."""
        self._put((name, -1, data))

    def patch(self, name: str, data: bytes) -> None:
        """Overwrite the head of the file `name`."""
        self._put((name, 0, data))

    def close(self) -> None:
        """Write out what is queued and close the files."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _put(self, entry: tuple[str, int, Any]) -> None:
        if self.fault or self._queue.qsize() >= QUEUE_MOST:
            self.dropped += 1
            return
        if self.dropped > self._told:
            self._told = self.dropped
            self._queue.put((JOURNAL, max(0, entry[1]), ("note", {"dropped": self.dropped})))
        self._queue.put(entry)

    def _work(self) -> None:
        t_ns = 0
        while (entry := self._queue.get()) is not None:
            t_ns = max(t_ns, entry[1])
            if self.fault:
                self.dropped += 1
                continue
            try:
                self._write(*entry)
                if self._queue.empty():
                    self._flush()
            except TypeError:  # orjson: half a character, a number beyond 64 bits
                self.dropped += 1
            except OSError as error:
                self.dropped += 1
                self._fail(error)
        self._finish(t_ns)

    def _finish(self, t_ns: int) -> None:
        """Say what was dropped since the last note, and close the files."""
        try:
            if self.dropped > self._told and not self.fault:
                self._write(JOURNAL, t_ns, ("note", {"dropped": self.dropped}))
        except OSError as error:
            self._fail(error)
        for file in self._files.values():
            try:
                file.close()
            except OSError as error:
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.fault = self.fault or f"{self.folder}: {error.strerror or error}"

    def _write(self, name: str, at: int, content: Any) -> None:
        if name not in self._files:
            self._files[name] = (self.folder / name).open("wb")
        file = self._files[name]
        if isinstance(content, bytes):
            if at >= 0:
                file.seek(at)
            file.write(content)
            if at >= 0:
                file.seek(0, 2)
            return
        file.write(_line(at, content) + b"\n")

    def _flush(self) -> None:
        for file in self._files.values():
            file.flush()


def write_journal(folder: Path, manifest: Mapping[str, Any], records: Iterable[tuple[int, str, Any]]) -> None:
    """Make the folder of a run that is over: manifest, and the journal of (ns, event | action | note, fact). Raises
    OSError."""
    folder.mkdir(parents=True)
    write_atomically(folder / MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    with (folder / JOURNAL).open("xb") as file:
        file.write(_line(-1, {"schema": SCHEMA, "manifest": manifest}) + b"\n")
        for t_ns, what, fact in records:
            file.write(_line(t_ns, (what, fact)) + b"\n")


def _line(t_ns: int, content: Any) -> bytes:
    if isinstance(content, dict):
        return orjson.dumps(content)
    what, fact = content
    return orjson.dumps({"t": t_ns, what: fact if isinstance(fact, dict) else encode(fact)})


def read_journal(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a journal, first the manifest's, up to its last whole one. Raises OSError, and
    ValueError for a file that is no journal."""
    with path.open("rb") as file:
        for number, line in enumerate(file if path.stat().st_size else [b""]):
            try:
                record = orjson.loads(line) if line.endswith(b"\n") else None
            except orjson.JSONDecodeError:
                record = None
            if number == 0 and (not isinstance(record, dict) or record.get("schema") != SCHEMA):
                raise ValueError(f"{path} is no journal of schema {SCHEMA}")
            if record is None:
                return
            yield record
