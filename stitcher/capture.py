"""Capture: what the microphone heard; the producer's side of the ear's stream.

Runs inside the device callback: no lock, no log, no allocation that grows. Each block leaves one
row of facts (size, time, which stream, its rate), so the event loop can tell when any sample was heard.

A microphone that was lost and is found again begins another stream: nothing of the last one goes on in it, and its
rate may be another.
"""

from __future__ import annotations

import numpy as np

from stitcher.pcm import Int16
from stitcher.ring import Ring

CAPTURE_SECONDS = 10  # how long the event loop may lag behind the microphone; less behind one that comes back faster
FACT_BLOCKS = 1024
CAPTURE_FACTS = ("block_samples", "device_ns", "stream", "rate_hz")


class Capture:
    """Takes int16 mono at `rate_hz`."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.stream = 0
        self.name = ""  # of the microphone that the present stream comes from; empty: the first one
        self.ring = Ring(np.zeros(rate_hz * CAPTURE_SECONDS, np.int16))
        self.facts = Ring(np.zeros(FACT_BLOCKS * len(CAPTURE_FACTS), np.int64))
        self.lost_samples = 0
        self._row = np.zeros(len(CAPTURE_FACTS), np.int64)

    def begin_stream(self, rate_hz: int, name: str = "") -> None:
        """What is taken from now on is another stream. Only while no device calls `take`."""
        self.name = name
        self.stream += 1
        self.rate_hz = rate_hz

    def take(self, block: Int16, device_ns: int) -> None:
        """`block`: int16[n]; `device_ns`: when its last sample was heard. Where there is no room it is
        lost and counted."""
        self._row[:] = (block.size, device_ns, self.stream, self.rate_hz)
        if self.facts.reserve(self._row.size) is None or not self.ring.write(block):
            self.lost_samples += block.size
            return
        self.facts.write(self._row)
