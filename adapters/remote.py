"""A remote: the engine's process, asked. It starts one, and turns its answers and its end into results and faults.

    ask -> Future <-- listening thread <-- socket
             ^------- whatever ends the process fails every Future at once

Rules. One call is under way at a time, save for those that were cancelled: their answers are dropped when they come.
A call that takes longer than its limit ends the process, for nothing else would end the call.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from pathlib import Path
from typing import Any

from adapters.base import AdapterError
from adapters.child import Child, possible
from adapters.wire import HELLO, VERSION, Channel, Message, Slot, unpack_fault
from stitcher.pcm import Float32

BOOT = Path(__file__).with_name("hosted_boot.py")
HELLO_TIMEOUT_S = 60.0  # for an interpreter and numpy, from a cold disk
END_WAIT_S = 3.0  # for an idle engine to close itself, for which it takes at most 2 s
OnDeath = Callable[[], Callable[[], None] | None]
NEEDED = "name an interpreter of Python 3.11 or newer that has numpy and pydantic"


class Remote:
    """`label`: the table of its settings, such as tts.piper; `python`: an interpreter, empty for ours; `on_death()`
    gives, where there still is one, whom to call when it has died of itself."""

    def __init__(self, label: str, python: str, on_death: OnDeath) -> None:
        self._label = label
        self._python = python
        self._on_death = on_death
        self.turn = threading.Lock()  # held through a call, from whatever thread
        self._numbers = itertools.count(HELLO)
        self._lock = threading.Lock()
        self._pending: dict[int, Future[Message]] = {}
        self._fault: AdapterError | None = None
        self._closing = False
        hello = self._expect(next(self._numbers))
        self._start()
        version = self.wait(hello, HELLO_TIMEOUT_S, "hello").get("version")
        if version != VERSION:
            self.end()
            line = f"{label}: its process speaks version {version} of the wire, ours {VERSION}; reinstall duckbill"
            raise AdapterError("unsupported", line)

    @property
    def fault(self) -> AdapterError | None:
        """Why it can be asked no more; None: it lives."""
        return self._fault

    # -- asking ---------------------------------------------------------------------------

    def call(self, do: str, limit_s: float, **inputs: Any) -> Message:
        """Ask and wait. Raises AdapterError: the engine's own, crashed, or stalled."""
        with self.turn:
            return self.wait(self.ask(do, limit_s, **inputs), limit_s, do)

    def ask(self, do: str, limit_s: float, pcm: Float32 | None = None, **inputs: Any) -> Future[Message]:
        """The answer, or the fault, to come. Raises AdapterError where the question cannot be sent at all."""
        number = next(self._numbers)
        future = self._expect(number)
        try:
            if pcm is not None:
                inputs["samples"] = self._lay_out(pcm)
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
            self._child.note(why)
            self._child.kill()
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

    def _lay_out(self, pcm: Float32) -> int:
        """Samples that the question is about, where the engine reads them."""
        with self._lock:
            if self._fault is None:  # else the slot may be closed
                self._slot.write(pcm)
        return pcm.size

    def _send(self, message: Message) -> None:
        with contextlib.suppress(OSError):  # it is gone, and whoever waits hears why
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
        if not (idle and self.join(END_WAIT_S)):
            self._child.kill()
            self.join(END_WAIT_S)

    def join(self, timeout_s: float) -> bool:
        """Wait until it is gone; False where that takes longer."""
        return self._child.join(timeout_s)

    # -- the process ----------------------------------------------------------------------

    def _start(self) -> None:
        if not possible():
            line = f'{self._label}.isolation = "process" needs Linux or macOS; leave it out'
            raise AdapterError("unsupported", line)
        try:
            with contextlib.ExitStack() as undo:
                self._slot = Slot()
                undo.callback(self._slot.close)
                ours, theirs = socket.socketpair()
                self._channel = Channel(ours)
                undo.callback(self._channel.close)
                with theirs:
                    self._child = Child(self._python, BOOT, (theirs.fileno(), self._slot.fd))
                undo.pop_all()
        except OSError as error:
            line = f"{self._setting}, which cannot be started ({error.strerror}); {NEEDED}"
            raise AdapterError("missing", line) from error
        self._listener = threading.Thread(target=self._listen, name=self._label, daemon=True)
        self._listener.start()
        self._child.watch(self._on_end)

    @property
    def _setting(self) -> str:
        return f"{self._label}.python is {self._python or sys.executable}"

    def _listen(self) -> None:
        """Bring answers to those who wait. Samples are copied here: an answer that somebody waits for is read before
        the next call, and of one that was cancelled nobody sees what the slot holds."""
        try:
            while (message := self._channel.receive()) is not None:
                with contextlib.suppress(InvalidStateError):  # cancelled
                    self._settle(self._pending.pop(message["call"]), message)
        except OSError:
            pass  # it is gone
        except (ValueError, LookupError, TypeError) as error:
            self._child.note(f"it wrote on the wire what is none of ours, {error!r}")
        if not self._closing:
            self._child.kill()

    def _settle(self, future: Future[Message], message: Message) -> None:
        if "fault" in message:
            future.set_exception(unpack_fault(message["fault"]))
            return
        answer = message["answer"]
        if "samples" in answer and not future.cancelled():
            answer["pcm"] = self._slot.read(answer["samples"])
        future.set_result(answer)

    def _on_end(self, how: str) -> None:
        self._channel.shut()
        self._listener.join()
        with self._lock:
            self._fault = self._explained(how)
            pending, self._pending = self._pending, {}
        for future in pending.values():
            with contextlib.suppress(InvalidStateError):
                future.set_exception(_again(self._fault))
        self._channel.close()
        self._slot.close()
        if not self._closing and (on_death := self._on_death()) is not None:
            on_death()

    def _explained(self, how: str) -> AdapterError:
        if self._closing:
            return AdapterError("crashed", f"{self._label} is closed")
        if HELLO in self._pending:
            return AdapterError("missing", f"{self._setting}, which could not begin ({how}); {NEEDED}")
        return AdapterError("crashed", f"{self._label}: its process died ({how})", retryable=True)


def _again(fault: AdapterError) -> AdapterError:
    """The same, to be raised once more: an exception keeps the trace of where it was raised."""
    return AdapterError(fault.kind, fault.detail, retryable=fault.retryable)
