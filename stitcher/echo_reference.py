"""The echo's reference: what really sounded, handed out as it was when the microphone heard.

    playout's tap, block by block --> last seconds at the speaker's rate --\\
    the blocks' times --> DeviceLine: position <-> time -----------------> read at the ear's rate, at that time

The clocks of speaker and microphone drift apart and their callbacks jitter; the lines of both follow the drift and iron
out the jitter, so what is read never skips, and the echo path looks still to a canceller. Where a device's latency has
jumped it is read from another place, at once. What was never played is digital silence.
"""

from __future__ import annotations

import numpy as np

from stitcher.device_line import DeviceLine
from stitcher.pcm import Float32, Int16, to_float32, to_int16
from stitcher.sinc import Sinc
from timeline.clock import NS_PER_MS

KEPT_S = 10  # how long the ears may lag behind the speaker: as long as the microphone's audio waits for them
LEAD_NS = 10 * NS_PER_MS
"""The reference is read so much early. Hosts' device times are off by some milliseconds either way, and a canceller
cannot use a reference that comes after its echo; of one that comes early it finds the delay. Most devices buffer more
than this; with others the ears wait for the rest of it."""
SKIP_S = 0.005  # a reading further off than this is taken up anew; below, the next block's reading glides there


class EchoReference:
    """What is played at `rate_hz`, for ears at `ear_rate_hz`."""

    def __init__(self, rate_hz: int, ear_rate_hz: int) -> None:
        self.line = DeviceLine(rate_hz)
        self.skips = 0  # times that the reading was taken up anew
        self._sinc = Sinc(rate_hz / ear_rate_hz)
        self._step = rate_hz / ear_rate_hz
        self._kept = np.zeros(KEPT_S * rate_hz, np.float32)  # a ring: sample n is at n % size
        self._end = 0  # samples played
        self._skip = SKIP_S * rate_hz
        self._next: float | None = None  # where the reading goes on

    def played(self, block: Int16, device_ns: int) -> None:
        """int16[n], the first of which sounds at `device_ns`."""
        self.line.feed(self._end, device_ns)
        recent = block[-self._kept.size :]
        self._end += block.size
        self._kept[np.arange(self._end - recent.size, self._end) % self._kept.size] = to_float32(recent)

    def covers(self, until_ns: float) -> bool:
        """What `sounded` would give is all here; of a speaker that has not begun there is nothing to wait for."""
        return not self.line.started or self.line.position_at(until_ns + LEAD_NS) + self._sinc.ahead < self._end

    def sounded(self, until_ns: float, count: int) -> Int16:
        """int16[count] at the ear's rate, the last of which sounded at `until_ns` (LEAD_NS later, in truth)."""
        if not self.line.started:
            return np.zeros(count, np.int16)
        target = self.line.position_at(until_ns + LEAD_NS)
        begin = target - count * self._step if self._next is None else self._next
        step = (target - begin) / count
        if abs(step - self._step) * count > self._skip:
            begin, step = target - count * self._step, self._step
            self.skips += self._next is not None
        self._next = target
        return to_int16(self._read(begin + step * np.arange(1, count + 1)))

    def _read(self, places: np.ndarray) -> Float32:
        first = int(np.floor(places[0])) - self._sinc.behind
        wanted = np.arange(first, int(np.floor(places[-1])) + self._sinc.ahead + 1)
        there = (wanted >= max(0, self._end - self._kept.size)) & (wanted < self._end)
        pcm = np.where(there, self._kept[wanted % self._kept.size], np.float32(0.0))
        return self._sinc.read(pcm, places - first - self._sinc.behind)
