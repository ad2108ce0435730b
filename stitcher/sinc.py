"""Reading a stream between its samples: a windowed sinc from a table, at the fraction of each place between two of them
(Smith and Gossett, "A flexible sampling-rate conversion method", ICASSP 1984).

Read more thinly than it is sampled, a stream folds; so the sinc is as wide as the step is, and keeps what is above the
new rate's half out.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from stitcher.pcm import Float32

TAPS = 32  # of a step of one: flat to 0.42 of the rate (10 kHz at 24 kHz), where speech has next to nothing left
PHASES = 512  # with linear interpolation between them the error is below that of int16
KAISER_BETA = 8.0  # side lobes at -80 dB


class Sinc:
    """For outputs about `step` inputs apart. An output needs `behind` inputs before the one at or before its place, and
    `ahead` after it."""

    def __init__(self, step: float = 1.0) -> None:
        self.taps = TAPS if step <= 1.0 else 2 * int(np.ceil(TAPS * step / 2))
        self.behind = self.taps // 2 - 1
        self.ahead = self.taps // 2
        self._table = _table(self.taps, min(1.0, 1.0 / step))

    def read(self, pcm: Float32, places: npt.NDArray[np.float64]) -> Float32:
        """Outputs at `places`, counted from the first of `pcm` that has `behind` inputs before it."""
        whole = np.floor(places).astype(np.int64)
        phase, between = np.divmod((places - whole) * PHASES, 1.0)
        row = phase.astype(np.int64)
        inputs = np.lib.stride_tricks.sliding_window_view(pcm, self.taps)[whole]
        lower = np.einsum("ij,ij->i", inputs, self._table[row])
        upper = np.einsum("ij,ij->i", inputs, self._table[row + 1])
        out: Float32 = (lower + between * (upper - lower)).astype(np.float32)
        return out


@cache
def _table(taps: int, cutoff: float) -> Float32:
    """float32[PHASES + 1, taps], each row's sum one: a constant stays constant. `cutoff`: share of the band kept."""
    at = np.arange(taps) - (taps // 2 - 1) - np.arange(PHASES + 1)[:, None] / PHASES
    window = np.i0(KAISER_BETA * np.sqrt(np.maximum(0.0, 1 - (at / (taps / 2)) ** 2))) / np.i0(KAISER_BETA)
    table = np.sinc(at * cutoff) * window
    normalized: Float32 = (table / table.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalized
