"""Dither: noise under the step to int16, so that quiet sound does not turn into steps nor pauses into digital black.

Two parts, off unless asked for. Triangular noise of two units (the sum of two uniform ones of one unit each) makes
the rounding error's mean and power independent of the signal (Lipshitz, Wannamaker and Vanderkooy, "Quantization and
Dither: A Theoretical Survey", JAES 40, 1992). On top of it, triangular noise up to the level asked for.

The noise at a sample follows from seed and stream position alone, by a counter-based generator (Philox; Salmon and
others, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011): same seed, same bytes, however the stream is chunked.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stitcher.pcm import FULL_SCALE, Float32, Int16, to_int16

DITHER_LEAST_DBFS = -96.0  # what dither and rounding leave by themselves: half a unit, root mean square
DITHER_MOST_DBFS = -50.0  # above it a pause counts as sound (timeline measures what can be heard from there on)
OWN_POWER = 1 / 6 + 1 / 12  # units squared: of the triangular noise, and of rounding
TRIANGULAR_POWER = 1 / 6
WORDS_PER_COUNT = 4  # 64-bit words that Philox draws from one count


class Dither:
    """`level_dbfs`: root mean square of a pause, DITHER_LEAST_DBFS to DITHER_MOST_DBFS. Raises ValueError beyond."""

    def __init__(self, level_dbfs: float, seed: int) -> None:
        if not DITHER_LEAST_DBFS <= level_dbfs <= DITHER_MOST_DBFS:
            raise ValueError(f"choose audio.dither_dbfs from {DITHER_LEAST_DBFS:g} to {DITHER_MOST_DBFS:g}")
        self._seed = seed
        power = (FULL_SCALE * 10 ** (level_dbfs / 20)) ** 2
        self._gain = float(np.sqrt(max(0.0, power - OWN_POWER) / TRIANGULAR_POWER))

    def to_int16(self, pcm: Float32, position: int) -> Int16:
        """float32[n] full scale 1.0 -> int16[n], with the noise of `position` on; what is not a number is silence."""
        clipped: Float32 = np.clip(np.nan_to_num(pcm, nan=0.0), -1.0, 1.0)
        noisy = np.rint(clipped * FULL_SCALE + self._noise(position, pcm.size))
        return np.clip(noisy, -FULL_SCALE, FULL_SCALE).astype(np.int16)

    def _noise(self, position: int, count: int) -> npt.NDArray[np.float64]:
        """float64[count], in units of int16: one 64-bit word a sample, cut into four numbers."""
        first, skipped = divmod(position, WORDS_PER_COUNT)
        words = np.random.Philox(key=self._seed, counter=first).random_raw(skipped + count)[skipped:]
        parts = [(words >> np.uint64(shift) & np.uint64(0xFFFF)).astype(np.float64) for shift in (0, 16, 32, 48)]
        unit = 1 / 65_536
        return (parts[0] - parts[1]) * unit + self._gain * (parts[2] - parts[3]) * unit


def quantize(pcm: Float32, dither: Dither | None, position: int) -> Int16:
    """float32[n] -> int16[n]: dithered as stream position `position` on, or only rounded."""
    return to_int16(pcm) if dither is None else dither.to_int16(pcm, position)


def make_dither(level_dbfs: float | None, seed: int) -> Dither | None:
    """None where no dither is asked for."""
    return None if level_dbfs is None else Dither(level_dbfs, seed)
