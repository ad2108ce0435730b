"""An engine that misbehaves as its text tells it: the null engine's tone, and what may go wrong in a process.

"die"  "exit"  "bug"  "hang"  "hang with the lock"  "noise"  "much"  "too much"  "last words"
"wait FOLDER"    opens FOLDER/begun, and goes on when FOLDER/release is opened (both are FIFOs)
"helper FIFO"    starts a process that holds FIFO open, and hangs
"hold FIFO"      holds FIFO open as long as this process lives
"without FILE X" does X where there is no FILE
"connect PORT"  "send PORT"  "resolve NAME"  "knock PATH"  by TCP, by UDP, by name, by a Unix socket
"""

from __future__ import annotations

import ctypes
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from adapters.base import AudioChunk, Capability, Limits, Span
from adapters.registry import Context
from adapters.tts.null import ToneSynthesis, ToneTts
from adapters.voice import PLAIN, Projection, Voice
from adapters.wire import CHUNK_SAMPLES_MOST, SLOT_SAMPLES

MUCH_SAMPLES = 3 * SLOT_SAMPLES
LAST_WORDS = "it broke, \x1b[31mred\x07 " + "and long " * 1000
HOURS_S = 100_000


class RogueTts(ToneTts):
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        timeout_ms: int = 20_000  # once it is warm
        warm_up: str = ""  # what that does
        egress: tuple[str, ...] = ()

    def __init__(self, options: Options, context: Context) -> None:
        self.options = options
        self._warmed: list[float] = []  # at these paces

    def describe(self) -> Capability:
        limits = Limits(timeout_ms=self.options.timeout_ms) if self._warmed else Limits()
        return dataclasses.replace(super().describe(), limits=limits, egress=self.options.egress)

    def warm_up(self, voice: Voice = PLAIN) -> None:
        misbehave(self.options.warm_up)
        self._warmed.append(voice.pace)

    def project(self, voice: Voice) -> Projection:
        """Not its knobs, but what the tests want to know of the process."""
        foreign = {name.split(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
        about: dict[str, Any] = {
            "pid": os.getpid(),
            "session": os.getsid(0),
            "warmed": self._warmed,
            "modules": sorted(foreign),
        }
        if voice.name == "unspeakable":
            about["object"] = object()
        return Projection({**about, "executable": sys.executable, "path": sys.path}, ())

    def open(self, span: Span) -> RogueSynthesis:
        if span.text.startswith("open: "):
            misbehave(span.text.removeprefix("open: "))
        return RogueSynthesis(span)


class RogueSynthesis(ToneSynthesis):
    def __init__(self, span: Span) -> None:
        super().__init__(span, 15.0)
        self._text = span.text

    def pull(self, units: int, low_latency: bool) -> AudioChunk:
        if self._text == "much":
            return AudioChunk(np.arange(MUCH_SAMPLES, dtype=np.float32), 1, (), True)
        if self._text == "too much":
            return AudioChunk(np.broadcast_to(np.float32(0), CHUNK_SAMPLES_MOST + 1), 1, (), True)
        misbehave(self._text)
        return super().pull(units, low_latency)


def misbehave(text: str) -> None:
    order, _, path = text.partition(" ")
    if text == "hang with the lock":
        ctypes.PyDLL(None).sleep(HOURS_S)
    elif text == "last words":
        print(LAST_WORDS, file=sys.stderr)
        os._exit(7)
    elif order in _ORDERS:
        _ORDERS[order](path)


def _die(_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hang(_: str) -> None:
    threading.Event().wait()


def _bug(_: str) -> None:
    raise ZeroDivisionError("one line\nand another")


def _noise(_: str) -> None:
    """On both streams, from Python, from below and from another process: more than a pipe holds."""
    print('{"call": 1, "answer": {}}\n' * 10_000)
    os.write(1, b"\xff\xfe no text \x00" * 1000)
    os.write(2, b"progress 99 %\r" * 1000)
    subprocess.run(["echo", "from another process"], check=True)


def _wait(folder: str) -> None:
    with Path(folder, "begun").open("w"), Path(folder, "release").open():
        pass


def _hold(rest: str) -> None:
    path, _, then = rest.partition(" ")
    os.open(path, os.O_WRONLY)
    misbehave(then)


def _helper(rest: str) -> None:
    path, _, then = rest.partition(" ")
    with Path(path).open("w") as held:
        subprocess.Popen(["sleep", str(HOURS_S)], pass_fds=(held.fileno(),))
    misbehave(then)


def _connect(port: str) -> None:
    with socket.create_connection(("127.0.0.1", int(port))):
        pass


def _send(port: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.sendto(b"hello", ("127.0.0.1", int(port)))


def _resolve(name: str) -> None:
    socket.getaddrinfo(name, 80)


def _knock(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as knocking:
        knocking.connect(path)


def _without(rest: str) -> None:
    path, _, then = rest.partition(" ")
    if not Path(path).exists():
        misbehave(then)


_ORDERS = {"die": _die, "exit": sys.exit, "bug": _bug, "hang": _hang, "noise": _noise, "wait": _wait, "hold": _hold,
           "helper": _helper, "without": _without, "connect": _connect, "send": _send, "resolve": _resolve,
           "knock": _knock}  # fmt: skip
