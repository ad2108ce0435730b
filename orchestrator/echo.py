"""The way of the microphone's audio through the echo canceller.

    near block -> frames of 10 ms --\\
                                     cancel -> clean block, and levels of all three
    reference at the same time -----/

The canceller gets the microphone at the time that its own DeviceLine gives: the reference is read for when a sample was
heard, not for when its block came. What is left of a frame waits for the next block.
"""

from __future__ import annotations

import numpy as np

from adapters.base import EAR_RATE_HZ, ECHO_FRAME_SAMPLES, EchoCanceller
from stitcher.device_line import DeviceLine
from stitcher.echo_reference import EchoReference
from stitcher.pcm import Int16


class EchoPath:
    """`reference`: what was played is told to it by whoever drains the speaker."""

    def __init__(self, canceller: EchoCanceller, reference: EchoReference) -> None:
        self.canceller = canceller
        self.reference = reference
        self.line = DeviceLine(EAR_RATE_HZ)
        self._waiting = np.zeros(0, np.int16)  # less than a frame
        self._taken = 0  # samples that went through the canceller

    def clean(self, block: Int16, heard_until: int, device_ns: int) -> Int16:
        """The next int16[n] at EAR_RATE_HZ -> int16[m] without echo, in whole frames. `heard_until`: the position, at
        EAR_RATE_HZ, of the last sample that the microphone delivered; it was heard at `device_ns`."""
        self.line.feed(heard_until, device_ns)
        near = np.concatenate((self._waiting, block))
        whole = near.size - near.size % ECHO_FRAME_SAMPLES
        self._waiting = near[whole:]
        frames = near[:whole].reshape(-1, ECHO_FRAME_SAMPLES)
        return np.concatenate([near[:0], *(self._cancel(frame) for frame in frames)])

    def _cancel(self, near: Int16) -> Int16:
        self._taken += near.size
        far = self.reference.sounded(self.line.time_of(self._taken), near.size)
        return self.canceller.cancel(near, far)
