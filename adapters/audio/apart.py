"""A microphone in a process of its own, where PortAudio looks at the machine anew.

PortAudio sees the devices that there were when it was loaded. To load it again would end our speaker's stream, and
where a device's server has died it takes the whole process with it. So what was plugged in again is opened by another
process, which sends what it hears:

    device -> Capture -> blocks, each with its age --pipe--> our Capture

Rules. That process ends with us, however we end: nobody reads its pipe. Its end, whatever the cause, is a microphone
that is unplugged.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from typing import Any

import numpy as np

from adapters.audio.device import DeviceMicrophone
from adapters.base import AdapterError, Notify, OnFault
from stitcher.capture import CAPTURE_FACTS, Capture
from stitcher.pcm import Int16
from timeline.clock import Clock, SystemClock

OPEN_MOST_S = 15.0  # an interpreter and a sound system, on a busy machine
STILL_MOST_S = 4.0  # its own watch tells of a still device in half of that; beyond it the process itself hangs
END_MOST_S = 1.0  # then it is killed: a sound system may hang
AGE = np.dtype("<i8")
SAMPLE = np.dtype("<i2")


class ApartMicrophone:
    """Opens the device `spec` at once; it hears from `start` on. Raises AdapterError where it is not there."""

    def __init__(self, spec: str | None, clock: Clock, block_ms: int, rate_hz: int) -> None:
        self._clock = clock
        self._reader: threading.Thread | None = None
        self._stopping = False
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe(duplex=False)
        arguments = (theirs, spec, block_ms, rate_hz)
        self._process = context.Process(target=_serve, args=arguments, name="microphone", daemon=True)
        try:
            self._process.start()
        except OSError as error:
            raise AdapterError("missing", f"no process for the microphone: {error.strerror}") from error
        finally:
            theirs.close()
        answer = self._answer()
        if isinstance(answer, str):
            self.stop()
            raise AdapterError("missing", answer)
        self.name, self.rate_hz = answer

    def start(self, capture: Capture, notify: Notify, on_fault: OnFault) -> None:
        arguments = (capture, notify, on_fault)
        self._reader = threading.Thread(target=self._read, args=arguments, name="microphone apart", daemon=True)
        self._reader.start()

    def stop(self) -> None:
        """Ends the process, and lets go of all that was held for it."""
        if self._stopping:
            return
        self._stopping = True
        self._process.terminate()
        self._process.join(END_MOST_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        if self._reader is not None and self._reader is not threading.current_thread():
            self._reader.join()  # its pipe has ended
        self._process.close()
        self._pipe.close()

    def _answer(self) -> tuple[str, int] | str:
        """The device's name and rate, or why it cannot be had."""
        try:
            answer: tuple[str, int] | str = self._pipe.recv() if self._pipe.poll(OPEN_MOST_S) else "no answer"
        except (OSError, EOFError):
            answer = "the microphone's process has ended"
        return answer

    def _read(self, capture: Capture, notify: Notify, on_fault: OnFault) -> None:
        try:
            while not self._stopping and self._pipe.poll(STILL_MOST_S):
                block, age_ns = unpacked(self._pipe.recv_bytes())
                capture.take(block, self._clock.now_ns() - age_ns)
                notify()
        except (OSError, EOFError):
            pass  # it has ended, with its device or before it
        if not self._stopping:
            on_fault(AdapterError("unplugged", f"microphone {self.name!r} is gone"))


def packed(block: Int16, age_ns: int) -> bytes:
    """`age_ns`: how long ago its last sample was heard; clocks of two processes have no zero in common."""
    return np.array([age_ns], AGE).tobytes() + block.astype(SAMPLE).tobytes()


def unpacked(message: bytes) -> tuple[Int16, int]:
    age_ns = int(np.frombuffer(message, AGE, 1)[0])
    return np.frombuffer(message, SAMPLE, offset=AGE.itemsize).astype(np.int16), age_ns


# -- the other process --------------------------------------------------------------------


def _serve(pipe: Any, spec: str | None, block_ms: int, rate_hz: int) -> None:
    """Tell the name and the rate, or why not; then send blocks until the device is gone or nobody reads them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the other one
    _be_quiet()
    clock, heard, ended = SystemClock(), threading.Event(), threading.Event()

    def end(_fault: AdapterError) -> None:
        ended.set()
        heard.set()

    try:
        microphone = DeviceMicrophone(spec, clock, block_ms, rate_hz)
        capture = Capture(microphone.rate_hz)
        microphone.start(capture, heard.set, end)
        pipe.send((microphone.name, microphone.rate_hz))
        while not ended.is_set():
            heard.wait()
            heard.clear()
            _send(capture, pipe, clock)
    except AdapterError as error:
        pipe.send(error.detail)
    except OSError:  # nobody reads any more
        pass
    os._exit(0)  # at once: to close a device that is gone may never return


def _be_quiet() -> None:
    """Sound systems complain on standard error, which is a person's terminal."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def _send(capture: Capture, pipe: Any, clock: Clock) -> None:
    while (row := capture.facts.peek(len(CAPTURE_FACTS))[0]).size:
        size, device_ns = int(row[0]), int(row[1])
        capture.facts.consume(row.size)
        first, second = capture.ring.peek(size)
        block = np.concatenate((first, second)).astype(np.int16)
        capture.ring.consume(size)
        pipe.send_bytes(packed(block, clock.now_ns() - device_ns))
