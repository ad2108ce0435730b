"""Hosted: an engine's process. It makes one adapter and does what it is asked, one call after the other.

    socket -> listening thread --calls--> queue -> main thread: the engine -> slot, socket
                    '--what is told: at once, from here, as the contract allows

It ends when the socket does, which is when our side closes it or dies, however it dies. Calls are bounded by a timer
outside the interpreter, so that even an engine that hangs in native code with the interpreter's lock held ends.
Whatever an engine prints goes to our side's ear for last words, never onto the wire. One that declares no host to talk
to is kept from the network.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import os
import queue
import signal
import socket
import sys
import threading
import traceback
from importlib.metadata import EntryPoint
from pathlib import Path

from adapters.base import AdapterError
from adapters.egress import refuse_network
from adapters.hosted_stt import SttClerk
from adapters.hosted_tts import TtsClerk
from adapters.registry import GROUP, Context, build, imported
from adapters.weights import Weights
from adapters.wire import HELLO, VERSION, Channel, Message, Slot, pack, pack_fault
from timeline.clock import SystemClock

GRACE_S = 2.0  # to close an engine, and beyond what our side waits for a call: by then it has ended us, if it lives

Clerk = TtsClerk | SttClerk
CLERKS: dict[str, type[Clerk]] = {"tts": TtsClerk, "stt": SttClerk}
"""By role: what may be asked is do_X(call), what may be told on_X(told)."""


def serve(socket_fd: int, slot_fd: int) -> None:
    """Until the socket ends."""
    channel = Channel(socket.socket(fileno=socket_fd))
    channel.send({"call": HELLO, "answer": {"version": VERSION, "python": sys.version.split()[0]}})
    desk = Desk(Slot(slot_fd))
    ended = threading.Event()
    atexit.register(_end_group, ended)  # before the engine registers anything, so this is the last to run
    calls: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(channel, desk, calls), name="listen", daemon=True).start()
    while (call := calls.get()) is not None:
        faulthandler.dump_traceback_later(call["limit_s"] + GRACE_S, exit=True)
        answer = desk.answer(call)
        faulthandler.cancel_dump_traceback_later()
        _send(channel, answer)
    ended.set()
    faulthandler.dump_traceback_later(GRACE_S, exit=True)
    desk.close()


def _send(channel: Channel, answer: Message) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more: the end has been or will be heard
        try:
            channel.send(answer)
        except (TypeError, AdapterError) as error:
            fault = AdapterError("garbage", f"the engine's answer cannot be sent: {error}")
            channel.send({"call": answer["call"], "fault": pack_fault(fault)})


def _end_group(ended: threading.Event) -> None:
    """Ourselves, and what the engine has started and left: our side may be gone, and cannot do it then."""
    if ended.is_set():
        with contextlib.suppress(ProcessLookupError):  # we lead no group: run by hand
            os.killpg(os.getpid(), signal.SIGKILL)


def _listen(channel: Channel, desk: Desk, calls: queue.SimpleQueue[Message | None]) -> None:
    try:
        while (message := channel.receive()) is not None:
            if "call" in message:
                calls.put(message)
            else:
                desk.hear(message)
    finally:  # what the engine is at is for nobody any more
        faulthandler.dump_traceback_later(GRACE_S, exit=True)
        calls.put(None)


class Desk:
    """The adapter, and what may be asked of it."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._clerk: Clerk | None = None

    def answer(self, call: Message) -> Message:
        """The whole answer to a call; what goes wrong is a fault in it."""
        try:
            result = self._make(call) if call["do"] == "make" else getattr(self._made, f"do_{call['do']}")(call)
            return {"call": call["call"], "answer": result}
        except AdapterError as fault:
            error = fault
        except Exception as fault:  # an engine's bug is the engine's fault: the process goes on
            error = AdapterError("crashed", f"{type(fault).__name__}: {fault}".splitlines()[0], retryable=True)
        return {"call": call["call"], "fault": pack_fault(error)}

    def hear(self, told: Message) -> None:
        """What has no answer; done at once, beside the call that is under way."""
        try:
            getattr(self._made, f"on_{told['do']}")(told)
        except Exception:  # nobody waits for it
            traceback.print_exc()

    def close(self) -> None:
        try:
            if self._clerk is not None:
                self._clerk.close()
        except Exception:  # it is let go of all the same
            traceback.print_exc()

    def _make(self, call: Message) -> Message:
        overrides = {name: Path(path) for name, path in call["overrides"].items()}
        weights = Weights(Path(call["weights"]), overrides)
        context = Context(weights, SystemClock(), Path(call["cache"]))
        kind = imported(EntryPoint(call["adapter"], call["target"], GROUP))
        engine = build(kind, call["adapter"], call["options"], context)
        self._clerk = CLERKS[call["role"]](engine, self._slot)
        capability = engine.describe()
        if not capability.egress:
            refuse_network(call["adapter"])
        return pack(capability)

    @property
    def _made(self) -> Clerk:
        assert self._clerk is not None, "make comes first"
        return self._clerk
