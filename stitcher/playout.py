"""Playout: what the sink plays, block by block; the consumer's side of the stitched stream.

Runs inside the device callback: no lock, no log, no allocation that grows. All it depends on
is the block's size and five numbers of the ring seen at its start (written, flush, flushes, open, held). They are
kept as facts, so any session can be played again sample by sample: `fill` sees and plays, `play` only plays.

    ring --play--> block --> device
                     \\-> tap (what was really played: the recording, the echo reference)

Rules. A flush fades out over FADE_MS from where the sink stands and skips the rest. Every flush is confirmed by the
next block, one that finds nothing too; of two that come between two blocks the fade is left out, for another stream
may begin within its reach. Wherever the stream
stops short of silence, its last sample decays over EDGE_MS under whatever follows: no click, and a flush is
silent within a frame. What comes back after an underrun fades in. A hold fades out like a flush, but skips nothing:
when it ends, the next sample fades in.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stitcher.pcm import FULL_SCALE, Int16
from stitcher.ring import Ring

FADE_MS = 10  # half a frame: short enough to be a stop, long enough not to click
EDGE_MS = 5  # decay of a last sample, fade-in after an underrun
TAP_SECONDS = 10  # how long the recording may lag behind the device
FACT_BLOCKS = 1024  # ticks that may wait for the event loop; 10 s at 10 ms blocks

FACTS = (
    "block_samples", "written_seen", "flush_seen", "flushes_seen", "open_seen", "device_ns", "position",
    "read_index", "played_samples", "first_offset", "underrun_samples", "flushed_index", "held_seen",
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
        self._holding = False  # the fade-out leads into a pause
        self._held = False  # nothing sounds, nothing is taken
        self._flushed = 0  # the last flush index that was done
        self._flushes = 0  # how many were done
        self._edge_at = -1  # where in the fade-in we are; -1 where there is none
        self._rest = 0  # the sample that decays
        self._rest_at = -1  # where in its decay we are; -1 where there is none
        self._last = 0  # the last sample given to the device
        self._sounding = False  # it came from the ring
        self._row = np.zeros(len(FACTS), np.int64)

    def fill(self, block: Int16, device_ns: int) -> None:
        """Play the next `block.size` samples into `block`, int16[n], and note the facts."""
        ring = self.ring
        ring.claim(block.size)
        # The order matters: the producer closes after its last commit, so reading `open` first can
        # never see the close without the samples; the count of flushes before their index, see Ring.request_flush.
        # A flush ends a hold after it was asked for: whoever sees the end of the hold sees the flush.
        held_seen, open_seen, flushes_seen = ring.held, ring.open, ring.flushes
        flush_seen, written_seen = ring.flush_index, ring.written
        self.play(block, written_seen, flush_seen, flushes_seen, open_seen, held_seen, device_ns)
        ring.claim(0)
        if self.tap is not None and not self.tap.write(block):
            self.lost_samples += block.size
        if self.facts is not None and not self.facts.write(self._row):
            self.lost_ticks += 1

    def play(
        self, block: Int16, written: int, flush: int, flushes: int, open_seen: bool, held: bool, device_ns: int = 0
    ) -> None:
        """The same with the ring's state as it was then: the pure part."""
        flushed_index = self._begin_flush(flush, flushes)
        self._mind_hold(held, written)
        at = 0
        while at < block.size:
            count = self._copy(block[at:], written)
            if count == 0:
                break
            at += count
        missing = block.size - at if open_seen and written > self._flushed and not self._held else 0
        if missing:
            self._edge_at = 0
        self._fall_silent(block, at)
        self._row[:] = (block.size, written, flush, flushes, open_seen, device_ns, self.position, self.ring.read,
                        at, 0 if at else -1, missing, flushed_index, held)  # fmt: skip
        self.position += block.size

    def _begin_flush(self, flush: int, flushes: int) -> int:
        """A new flush: start the fade. Returns the ring index where the stream falls silent, -1 where none does."""
        if flushes <= self._flushes:
            return -1
        start = self.ring.read
        if self._fade_at < 0:
            self._fade_at = 0
            self._fade_end = start + (min(self._fade_out.size, flush - start) if flushes == self._flushes + 1 else 0)
            self._fade_end = start if self._held else self._fade_end
        self._flushed, self._flushes, self._holding = flush, flushes, False
        if self._fade_end == start:  # nothing is left to fade
            self._end_fade(self._last)
        return self._fade_end

    def _mind_hold(self, held: bool, written: int) -> None:
        """Begin a hold with a fade of what is there; end it with the next sample. What has begun to fade fades out."""
        if held and not self._held and self._fade_at < 0:
            self._holding, self._fade_at = True, 0
            self._fade_end = self.ring.read + min(self._fade_out.size, written - self.ring.read)
            if self._fade_end == self.ring.read:
                self._end_fade(self._last)
        elif not held and self._held:
            self._held, self._edge_at = False, 0

    def _end_fade(self, last: int) -> None:
        """Pause, or skip what was flushed. `last`: the sample where the fade ends, not silent if it was cut short."""
        self._held, self._holding = self._holding, False
        if not self._held:
            self.ring.consume(self._flushed - self.ring.read)
        self._fade_at = self._edge_at = -1
        self._rest, self._rest_at = last, 0

    def _copy(self, block: Int16, written: int) -> int:
        """Copy the next run of samples into the head of `block`; returns how many."""
        if self._held:
            return 0
        ring = self.ring
        fading = self._fade_at >= 0
        out = block[: (self._fade_end if fading else written) - ring.read]
        self._take(out)
        self._edge_at = _scale(out, self._edge_in, self._edge_at)
        if fading:
            _scale(out, self._fade_out, self._fade_at)
            self._fade_at += out.size
        self._decay(out)
        if fading and ring.read >= self._fade_end:
            self._end_fade(int(out[-1]))
        return out.size

    def _fall_silent(self, block: Int16, at: int) -> None:
        """Fill what the ring could not, `block[at:]`: silence, into which the last sample decays."""
        if at < block.size:
            if at or self._sounding:
                self._rest, self._rest_at = int(block[at - 1]) if at else self._last, 0
            block[at:] = 0
            self._decay(block[at:])
        if block.size:
            self._last, self._sounding = int(block[-1]), at == block.size

    def _decay(self, block: Int16) -> None:
        """Add what is left of a last sample's decay."""
        if self._rest_at < 0:
            return
        ramp = self._edge_out[self._rest_at : self._rest_at + block.size]
        head = block[: ramp.size]
        np.clip(head + self._rest * ramp, -FULL_SCALE, FULL_SCALE, out=head, casting="unsafe")
        self._rest_at = _advance(self._rest_at, block.size, self._edge_out)

    def _take(self, out: Int16) -> None:
        first, second = self.ring.seen(out.size)
        out[: first.size] = first
        out[first.size :] = second
        self.ring.consume(out.size)


def _ramp(count: int) -> npt.NDArray[np.float32]:
    """A raised cosine from 1 to 0, float32[count], the last sample 0."""
    return (0.5 + 0.5 * np.cos(np.pi * np.arange(1, count + 1) / max(1, count))).astype(np.float32)


def _scale(block: Int16, ramp: npt.NDArray[np.float32], at: int) -> int:
    """Multiply the head of `block` by what is left of `ramp` from `at` on, in place, unless `at` is -1;
    returns where in the ramp that leads, -1 at its end."""
    if at < 0:
        return -1
    part = ramp[at : at + block.size]
    np.multiply(block[: part.size], part, out=block[: part.size], casting="unsafe")
    return _advance(at, block.size, ramp)


def _advance(at: int, count: int, ramp: npt.NDArray[np.float32]) -> int:
    return at + count if at + count < ramp.size else -1
