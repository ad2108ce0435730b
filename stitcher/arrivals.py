"""When samples were heard, though their blocks come late and in bursts.

    heard evenly   |----|----|----|----|----|----|
    come           .         ..        ....  .        ...      each says its time, or that of its coming

No block comes before it was heard, so the one that was least late dates all the others: what stalls and then hurries, a
radio or a machine under load, moves no word in time. What stalls and does not hurry has lost audio: several blocks in a
row, none of which makes up for anything, are as late as they say.
"""

from __future__ import annotations

from collections import deque

from timeline.clock import NS_PER_S

STEADY_BLOCKS = 3  # in a burst each comes sooner after the last than it lasts; so many that do not are no burst


class Arrivals:
    """Of one stream at `rate_hz`."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._zero_ns: int | None = None  # when sample 0 was heard, by the blocks so far
        self._steady: deque[int] = deque(maxlen=STEADY_BLOCKS)  # the same by each of the last, that make up for nothing
        self._told_ns = 0

    def feed(self, position: int, device_ns: int) -> None:
        """A block whose last sample is the one before `position` says that it was heard at `device_ns`."""
        zero_ns = device_ns - position * NS_PER_S // self._rate_hz
        if self._steady and zero_ns < self._steady[-1]:
            self._steady.clear()
        self._steady.append(zero_ns)
        if self._zero_ns is None or zero_ns <= self._zero_ns:
            self._zero_ns = zero_ns
        elif len(self._steady) == STEADY_BLOCKS:
            self._zero_ns = self._steady[0]

    def time_of(self, position: float) -> int:
        """When that sample was heard; asked in ascending order, answered so."""
        assert self._zero_ns is not None, "no block was fed"
        self._told_ns = max(self._told_ns, self._zero_ns + int(position * NS_PER_S / self._rate_hz))
        return self._told_ns
