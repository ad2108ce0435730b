"""Files as microphone and speaker: a conversation without a sound card, as exact as one with it.

    PATH -> FileMicrophone -> capture          playout -> FileSpeaker -> PATH.part -> PATH at stop

The recording is written block by block under a streaming header, so what a crash leaves is a WAV too. An
existing PATH is kept beside the new one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from adapters.audio.paced import PacedMicrophone, Pacer
from adapters.base import EAR_RATE_HZ, AdapterError, Notify, OnFault
from stitcher.pcm import Int16, frame_samples, to_int16
from stitcher.playout import Playout
from stitcher.wav import WavWriter, read_wav
from timeline.clock import Clock
from timeline.store import archive

READ_MOST_BYTES = 512 * 2**20  # 45 minutes of stereo at 48 kHz; it is held in memory


class FileMicrophone(PacedMicrophone):
    """Hears a WAV once, then silence until it is stopped; `on_end` is called once, from its thread."""

    def __init__(
        self,
        path: str | Path,
        clock: Clock,
        rate_hz: int = EAR_RATE_HZ,
        block_samples: int | None = None,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(clock, rate_hz, block_samples)
        self._pcm = _read(Path(path), rate_hz)
        self._position = 0
        self._on_end = on_end

    def _hear(self, block: Int16, deadline_ns: int) -> None:
        heard = self._pcm[self._position : self._position + block.size]
        block[: heard.size] = heard
        self._position += heard.size
        if heard.size == 0 and self._on_end is not None:  # the last samples are with the listener by now
            on_end, self._on_end = self._on_end, None
            on_end()


def _read(path: Path, rate_hz: int) -> Int16:
    """The file as int16 mono at `rate_hz`. Raises AdapterError."""
    import soxr

    try:
        with path.open("rb") as file:
            data = file.read(READ_MOST_BYTES + 1)
    except OSError as error:
        raise AdapterError("missing", f"cannot read {path}: {error.strerror}; name a WAV file") from error
    if len(data) > READ_MOST_BYTES:
        raise AdapterError("unsupported", f"{path} is larger than {READ_MOST_BYTES >> 20} MiB; cut it")
    try:
        pcm, file_hz = read_wav(data)
    except ValueError as error:
        raise AdapterError("unsupported", f"{path} {error}") from error
    return to_int16(pcm if file_hz == rate_hz else soxr.resample(pcm, file_hz, rate_hz))


class FileSpeaker:
    """Plays into a WAV. Paced: a block every 20 ms, on a thread. Not paced: in `kick`, whatever is there."""

    def __init__(self, path: str | Path, clock: Clock, rate_hz: int, paced: bool = True) -> None:
        self._path = Path(path)
        self._clock = clock
        self._rate_hz = rate_hz
        self._paced = paced
        self._block = np.zeros(frame_samples(rate_hz), np.int16)
        self._pacer = Pacer(clock, rate_hz, self._block.size, self._play_whole)
        self._recording: _Recording | None = None

    @property
    def rate_hz(self) -> int:
        return self._rate_hz

    @property
    def paced(self) -> bool:
        return self._paced

    def start(self, playout: Playout, notify: Notify, on_fault: OnFault) -> None:
        if self._recording is not None:
            return
        self._recording = _Recording(self._path, self._rate_hz)
        self._playout, self._notify, self._on_fault = playout, notify, on_fault
        self._flushes_seen = playout.ring.flushes
        self._failed = False
        if self._paced:
            self._pacer.start(type(self).__name__, on_fault)

    def kick(self) -> None:
        if self._paced or self._recording is None or self._failed:
            return
        try:
            while samples := self._due_samples():
                self._play(self._block[:samples], self._clock.now_ns())
        except AdapterError as error:
            self._failed = True
            self._on_fault(error)

    def stop(self) -> None:
        """Raises AdapterError where the recording cannot be moved to its place."""
        self._pacer.stop()
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.finish()

    def _due_samples(self) -> int:
        """What an unpaced speaker takes next; a flush needs a block to fall silent in, even an empty one."""
        ring = self._playout.ring
        open_seen, flushes = ring.open, ring.flushes  # before the count: the close follows the last commit
        queued = ring.queued
        if queued >= self._block.size or flushes > self._flushes_seen:
            self._flushes_seen = flushes
            return self._block.size
        return 0 if open_seen else queued

    def _play_whole(self, deadline_ns: int) -> None:
        self._play(self._block, deadline_ns)

    def _play(self, block: Int16, device_ns: int) -> None:
        self._playout.fill(block, device_ns)
        if self._recording is not None:
            self._recording.write(block)
        self._notify()


class _Recording:
    """PATH.part while it grows, PATH when it is done."""

    def __init__(self, path: Path, rate_hz: int) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")
        if path.exists() and not path.is_file():  # a folder, or a device that must not be moved away
            raise AdapterError("refused", f"cannot record to {path}: it is no file; name a file")
        try:
            archive(self._part)  # what a crash left
            self._file: BinaryIO = self._part.open("wb", buffering=0)  # each block must outlive a crash
            self._writer = WavWriter(self._file, rate_hz)
        except OSError as error:
            line = f"cannot record to {path}: {error.strerror}; make its folder writable or name another file"
            raise AdapterError("refused", line) from error

    def write(self, block: Int16) -> None:
        try:
            self._writer.write(block)
        except OSError as error:
            line = f"cannot go on recording to {self._part}: {error.strerror}; make room on its disk"
            raise AdapterError("refused", line) from error

    def finish(self) -> None:
        try:
            with self._file:
                self._writer.finish()
                os.fsync(self._file.fileno())
            archive(self._path)
            self._part.replace(self._path)
        except OSError as error:
            line = f"cannot move the recording to {self._path}: {error.strerror}; it stays at {self._part}"
            raise AdapterError("refused", line) from error
