"""Devices that are only files or queues, paced like real ones: a thread that keeps absolute deadlines.

Block k is due one block after block k-1, whatever happened in between: who is late catches up, and
nothing drifts. Pacing by sleeping for a block would add every delay to all that follows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from adapters.base import EAR_RATE_HZ, AdapterError, Notify, OnFault
from stitcher.capture import Capture
from stitcher.pcm import Int16, frame_samples
from timeline.clock import NS_PER_S, Clock


class Pacer:
    """Calls `work(deadline_ns)` once a block from its own thread; the first deadline is a block from now."""

    def __init__(self, clock: Clock, rate_hz: int, block_samples: int, work: Callable[[int], None]) -> None:
        self._clock = clock
        self._rate_hz = rate_hz
        self._block_samples = block_samples
        self._work = work
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, name: str, on_fault: OnFault) -> None:
        """`name`: of the device, for the thread and for faults. An error in the work ends the pacing."""
        self._stopping = threading.Event()  # a run that stops itself must not be woken by the next one
        arguments = (self._clock.now_ns(), self._stopping, name, on_fault)
        self._thread = threading.Thread(target=self._run, args=arguments, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Returns when no work is being done any more, unless the work itself calls it."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self, begin_ns: int, stopping: threading.Event, name: str, on_fault: OnFault) -> None:
        samples = 0
        try:
            while not stopping.is_set():
                samples += self._block_samples
                deadline_ns = begin_ns + samples * NS_PER_S // self._rate_hz
                self._clock.sleep_until(deadline_ns)
                if not stopping.is_set():
                    self._work(deadline_ns)
        except AdapterError as error:
            on_fault(error)
        except Exception as error:  # a thread that died silently would look like a quiet room
            on_fault(AdapterError("crashed", f"{name}: {type(error).__name__}: {error}"))


class PacedMicrophone:
    """A microphone that hears what its subclass's `_hear` puts into each block, in real time."""

    name = ""  # no device: its silence is no fault

    def __init__(self, clock: Clock, rate_hz: int = EAR_RATE_HZ, block_samples: int | None = None) -> None:
        self._rate_hz = rate_hz
        self._block = np.zeros(block_samples or frame_samples(rate_hz), np.int16)
        self._pacer = Pacer(clock, rate_hz, self._block.size, self._deliver)
        self._sinks: tuple[Capture, Notify] | None = None

    @property
    def rate_hz(self) -> int:
        return self._rate_hz

    def start(self, capture: Capture, notify: Notify, on_fault: OnFault) -> None:
        if self._sinks is None:
            self._sinks = capture, notify
            self._pacer.start(type(self).__name__, on_fault)

    def stop(self) -> None:
        self._pacer.stop()
        self._sinks = None

    def _deliver(self, deadline_ns: int) -> None:
        sinks = self._sinks
        if sinks is None:
            return
        capture, notify = sinks
        self._block[:] = 0
        self._hear(self._block, deadline_ns)
        capture.take(self._block, deadline_ns)
        notify()

    def _hear(self, block: Int16, deadline_ns: int) -> None:
        """Put the next samples into `block`, which is silent; its last one is heard at `deadline_ns`."""
        raise NotImplementedError
