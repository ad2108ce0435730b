"""The stitcher: chunks in, one monotonic stream out.

    chunk (engine rate, float32) -> resample -> seam with the held tail -> ring (bus rate, int16)

Rules. It holds back one frame, the tail, so that a seam never rewrites what the sink may be reading. A seam
is made once a frame of what follows, the head, is there: a first chunk may be shorter, or stay in the resampler.
Indices are ring indices. After `drop` the stream goes on with the next chunk as if with a first, after `retract` with
a seam at an earlier index.
"""

from __future__ import annotations

import numpy as np

from stitcher.dither import Dither, quantize
from stitcher.pcm import Float32, frame_samples, to_float32
from stitcher.resample import StreamResampler
from stitcher.ring import Ring
from stitcher.seams import EDGE_MS, Seam, crossfade, fade_in, fade_out

NO_AUDIO: Float32 = np.zeros(0, np.float32)


class Stitcher:
    """Writes into `ring` (int16) at `rate_hz`. `overflow_samples` counts what found no room."""

    def __init__(self, ring: Ring, rate_hz: int, dither: Dither | None = None) -> None:
        self.ring = ring
        self.rate_hz = rate_hz
        self.overflow_samples = 0
        self._dither = dither
        self._tail = NO_AUDIO
        self._head = NO_AUDIO  # of a synthesis whose seam is still due
        self._seam = Seam.CONTINUE  # the one that is due
        self._hold = frame_samples(rate_hz)
        self._edge = rate_hz * EDGE_MS // 1000
        self._resampler: StreamResampler | None = None
        self._origin = 0  # where the synthesis that is being pushed begins

    @property
    def held_samples(self) -> int:
        return int(self._tail.size)

    @property
    def end_index(self) -> int:
        """Where the stream ends, the held tail included."""
        return self.ring.written + self.held_samples

    def push(self, pcm: Float32, rate_hz: int, seam: Seam, last: bool) -> tuple[int, int]:
        """Append one chunk, float32[n] at `rate_hz`; `last`: its synthesis ends with it. Returns the index range of
        what was appended (a resampler, or a seam that is due, may keep some back until the next chunk)."""
        if self._resampler is None or seam is not Seam.CONTINUE:
            self.settle()
            self._resampler, self._seam = StreamResampler(rate_hz, self.rate_hz), seam
            self._origin = self.end_index - (self.held_samples if seam is Seam.CROSS else 0)
        self._head = np.concatenate((self._head, self._resampler.push(pcm, last)))
        if self._seam is not Seam.CONTINUE and self._head.size < self._hold and not last:
            return self._origin, self._origin
        return self.settle(), self.end_index

    @property
    def pushed_samples(self) -> int:
        """Samples of the synthesis pushed so far, at its own rate."""
        return self._resampler.pushed_samples if self._resampler is not None else 0

    def index_of(self, sample: int) -> int:
        """Where the sample of the synthesis pushed last lies in the stream, also one that is still to come."""
        return self._origin + (self._resampler.position(sample) if self._resampler is not None else 0)

    def finish(self) -> int:
        """Nothing follows: give out the tail, faded. Returns the index where the stream ends."""
        self.settle()
        self._write(fade_out(self._tail, self._edge))
        self.drop()
        return self.ring.written

    def retract(self, index: int) -> int:
        """Take back what lies behind `index`, and hold back the frame before it again; the next chunk makes a seam
        there. Returns where the stream ends: where it did, and nothing done, if the sink is too near."""
        self.settle()
        start = max(index - self._hold, self.ring.flush_index)
        end, written = self.end_index, self.ring.written
        if not start <= index <= end or not self.ring.retract(min(start, written)):
            return end
        again = to_float32(np.concatenate(self.ring.look_back(start, min(index, written) - start)))
        self._tail = np.concatenate((again, self._tail[: max(0, index - written)]))
        self._resampler = None
        return self.end_index

    def drop(self) -> None:
        """Forget what is held back: what follows is another stream."""
        self._tail = self._head = NO_AUDIO
        self._seam = Seam.CONTINUE
        self._resampler = None

    def settle(self) -> int:
        """Make the seam that is due with what is there of the head; returns where the head begins."""
        head, seam = self._head, self._seam
        self._head, self._seam = NO_AUDIO, Seam.CONTINUE
        if seam is Seam.CROSS:
            return self._cross(head)
        start = self.end_index
        if seam is Seam.JOIN:
            self._tail, head = fade_out(self._tail, self._edge), fade_in(head, self._edge)
        self._append(head)
        return start

    def _cross(self, audio: Float32) -> int:
        """The whole tail is crossed, with silence where the head is shorter: the head begins where it was said to."""
        overlap = self._tail.size
        start = self.ring.written
        audio = np.pad(audio, (0, max(0, overlap - audio.size)))
        mixed = crossfade(self._tail, audio[:overlap])
        self._tail = NO_AUDIO
        self._append(np.concatenate((mixed, audio[overlap:])))
        return start

    def _append(self, audio: Float32) -> None:
        joined = np.concatenate((self._tail, audio))
        cut = max(0, joined.size - self._hold)
        self._write(joined[:cut])
        self._tail = joined[cut:]

    def _write(self, audio: Float32) -> None:
        if not self.ring.write(quantize(audio, self._dither, self.ring.written)):
            self.overflow_samples += audio.size
