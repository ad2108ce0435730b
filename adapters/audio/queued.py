"""A microphone into which a program speaks: the simulated user of a demonstration.

It hears silence in real time, and what is said into it one after the other. Since its samples fall on
absolute deadlines, it is known at once when the last sample of a saying will be heard.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from adapters.audio.paced import PacedMicrophone
from adapters.base import EAR_RATE_HZ
from stitcher.pcm import Float32, Int16, to_int16
from timeline.clock import NS_PER_S, Clock


@dataclass(frozen=True, slots=True, eq=False)
class Saying:
    """Something said into a microphone: where it lies in what the microphone hears."""

    microphone: QueuedMicrophone
    first_sample: int
    end_sample: int

    @property
    def begins_ns(self) -> int | None:
        """Session time of its first sample; None until the microphone hears."""
        return self.microphone.heard_ns(self.first_sample)

    @property
    def ends_ns(self) -> int | None:
        """Session time at which its last sample has been heard; None until the microphone hears."""
        return self.microphone.heard_ns(self.end_sample)

    @property
    def spoken(self) -> bool:
        """All of it was delivered."""
        return self.microphone.position >= self.end_sample


class QueuedMicrophone(PacedMicrophone):
    """Delivers silence and, at its place in it, what was said."""

    def __init__(self, clock: Clock, rate_hz: int = EAR_RATE_HZ, block_samples: int | None = None) -> None:
        super().__init__(clock, rate_hz, block_samples)
        self._lock = threading.Lock()  # between who speaks and the pacing thread
        self._sayings: deque[tuple[Saying, Int16]] = deque()
        self._position = 0
        self._end = 0  # of the last saying
        self._zero_ns: int | None = None  # when sample 0 was heard

    @property
    def position(self) -> int:
        """Samples delivered since it was made."""
        return self._position

    @property
    def spoken(self) -> bool:
        """Nothing is left to say."""
        return self._position >= self._end

    def say(self, pcm: Float32) -> Saying:
        """Queue float32 at `rate_hz` behind what is queued already; from any thread, returns at once."""
        samples = to_int16(pcm)
        with self._lock:
            first = max(self._position, self._end)
            self._end = first + samples.size
            saying = Saying(self, first, self._end)
            self._sayings.append((saying, samples))
        return saying

    def heard_ns(self, sample: int) -> int | None:
        """Session time at which that sample begins to be heard; None until the microphone hears."""
        zero_ns = self._zero_ns
        return None if zero_ns is None else zero_ns + sample * NS_PER_S // self.rate_hz

    def _hear(self, block: Int16, deadline_ns: int) -> None:
        with self._lock:
            begin, end = self._position, self._position + block.size
            self._zero_ns = deadline_ns - end * NS_PER_S // self.rate_hz
            self._position = end
            while self._sayings and self._sayings[0][0].first_sample < end:
                saying, samples = self._sayings[0]
                first = saying.first_sample
                at, until = max(first, begin), min(saying.end_sample, end)
                block[at - begin : until - begin] = samples[at - first : until - first]
                if until < saying.end_sample:
                    break
                self._sayings.popleft()
