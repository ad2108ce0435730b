"""What a microphone delivers, as it came, before anything is resampled or cancelled: whether it is alive, and whether
it clips.

A room is never quite still. Hardware that is muted gives zeros, a constant, or the dither of one bit: its samples lie
no more than DEAD_SWING apart. The faintest hiss of a microphone that is open swings further in every window.
"""

from __future__ import annotations

import numpy as np

from stitcher.pcm import Int16

DEAD_SWING = 2  # between the largest sample and the smallest: a dither of one bit goes from -1 to 1
FULL_SCALE_AT = 32_767  # either way: a converter's end; some use -32,768 and some do not


class InputMeter:
    """Fed block by block, read window by window: a reading is of all blocks since the last one."""

    def __init__(self) -> None:
        self._was_read = True
        self._least = self._most = self._samples = self._clipped = 0

    def feed(self, block: Int16) -> None:
        """int16[n]."""
        if not block.size:
            return
        least, most = int(block.min()), int(block.max())
        clipped = int(np.count_nonzero((block >= FULL_SCALE_AT) | (block <= -FULL_SCALE_AT)))
        if self._was_read:
            self._least, self._most, self._samples, self._clipped = least, most, 0, 0
            self._was_read = False
        self._least, self._most = min(self._least, least), max(self._most, most)
        self._samples += block.size
        self._clipped += clipped

    def read(self) -> tuple[int, float]:
        """The swing, and the share of samples at full scale. Windows out of one block all have that block's."""
        self._was_read = True
        return self._most - self._least, self._clipped / max(1, self._samples)
