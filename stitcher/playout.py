"""Playout: what the sink plays, block by block; the consumer's side of the stitched stream.

Runs inside the device callback: no lock, no log, no allocation that grows. All it depends on
is the block's size and three numbers of the ring seen at its start (written, flush, open). They are
kept as facts, so any session can be played again sample by sample: `fill` sees and plays, `play` only plays.

    ring --play--> block --> device
                     \\-> tap (what was really played: the recording, the echo reference)

Rules. A flush fades out over FADE_MS from where the sink stands and skips the rest: silent within
a frame. An underrun fades out its last samples and fades in when audio is back: no click.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stitcher.pcm import Int16
from stitcher.ring import Ring

FADE_MS = 10  # half a frame: short enough to be a stop, long enough not to click
EDGE_MS = 5  # fade at the edge of an underrun
TAP_SECONDS = 10  # how long the recording may lag behind the device
FACT_BLOCKS = 1024  # ticks that may wait for the event loop; 10 s at 10 ms blocks

FACTS = (
    "block_samples", "written_seen", "flush_seen", "open_seen", "device_ns", "position", "read_index",
    "played_samples", "first_offset", "underrun_samples", "flushed_index",
)  # fmt: skip
"""Columns of one row of facts, in the order of timeline.events.SinkTick."""


class Playout:
    """Reads `ring` (int16) at `rate_hz`. `record=False` leaves out tap and facts (replay)."""

    def __init__(self, ring: Ring, rate_hz: int, record: bool = True) -> None:
        self.ring = ring
        self.rate_hz = rate_hz
        self.position = 0  # samples given to the device, silence included
        self.tap = Ring(np.zeros(rate_hz * TAP_SECONDS, np.int16)) if record else None
        self.facts = Ring(np.zeros(FACT_BLOCKS * len(FACTS), np.int64)) if record else None
        self.lost_ticks = 0  # blocks whose facts found no room
        self.lost_samples = 0  # samples that the tap had no room for
        self._fade_out = _ramp(rate_hz * FADE_MS // 1000)
        self._edge_out = _ramp(rate_hz * EDGE_MS // 1000)
        self._edge_in = 1.0 - self._edge_out
        self._fade_at = -1  # where in the fade-out we are; -1 where there is none
        self._fade_end = 0
        self._flushed = 0  # the last flush index that was done
        self._edge_at = -1  # where in the fade-in we are; -1 where there is none
        self._row = np.zeros(len(FACTS), np.int64)

    def fill(self, block: Int16, device_ns: int) -> None:
        """Play the next `block.size` samples into `block`, int16[n], and note the facts."""
        ring = self.ring
        # The order matters: the producer closes after its last commit, so reading `open` first can
        # never see the close without the samples.
        open_seen, flush_seen, written_seen = ring.open, ring.flush_index, ring.written
        self.play(block, written_seen, flush_seen, open_seen, device_ns)
        if self.tap is not None and not self.tap.write(block):
            self.lost_samples += block.size
        if self.facts is not None and not self.facts.write(self._row):
            self.lost_ticks += 1

    def play(self, block: Int16, written: int, flush: int, open_seen: bool, device_ns: int = 0) -> None:
        """The same with the ring's state as it was then: the pure part."""
        flushed_index = self._begin_flush(flush, written)
        at, played, first = 0, 0, -1
        while at < block.size:
            count = self._copy(block[at:], written, open_seen)
            if count == 0:
                break
            first = at if first < 0 else first
            played += count
            at += count
        block[at:] = 0
        missing = block.size - at if open_seen and written > self._flushed else 0
        if missing:
            self._edge_at = 0
        row = self._row
        row[:] = (block.size, written, flush, open_seen, device_ns, self.position, self.ring.read,
                  played, first, missing, flushed_index)  # fmt: skip
        self.position += block.size

    def _begin_flush(self, flush: int, written: int) -> int:
        """A new flush index: start the fade. Returns the ring index where the stream falls silent, or -1."""
        if flush <= self._flushed:
            return -1
        ring = self.ring
        start = ring.read
        if self._fade_at < 0:
            self._fade_at = 0
            self._fade_end = start + min(self._fade_out.size, flush - start)
        self._flushed = flush
        return self._fade_end

    def _copy(self, block: Int16, written: int, open_seen: bool) -> int:
        """Copy the next run of samples into the head of `block`; returns how many."""
        ring = self.ring
        if self._fade_at >= 0:
            count = min(block.size, self._fade_end - ring.read)
            self._take(block[:count])
            _scale(block[:count], self._fade_out[self._fade_at :])
            self._fade_at += count
            if ring.read >= self._fade_end:
                ring.consume(self._flushed - ring.read)
                self._fade_at = -1
                self._edge_at = -1
            if count:
                return count
            return 0 if self._fade_at >= 0 else self._copy(block, written, open_seen)
        available = written - ring.read
        count = min(block.size, available)
        self._take(block[:count])
        if self._edge_at >= 0 and count:
            _scale(block[:count], self._edge_in[self._edge_at :])
            self._edge_at = self._edge_at + count if self._edge_at + count < self._edge_in.size else -1
        if open_seen and 0 < count < block.size:  # it runs dry inside this block
            edge = min(count, self._edge_out.size)
            _scale(block[count - edge : count], self._edge_out[self._edge_out.size - edge :])
        return count

    def _take(self, out: Int16) -> None:
        first, second = self.ring.peek(out.size)
        out[: first.size] = first
        out[first.size :] = second
        self.ring.consume(out.size)


def _ramp(count: int) -> npt.NDArray[np.float32]:
    """A raised cosine from 1 to 0, float32[count], the last sample 0."""
    return (0.5 + 0.5 * np.cos(np.pi * np.arange(1, count + 1) / max(1, count))).astype(np.float32)


def _scale(block: Int16, ramp: npt.NDArray[np.float32]) -> None:
    """Multiply the head of `block` by `ramp` in place."""
    count = min(block.size, ramp.size)
    np.multiply(block[:count], ramp[:count], out=block[:count], casting="unsafe")
