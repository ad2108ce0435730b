"""The wire between our process and an engine's: JSON lines on a socket, samples in memory that both map.

    ours (remote.py)                                       the engine's (hosted.py)
        {"call": 7, "do": "pull", ...}     -- socket -->
                                                           SLOT <- samples
        samples <- SLOT                    <-- socket --   {"call": 7, "answer": {"samples": 1920, ...}}

        samples -> SLOT
        {"call": 8, "do": "transcribe", "samples": 48000}  -->   reads them there

Rules. The engine's side speaks first: its answer to call 0 is the hello, and another version is refused. Every call
has one answer or one fault; what is told (no "call") has none. One call is under way at a time, so one slot is enough:
it is written before the call or the answer that tells of it is sent, and read before the next is. The slot has no name
in the file system: whoever dies, nothing stays behind. This module and what it imports need Python, numpy and pydantic
only.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import mmap
import os
import socket
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from adapters.base import AdapterError, AudioChunk, Capability, Marker, Span, Transcript
from adapters.voice import Projection, Voice
from stitcher.pcm import Float32
from timeline.codec import decode, encode

VERSION = 2
HELLO = 0  # the call that the engine's side answers unasked

MESSAGE_BYTES_MOST = 1 << 20  # a span and its markers take some tens of kilobytes; more is no message of ours
SLOT_SAMPLES = 1 << 16  # 2.7 s at 24 kHz, more than the largest rung of any engine here; what is longer makes it grow
CHUNK_SAMPLES_MOST = 1 << 24  # 11 minutes at 24 kHz, 64 MiB: what is longer is a bug, not speech
SAMPLE_BYTES = 4

Message = dict[str, Any]

_KINDS: dict[str, type] = {kind.__name__: kind for kind in (Capability, Projection, Span, Transcript, Voice)}


class Channel:
    """One end of the socket. Any thread may send; one receives."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._lines = end.makefile("rb")
        self._sending = threading.Lock()

    def send(self, message: Mapping[str, Any]) -> None:
        """Raises OSError where nobody listens, AdapterError where it is too long."""
        line = json.dumps(message, default=_plain).encode() + b"\n"
        if len(line) > MESSAGE_BYTES_MOST:
            raise AdapterError("unsupported", f"a message of {len(line)} bytes is too long for an engine's process")
        with self._sending:
            self._end.sendall(line)

    def receive(self) -> Message | None:
        """The next message; None at the end. Raises ValueError where it is none of ours, OSError."""
        line = self._lines.readline(MESSAGE_BYTES_MOST)
        if not line.endswith(b"\n"):
            return None
        message = json.loads(line)
        if not isinstance(message, dict):
            raise ValueError("a message is an object")
        return message

    def hang_up(self) -> None:
        """Send nothing more: the other side reads the end, and may still send."""
        with contextlib.suppress(OSError):  # it is gone already
            self._end.shutdown(socket.SHUT_WR)

    def shut(self) -> None:
        """Both ways: who receives here reads the end as well."""
        with contextlib.suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Once nobody receives any more."""
        self._lines.close()
        self._end.close()


class Slot:
    """Room for the samples of one call or answer, float32, mapped by both sides; it grows and never shrinks."""

    def __init__(self, fd: int | None = None) -> None:
        """`fd`: of the other side's slot; None: make one."""
        self.fd = _nameless() if fd is None else fd
        if fd is None:
            os.truncate(self.fd, SLOT_SAMPLES * SAMPLE_BYTES)
        self._view = self._mapped(SLOT_SAMPLES)

    def write(self, pcm: Float32) -> None:
        """Raises AdapterError where that is more than there can be."""
        if pcm.size > CHUNK_SAMPLES_MOST:
            raise AdapterError("garbage", f"{pcm.size} samples at once, of {CHUNK_SAMPLES_MOST} at most")
        if pcm.size > self._view.size:
            os.truncate(self.fd, pcm.size * SAMPLE_BYTES)
            self._view = self._mapped(pcm.size)
        self._view[: pcm.size] = pcm

    def read(self, samples: int) -> Float32:
        """A copy of the first `samples`. Raises ValueError where there are not so many."""
        return self.view(samples).copy()

    def view(self, samples: int) -> Float32:
        """The first `samples` where they lie, read-only, until the next call. Raises ValueError as `read` does."""
        if samples > self._view.size:
            self._view = self._mapped(samples)
        view = self._view[:samples]
        view.flags.writeable = False
        return view

    def close(self) -> None:
        """Let go of the file, of which the map keeps a descriptor of its own."""
        self._view = np.zeros(0, np.float32)
        os.close(self.fd)

    def _mapped(self, samples: int) -> Float32:
        return np.frombuffer(mmap.mmap(self.fd, samples * SAMPLE_BYTES), np.float32)


def _nameless() -> int:
    """A file without a name: in memory where the system has such files, else in the folder for temporary ones."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("duckbill")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


# -- what messages carry ------------------------------------------------------------------


def pack(fact: Any) -> Message:
    """A capability, a projection, a span, a transcript or a voice -> JSON."""
    return encode(fact)


def unpack(record: Mapping[str, Any]) -> Any:
    return decode(record, _KINDS)


def pack_chunk(chunk: AudioChunk, slot: Slot, units_in_all: int) -> Message:
    """The samples go into the slot, the rest into the answer. `units_in_all`: of its synthesis, as known by now."""
    slot.write(chunk.pcm)
    markers = [dataclasses.astuple(mark) for mark in chunk.markers]
    return {
        "samples": chunk.pcm.size,
        "units": chunk.units,
        "markers": markers,
        "eos": chunk.eos,
        "in_all": units_in_all,
    }


def unpack_chunk(answer: Mapping[str, Any]) -> AudioChunk:
    """`answer["pcm"]` has been read from the slot by then."""
    markers = tuple(Marker(*mark) for mark in answer["markers"])
    return AudioChunk(answer["pcm"], answer["units"], markers, answer["eos"])


def pack_fault(fault: AdapterError) -> Message:
    return {"kind": fault.kind, "detail": fault.detail, "retryable": fault.retryable}


def unpack_fault(record: Mapping[str, Any]) -> AdapterError:
    return AdapterError(record["kind"], record["detail"], retryable=record["retryable"])


def _plain(value: Any) -> Any:
    """What json asks for the values that it does not know."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be sent from process to process")
