"""The recording of a run: journal and audio, kept while the session goes on.

    artifacts/<run>/{manifest.json, timeline.jsonl, out.wav}

Where the folder cannot be written the session goes on without, and says so in one line.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stitcher.pcm import Int16
from stitcher.wav import header
from timeline.journal import JournalWriter, write_journal

RECORDING = "out.wav"


class Recording:
    """`folder`: of this run, not there yet; None: keep nothing. `problem` says why nothing is kept."""

    def __init__(self, folder: Path | None, manifest: dict[str, Any], rate_hz: int) -> None:
        self.folder = folder
        self.rate_hz = rate_hz
        self.samples = 0
        self.problem = ""
        self._digest = hashlib.sha256()
        self._journal: JournalWriter | None = None
        if folder is None:
            return
        try:
            self._journal = JournalWriter(folder, manifest)
            self._journal.append(RECORDING, header(rate_hz, None))
        except OSError as error:
            self.folder = None
            self.problem = f"artifacts {folder.parent} cannot be written ({error.strerror}): this run is not recorded"

    def watch(self, t_ns: int, what: str, fact: Any) -> None:
        """A watcher of the shell: every event, action and note."""
        if self._journal is not None:
            self._journal.record(t_ns, what, fact)

    def on_audio(self, data: bytes) -> None:
        """What was really played, int16 little-endian."""
        self.samples += len(data) // 2
        self._digest.update(data)
        if self._journal is not None:
            self._journal.append(RECORDING, data)

    @property
    def digest(self) -> str:
        """SHA-256 of all that was played."""
        return self._digest.hexdigest()

    def close(self, t_ns: int, counts: Mapping[str, float]) -> None:
        """Note the end, with `counts` of what was lost and the like, and put the real length into the WAV's header."""
        if self._journal is None:
            return
        end = {"end": {"samples": self.samples, "digest": self.digest, **counts}}
        self._journal.record(t_ns, "note", end)
        self._journal.patch(RECORDING, header(self.rate_hz, self.samples))
        self._journal.close()
        if self._journal.fault or self._journal.dropped:
            why = self._journal.fault or "the disk was too slow, or they could not be written down"
            self.problem = f"the journal lost {self._journal.dropped} entries ({why})"


def keep_run(folder: Path, manifest: dict[str, Any], records: Sequence[tuple[int, str, Any]], audio: Int16) -> None:
    """Keep a run that was held in memory; `audio`: all that was played, int16[n]. Raises OSError."""
    data = audio.astype("<i2").tobytes()
    last_ns = records[-1][0] if records else 0
    end = {"end": {"samples": audio.size, "digest": hashlib.sha256(data).hexdigest()}}
    write_journal(folder, manifest, [*records, (last_ns, "note", end)])
    (folder / RECORDING).write_bytes(header(manifest["settings"]["rate_hz"], audio.size) + data)


def new_folder(artifacts: Path, stamp: str, name: str) -> Path:
    """artifacts/STAMP-NAME, made unique."""
    folder = artifacts / f"{stamp}-{name}"
    number = 1
    while _exists(folder):
        number += 1
        folder = artifacts / f"{stamp}-{name}-{number}"
    return folder


def _exists(path: Path) -> bool:
    """False also where it cannot be looked at: making it will say why."""
    try:
        return path.exists()
    except OSError:
        return False


def describe_manifest(**parts: Any) -> dict[str, Any]:
    """Dataclasses among the parts become plain objects."""
    plain: Callable[[Any], Any] = lambda value: (  # noqa: E731
        dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value
    )
    return {name: plain(value) for name, value in parts.items()}
