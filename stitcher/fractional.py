"""Resampling by a ratio near one that changes as it goes: for sources whose clock is not the sink's.

Read by a windowed sinc (stitcher.sinc). Our own and not soxr's variable rate: that is experimental and missing before
1.1, and does not say where a sample went; here the place of every output is a sum that we keep. At a ratio of exactly
one the samples pass untouched.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stitcher.pcm import Float32
from stitcher.sinc import TAPS, Sinc

BEHIND = TAPS // 2 - 1  # taps before an output's place
AHEAD = TAPS // 2  # and after it: so many inputs are kept back until more come


class FractionalResampler:
    """`ratio`: outputs per input, as it stands now."""

    def __init__(self) -> None:
        self.ratio = 1.0
        self.pushed_samples = 0
        self._sinc = Sinc()
        self._kept = np.zeros(BEHIND, np.float32)  # inputs that the next outputs still need
        self._begin = -BEHIND  # place of the first of them
        self._whole, self._part = 0, 0.0  # place of the next output; apart, so that a day's sum loses nothing

    @property
    def next_place(self) -> float:
        """Where in the input the next output will lie."""
        return self._whole + self._part

    def push(self, pcm: Float32, ratio: float) -> Float32:
        """float32[n] -> float32[m]; over these samples the ratio glides to `ratio`, evenly."""
        self._kept = np.concatenate((self._kept, pcm))
        self.pushed_samples += pcm.size
        room = self.pushed_samples - AHEAD - self._whole - self._part  # outputs lie before this, counted from the next
        if room <= 0:
            self.ratio = ratio
            return np.zeros(0, np.float32)
        steps = np.linspace(1 / self.ratio, 1 / ratio, int(room * max(self.ratio, ratio)) + 2)
        places = self._part + np.concatenate(([0.0], np.cumsum(steps)))
        count = int(np.searchsorted(places - self._part, room))
        out = self._read(places[:count])
        self.ratio = ratio
        self._go_on(float(places[count]))
        return out

    def finish(self) -> Float32:
        """What is kept back, silence following."""
        return self.push(np.zeros(AHEAD, np.float32), self.ratio)

    def restart(self) -> None:
        """Forget what is kept back: what is pushed next begins as out of silence, its first sample the next output."""
        self._kept = np.zeros(BEHIND, np.float32)
        self._begin = self.pushed_samples - BEHIND
        self._whole, self._part = self.pushed_samples, 0.0

    def _read(self, places: npt.NDArray[np.float64]) -> Float32:
        """Outputs at `places`, counted from the whole part of the next one's."""
        return self._sinc.read(self._kept, places + (self._whole - BEHIND - self._begin))

    def _go_on(self, place: float) -> None:
        """The next output lies at `place`, counted as in `_read`; forget what nobody needs any more."""
        step = int(np.floor(place))
        self._whole, self._part = self._whole + step, place - step
        unneeded = self._whole - BEHIND - self._begin
        self._kept, self._begin = self._kept[unneeded:], self._begin + unneeded
