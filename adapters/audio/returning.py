"""A microphone that may go and come back: around any other, whose loss it reports and makes good.

    present --fault: unplugged--> gone --look: is it there?--> present, in a new stream of the capture
                                    '--no: wait, twice as long as before--'

Rules. Its first start fails as the microphone's own does. A loss is one fault that is `retryable`; that it is back, the
ears tell by the new stream. Any other fault is passed on and is the end. Looks come later and later, up to a bound; one
that has hardly come back when it goes again waits on from where it was, so a loose contact does not keep us busy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from adapters.audio.devices import SEE
from adapters.base import AdapterError, Microphone, Notify, OnFault
from stitcher.capture import Capture

FIRST_MS = 500  # until the first look: a server that restarts, or a dock, is back by then
MOST_MS = 8000  # between two: nobody waits longer for what was plugged in again; and a look is a process that starts
STEADY_S = 10  # heard for so long it is back for good

Later = Callable[[int, Callable[[], None]], None]
"""Calls so many milliseconds from now, and lets the caller go on."""


def on_a_thread(delay_ms: int, call: Callable[[], None]) -> None:
    timer = threading.Timer(delay_ms / 1000, call)
    timer.daemon = True
    timer.start()


class ReturningMicrophone:
    """`find()`: the microphone once more, ready to be started. Raises AdapterError while it is not there."""

    def __init__(self, first: Microphone, find: Callable[[], Microphone], later: Later = on_a_thread) -> None:
        self.name = first.name
        self.rate_hz = first.rate_hz
        self._present: Microphone | None = first
        self._find = find
        self._later = later
        self._change = threading.Lock()  # between who looks, who tells of a fault and who stops
        self._stopped = False
        self._delay_ms = FIRST_MS
        self._xruns = 0  # of those that are gone
        self._since = 0  # samples captured before the present one

    @property
    def xruns(self) -> int:
        return self._xruns + getattr(self._present, "xruns", 0)

    def start(self, capture: Capture, notify: Notify, on_fault: OnFault) -> None:
        assert self._present is not None, "started once"
        self._capture, self._notify, self._on_fault = capture, notify, on_fault
        self._hear(self._present)

    def stop(self) -> None:
        with self._change:
            self._stopped = True
            microphone = self._present
        if microphone is not None:  # outside: it may wait for a thread that tells us of its fault
            microphone.stop()

    def _hear(self, microphone: Microphone) -> None:
        with self._change:
            if self._stopped:
                microphone.stop()
                return
            self._present, self._since = microphone, self._capture.ring.written
            microphone.start(self._capture, self._notify, partial(self._faulted, microphone))

    def _faulted(self, microphone: Microphone, fault: AdapterError) -> None:
        if fault.kind != "unplugged":
            self._on_fault(fault)
            return
        with self._change:
            if self._stopped or microphone is not self._present:
                return
            self._xruns, self._present = self.xruns, None
        microphone.stop()
        if self._capture.ring.written - self._since >= STEADY_S * microphone.rate_hz:
            self._delay_ms = FIRST_MS
        line = f"the microphone is gone: plug {self.name!r} in again, or choose another with audio.microphone ({SEE})"
        self._on_fault(AdapterError("unplugged", line, retryable=True))
        self._later(self._delay_ms, self._look)

    def _look(self) -> None:
        """It is there, and heard from now on; or it is looked for later."""
        if self._stopped:
            return
        self._delay_ms = min(MOST_MS, 2 * self._delay_ms)
        try:
            microphone = self._find()
            self._capture.begin_stream(microphone.rate_hz, microphone.name)
            self._hear(microphone)
        except (AdapterError, OSError):  # no descriptor or no process to be had now is no reason to give up
            self._present = None
            self._later(self._delay_ms, self._look)
