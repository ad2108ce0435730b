"""A speaker that nobody hears: paced like a real one, for where there is no sound device."""

from __future__ import annotations

import numpy as np

from adapters.audio.paced import Pacer
from adapters.base import Notify, OnFault
from stitcher.pcm import frame_samples
from stitcher.playout import Playout
from timeline.clock import Clock


class SilentSpeaker:
    paced = True

    def __init__(self, clock: Clock, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._block = np.zeros(frame_samples(rate_hz), np.int16)
        self._pacer = Pacer(clock, rate_hz, self._block.size, self._play)

    def start(self, playout: Playout, notify: Notify, on_fault: OnFault) -> None:
        self._playout, self._notify = playout, notify
        self._pacer.start(type(self).__name__, on_fault)

    def kick(self) -> None:
        pass

    def stop(self) -> None:
        self._pacer.stop()

    def _play(self, deadline_ns: int) -> None:
        self._playout.fill(self._block, deadline_ns)
        self._notify()
