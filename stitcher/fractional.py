"""Resampling by a ratio near one that changes as it goes: for sources whose clock is not the sink's.

A windowed sinc, read from a table at the fraction of each output's place between two inputs (Smith and Gossett, "A
flexible sampling-rate conversion method", ICASSP 1984). Our own and not soxr's variable rate: that is experimental and
missing before 1.1, and does not say where a sample went; here the place of every output is a sum that we keep.
At a ratio of exactly one the samples pass untouched.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from stitcher.pcm import Float32

TAPS = 32  # flat to 0.42 of the rate (10 kHz at 24 kHz), where speech has next to nothing left
PHASES = 512  # with linear interpolation between them the error is below that of int16
KAISER_BETA = 8.0  # side lobes at -80 dB
BEHIND = TAPS // 2 - 1  # taps before an output's place
AHEAD = TAPS // 2  # and after it: so many inputs are kept back until more come


@cache
def _table() -> Float32:
    """float32[PHASES + 1, TAPS], each row's sum one: a constant stays constant."""
    at = np.arange(TAPS) - BEHIND - np.arange(PHASES + 1)[:, None] / PHASES
    window = np.i0(KAISER_BETA * np.sqrt(np.maximum(0.0, 1 - (at / (TAPS / 2)) ** 2))) / np.i0(KAISER_BETA)
    table = np.sinc(at) * window
    normalized: Float32 = (table / table.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalized


class FractionalResampler:
    """`ratio`: outputs per input, as it stands now."""

    def __init__(self) -> None:
        self.ratio = 1.0
        self.pushed_samples = 0
        self._table = _table()
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
        whole = np.floor(places).astype(np.int64)
        phase, between = np.divmod((places - whole) * PHASES, 1.0)
        row = phase.astype(np.int64)
        first = whole + (self._whole - BEHIND - self._begin)
        inputs = np.lib.stride_tricks.sliding_window_view(self._kept, TAPS)[first]
        lower = np.einsum("ij,ij->i", inputs, self._table[row])
        upper = np.einsum("ij,ij->i", inputs, self._table[row + 1])
        out: Float32 = (lower + between * (upper - lower)).astype(np.float32)
        return out

    def _go_on(self, place: float) -> None:
        """The next output lies at `place`, counted as in `_read`; forget what nobody needs any more."""
        step = int(np.floor(place))
        self._whole, self._part = self._whole + step, place - step
        unneeded = self._whole - BEHIND - self._begin
        self._kept, self._begin = self._kept[unneeded:], self._begin + unneeded
