"""Hosted: an engine's process. It makes one adapter and does what it is asked, one call after the other.

    socket -> listening thread --calls--> queue -> main thread: the engine -> slot, socket
                    '--"close": at once, from here, as the contract allows

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

from adapters.base import AdapterError, Synthesis, Tts
from adapters.egress import refuse_network
from adapters.registry import GROUP, Context, build, imported
from adapters.weights import Weights
from adapters.wire import HELLO, VERSION, Channel, Message, Slot, pack, pack_chunk, pack_fault, unpack
from timeline.clock import SystemClock

GRACE_S = 2.0  # to close an engine, and beyond what our side waits for a call: by then it has ended us, if it lives
SYNTHESES_MOST = 64  # open at once; a session holds two or three, so more are a leak


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
                desk.let_go(message["synthesis"])
    finally:  # what the engine is at is for nobody any more
        faulthandler.dump_traceback_later(GRACE_S, exit=True)
        calls.put(None)


class Desk:
    """The adapter and its open syntheses."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._tts: Tts | None = None
        self._open: dict[int, Synthesis] = {}

    def answer(self, call: Message) -> Message:
        """The whole answer to a call; what goes wrong is a fault in it."""
        try:
            result = getattr(self, f"_do_{call['do']}")(call)
            return {"call": call["call"], "answer": result}
        except AdapterError as fault:
            error = fault
        except Exception as fault:  # an engine's bug is the engine's fault: the process goes on
            error = AdapterError("crashed", f"{type(fault).__name__}: {fault}".splitlines()[0], retryable=True)
        return {"call": call["call"], "fault": pack_fault(error)}

    def let_go(self, number: int) -> None:
        synthesis = self._open.pop(number, None)
        if synthesis is not None:
            _closed(synthesis)

    def close(self) -> None:
        for number in list(self._open):
            self.let_go(number)
        if self._tts is not None:
            _closed(self._tts)

    # -- what may be asked ----------------------------------------------------------------

    def _do_make(self, call: Message) -> Message:
        overrides = {name: Path(path) for name, path in call["overrides"].items()}
        weights = Weights(Path(call["weights"]), overrides)
        context = Context(weights, SystemClock(), Path(call["cache"]))
        kind = imported(EntryPoint(call["adapter"], call["target"], GROUP))
        self._tts = build(kind, call["adapter"], call["options"], context)
        if not self._tts.describe().egress:
            refuse_network(call["adapter"])
        return self._described()

    def _do_warm_up(self, call: Message) -> Message:
        self._made.warm_up(unpack(call["voice"]))
        return self._described()

    def _do_project(self, call: Message) -> Message:
        return pack(self._made.project(unpack(call["voice"])))

    def _do_open(self, call: Message) -> Message:
        if len(self._open) >= SYNTHESES_MOST:
            raise AdapterError("refused", f"{SYNTHESES_MOST} syntheses are open; close what is not spoken to its end")
        synthesis = self._made.open(unpack(call["span"]))
        self._open[call["synthesis"]] = synthesis
        return {"in_all": synthesis.units}

    def _do_pull(self, call: Message) -> Message:
        synthesis = self._open[call["synthesis"]]
        chunk = synthesis.pull(call["units"], call["low_latency"])
        answer = pack_chunk(chunk, self._slot, synthesis.units)
        if chunk.eos:
            self.let_go(call["synthesis"])
        return answer

    def _described(self) -> Message:
        return pack(self._made.describe())

    @property
    def _made(self) -> Tts:
        assert self._tts is not None, "make comes first"
        return self._tts


def _closed(what: Synthesis | Tts) -> None:
    try:
        what.close()
    except Exception:  # it is let go of all the same
        traceback.print_exc()
