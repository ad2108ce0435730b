"""Resampling a stream chunk by chunk: the same samples as resampling it whole, by soxr.

One object a synthesis. soxr keeps a little audio back; it comes with the next chunk, or at the end.
"""

from __future__ import annotations

import numpy as np
import soxr

from stitcher.pcm import Float32

QUALITY = "HQ"


class StreamResampler:
    """From `from_hz` to `to_hz`; equal rates pass through untouched."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self.from_hz = from_hz
        self.to_hz = to_hz
        self.pushed_samples = 0
        same = from_hz == to_hz
        self._stream = None if same else soxr.ResampleStream(from_hz, to_hz, 1, "float32", QUALITY)

    def push(self, pcm: Float32, last: bool) -> Float32:
        """float32[n] at `from_hz` -> float32[m] at `to_hz`; `last` gives out what was kept back."""
        self.pushed_samples += pcm.size
        if self._stream is None:
            return pcm
        out: Float32 = self._stream.resample_chunk(np.ascontiguousarray(pcm, np.float32), last=last)
        return out

    def position(self, sample: int) -> int:
        """Where the input sample lies in the output, to the nearest; soxr compensates its own delay."""
        return (2 * sample * self.to_hz + self.from_hz) // (2 * self.from_hz)
