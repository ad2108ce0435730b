"""A child: the process of one hosted engine, seen from our side. It is started, asked, and ended.

    ask -> Future <- listening thread <- socket        draining thread: what it prints, the last lines kept
                     ^ every Future fails at once      waiting thread: its end, however it comes

Rules. Started afresh (never forked), in a session of its own: Ctrl-C in the terminal is for us alone, and what the
engine starts ends with it. Its end is seen by waiting for the process, not by time: who waits for an answer hears of it
at once. What it prints is kept for the error that tells of its end, and goes nowhere else.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from concurrent.futures import Future, InvalidStateError
from pathlib import Path
from typing import Any

from adapters.base import AdapterError
from adapters.wire import HELLO, VERSION, Channel, Message, Slot, unpack_fault

HELLO_TIMEOUT_S = 60.0  # for an interpreter and numpy, from a cold disk
END_WAIT_S = 3.0  # for an idle engine to close itself, which it bounds to 2 s
PIPE_WAIT_S = 0.5  # for the rest of what it printed, once it is gone: it is there already, or a stranger holds the pipe
LAST_LINES_MOST = 20  # of what it prints; the last that says something is quoted
LINE_BYTES_MOST = 1000
QUOTED_CHARS_MOST = 200  # in an error, which is one line

BOOT = Path(__file__).with_name("hosted_boot.py")
OURS_ALONE = ("PYTHONPATH", "PYTHONHOME", "__PYVENV_LAUNCHER__")  # they lead another interpreter astray


class Child:
    """One process. `label`: the table of its settings, such as tts.piper; `python`: an interpreter, empty for ours."""

    def __init__(self, label: str, python: str = "") -> None:
        self._label = label
        self._python = python
        self._numbers = itertools.count(HELLO)
        self._lock = threading.Lock()
        self._pending: dict[int, Future[Message]] = {}
        self._fault: AdapterError | None = None
        self._closing = False
        self._lines: deque[str] = deque(maxlen=LAST_LINES_MOST)
        self._slot = Slot()
        hello = self._expect(next(self._numbers))
        self._start()
        version = self.wait(hello, HELLO_TIMEOUT_S, "hello").get("version")
        if version != VERSION:
            self.end()
            line = f"{label}: its process speaks version {version} of the wire, this one {VERSION}; reinstall duckbill"
            raise AdapterError("unsupported", line)

    @property
    def fault(self) -> AdapterError | None:
        """Why it can be asked no more; None: it lives."""
        return self._fault

    # -- asking ---------------------------------------------------------------------------

    def call(self, do: str, limit_s: float, **inputs: Any) -> Message:
        """Ask and wait. Raises AdapterError: the engine's own, crashed, or stalled."""
        return self.wait(self.ask(do, limit_s, **inputs), limit_s, do)

    def ask(self, do: str, limit_s: float, **inputs: Any) -> Future[Message]:
        """The answer, or the fault, to come. One call at a time may be under way, save for those cancelled."""
        number = next(self._numbers)
        future = self._expect(number)
        try:
            self._send({"call": number, "do": do, "limit_s": limit_s, **inputs})
        except AdapterError:
            self._pending.pop(number, None)
            raise
        return future

    def wait(self, future: Future[Message], limit_s: float, do: str) -> Message:
        """Raises AdapterError; CancelledError where another thread has cancelled it."""
        try:
            return future.result(limit_s)
        except TimeoutError:
            why = f"no answer to {do} within {limit_s:g} s"
            self._lines.append(why)
            self.kill()
            raise AdapterError("stalled", f"{self._label}: {why}; its process was ended", retryable=True) from None

    def tell(self, do: str, **inputs: Any) -> None:
        """What has no answer."""
        self._send({"do": do, **inputs})

    def _expect(self, number: int) -> Future[Message]:
        future: Future[Message] = Future()
        with self._lock:
            if self._fault is not None:
                future.set_exception(_again(self._fault))
            else:
                self._pending[number] = future
        return future

    def _send(self, message: Message) -> None:
        with contextlib.suppress(OSError):  # it is gone: the waiting thread tells everybody why
            self._channel.send(message)

    # -- ending ---------------------------------------------------------------------------

    def hang_up(self) -> None:
        """Ask nothing more: once it is idle it closes its engine and ends."""
        self._closing = True
        self._channel.hang_up()

    def end(self) -> None:
        """Let it close its engine if it is idle; end it if it is not. Returns when it is gone."""
        idle = not self._pending
        self.hang_up()
        if idle:
            self._waiter.join(END_WAIT_S)
        self.kill()
        self._waiter.join(END_WAIT_S)

    def kill(self) -> None:
        """Now, and with it all that it has started."""
        if self._fault is None:  # else its number may be another's by now
            with contextlib.suppress(ProcessLookupError, PermissionError):  # gone; macOS says so of one that is ending
                os.killpg(self._process.pid, signal.SIGKILL)

    # -- its threads ----------------------------------------------------------------------

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours)
        try:
            self._process = _spawn(self._python or sys.executable, (theirs.fileno(), self._slot.fd), bool(self._python))
        except OSError as error:
            self._channel.close()
            self._slot.close()
            line = f"{self._label}.python is {self._python}, which cannot be started ({error.strerror}); {_NEEDED}"
            raise AdapterError("missing", line) from error
        finally:
            theirs.close()
        self._listener, self._drainer, self._waiter = (
            threading.Thread(target=work, name=self._label, daemon=True)
            for work in (self._listen, self._drain, self._await_end)
        )
        for thread in (self._listener, self._drainer, self._waiter):
            thread.start()

    def _listen(self) -> None:
        """Answers to those who wait for them. Samples are copied here: an answer that somebody waits for is read
        before the next call, and of one that was cancelled nobody sees what the slot holds."""
        try:
            while (message := self._channel.receive()) is not None:
                future = self._pending.pop(message["call"], None)
                if future is None:
                    raise ValueError("an answer that nobody asked for")
                with contextlib.suppress(InvalidStateError):  # cancelled
                    self._settle(future, message)
        except OSError:
            pass  # it is gone: the waiting thread says why
        except (ValueError, LookupError, TypeError) as error:
            self._lines.append(f"it wrote on the wire what is none of ours, {error!r}")
        if not self._closing:
            self.kill()

    def _settle(self, future: Future[Message], message: Message) -> None:
        if "fault" in message:
            future.set_exception(unpack_fault(message["fault"]))
            return
        answer = message["answer"]
        if "samples" in answer and not future.cancelled():
            answer["pcm"] = self._slot.read(answer["samples"])
        future.set_result(answer)

    def _drain(self) -> None:
        assert self._process.stdout is not None
        begins = True  # a piece of a long line after its first tells nothing
        with self._process.stdout as pipe:
            while piece := pipe.readline(LINE_BYTES_MOST):
                if begins and (text := _printable(piece)):
                    self._lines.append(text)
                begins = piece.endswith(b"\n")

    def _await_end(self) -> None:
        status = self._process.wait()
        self.kill()  # what it leaves behind
        self._channel.shut()
        self._listener.join()
        self._drainer.join(PIPE_WAIT_S)
        with self._lock:
            self._fault = self._explained(status)
            pending, self._pending = self._pending, {}
        for future in pending.values():
            with contextlib.suppress(InvalidStateError):
                future.set_exception(_again(self._fault))
        self._channel.close()
        self._slot.close()

    def _explained(self, status: int) -> AdapterError:
        if self._closing:
            return AdapterError("crashed", f"{self._label} is closed")
        how = f"signal {_signal_name(-status)}" if status < 0 else f"exit status {status}"
        words = f": {self._lines[-1][:QUOTED_CHARS_MOST]}" if self._lines else ""
        if HELLO in self._pending:
            setting = f"{self._label}.python is {self._python or sys.executable}, which"
            return AdapterError("missing", f"{setting} could not begin ({how}{words}); {_NEEDED}")
        return AdapterError("crashed", f"{self._label}: its process died ({how}{words})", retryable=True)


_NEEDED = "name an interpreter of Python 3.11 or newer that has numpy and pydantic"


def _spawn(python: str, fds: tuple[int, int], other: bool) -> subprocess.Popen[bytes]:
    """`other`: not our own interpreter, so without what we tell ours. Raises OSError."""
    if not hasattr(os, "killpg"):
        line = 'isolation = "process" needs Linux or macOS; leave it out'
        raise AdapterError("unsupported", line)
    environment = {name: value for name, value in os.environ.items() if not (other and name in OURS_ALONE)}
    command = [str(Path(python).expanduser()), str(BOOT), *(str(fd) for fd in fds)]
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        pass_fds=fds, start_new_session=True,
    )  # fmt: skip


def _printable(piece: bytes) -> str:
    return "".join(ch if ch.isprintable() else " " for ch in piece.decode("utf-8", "replace")).strip()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _again(fault: AdapterError) -> AdapterError:
    """The same, to be raised once more: an exception keeps the trace of where it was raised."""
    return AdapterError(fault.kind, fault.detail, retryable=fault.retryable)
