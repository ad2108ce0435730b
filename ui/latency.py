"""How late our own voice comes back: a burst of noise is played and looked for in what the microphone hears.

    burst -> Playout -> speaker ~~air~~ microphone -> Capture -> Ears, EchoPath: found, and subtracted

What is found is what the devices do not say of their latency, and the way through the air: the same that a session
finds out by itself while it speaks.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from adapters.base import EAR_RATE_HZ, AdapterError, Microphone, Speaker
from orchestrator.bus import drained
from orchestrator.ears import Ears
from orchestrator.echo import EchoPath
from stitcher.capture import Capture
from stitcher.echo_delay import DELAY_MOST_S
from stitcher.echo_reference import EchoReference
from stitcher.pcm import Int16, to_int16
from stitcher.playout import Playout
from stitcher.ring import Ring
from timeline.events import EarFrame

BURST_S = 1.0  # of noise: a second is enough to find it, and to learn the room by
BURST_RMS = 0.05  # -26 dBFS: as loud as speech
BEFORE_S = 0.5  # of silence: devices need a while to run evenly
BLOCK_WAIT_S = 2.0  # for any block; a device that gives none in that time is gone


@dataclass(frozen=True, slots=True)
class Measured:
    """`latency_ms`: beyond what the devices say; None where the burst was not heard. `echo_db`: how much louder it was
    than the room is, `left_db`: and still is once the linear part of the echo is taken out."""

    latency_ms: float | None
    echo_db: float
    left_db: float


class _Deaf:
    """A detector that hears nobody: only the echo is wanted."""

    window_samples = 512

    def probability(self, window: Int16) -> float:
        return 0.0


def measure(speaker: Speaker, microphone: Microphone) -> Measured:
    """Takes about three seconds, in which a short hiss is heard. Raises AdapterError."""
    woken, faults = threading.Event(), list[AdapterError]()

    def fail(fault: AdapterError) -> None:
        faults.append(fault)
        woken.set()

    playout, capture = Playout(script(speaker.rate_hz), speaker.rate_hz), Capture(microphone.rate_hz)
    listening = Listening(playout, capture)
    try:
        microphone.start(capture, woken.set, fail)
        speaker.start(playout, woken.set, fail)
        while not listening.drain():
            if not woken.wait(BLOCK_WAIT_S):
                faults.append(AdapterError("stalled", "no sound came or went for 2 s: see duckbill devices"))
            woken.clear()  # before the next look, so that nothing is missed
            if faults:
                raise faults[0]
    finally:
        microphone.stop()
        speaker.stop()
    return listening.found()


def script(rate_hz: int) -> Ring:
    """The silence and the burst, for a speaker to play."""
    parts = (np.zeros(int(BEFORE_S * rate_hz)), np.random.default_rng(0).normal(0, BURST_RMS, int(BURST_S * rate_hz)))
    pcm = to_int16(np.concatenate(parts).astype(np.float32))
    ring = Ring(np.zeros(pcm.size, np.int16))
    ring.write(pcm)
    return ring


class Listening:
    """Drained of what the devices leave, until it has heard enough."""

    def __init__(self, playout: Playout, capture: Capture) -> None:
        self._playout = playout
        self._echo = EchoPath(None, EchoReference(playout.rate_hz, EAR_RATE_HZ))
        self._ears = Ears(capture, _Deaf(), self._echo)  # type: ignore[arg-type]  # all that the ears ask of a detector
        self._needed = int((BEFORE_S + BURST_S + 2 * DELAY_MOST_S) * EAR_RATE_HZ)
        self._levels: list[tuple[float, float]] = []  # of each look: heard, and left

    def drain(self) -> bool:
        """Take in what the devices have left; True where that is all that is wanted."""
        for tick, block in drained(self._playout):
            self._echo.reference.played(block, tick.device_ns)
        for fact in self._ears.listen():
            if isinstance(fact, EarFrame):
                self._levels.append(self._echo.levels(_Deaf.window_samples))
        return self._ears.position >= self._needed

    def found(self) -> Measured:
        heard, left = (np.array(levels) for levels in zip(*self._levels, strict=True))
        quiet = float(np.median(np.sort(heard)[: heard.size // 4]))
        loud = np.argsort(heard)[-heard.size // 8 :]  # the burst's windows, once the filter knows the room best
        late = np.sort(loud)[-len(loud) // 2 :]
        return Measured(self._echo.latency_ms, float(heard[late].mean()) - quiet, float(left[late].mean()) - quiet)
