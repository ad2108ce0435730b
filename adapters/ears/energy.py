"""An energy detector with a noise floor that adapts: the light fallback where no model is installed.

    window -> level (dBFS, offset removed) -> above the floor by how much -> logistic -> probability
                                  floor = quietest window of the last 2 s

Rules. Speech dips to the noise between syllables and words, steady noise never does; so the quietest
of the last windows is the noise, and the floor follows a fan that starts within 2 s and one that stops
at once. Pure and deterministic. It hears *loud*, not *speech*: music, keys and a slammed door
pass, whispering below the noise does not. Prefer `silero` where it can be had.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from adapters.base import EAR_RATE_HZ, Capability
from stitcher.pcm import FULL_SCALE, Int16

if TYPE_CHECKING:
    from adapters.registry import Context

WINDOW_SAMPLES = 512  # 32 ms, as silero's, so that one may replace the other
FLOOR_WINDOWS = 2 * EAR_RATE_HZ // WINDOW_SAMPLES  # longer than a breath group without a dip
FLOOR_MIN_DBFS = -60.0  # digital silence is no floor: above it, a converter's hiss would be speech
FLOOR_FIRST_DBFS = -50.0  # a quiet room, until there is evidence: who speaks at once is heard at once
SLOPE_DB = 1.5  # from even odds to 0.88 in twice this; steady noise varies by 0.3 dB a window


class EnergyVad:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        margin_db: float = Field(default=9.0, ge=3.0, le=40.0)
        """How far above the noise the odds of speech are even."""

    def __init__(self, options: Options, context: Context) -> None:
        self._margin_db = options.margin_db
        self._levels_dbfs: deque[float] = deque(maxlen=FLOOR_WINDOWS)
        self.reset()

    def describe(self) -> Capability:
        return Capability(
            name="energy", version="1", role="ears", streaming=True, unit_samples=WINDOW_SAMPLES, granularity=(1,),
            deterministic=True, stateful_context="rolling", delivery="push", rate_hz=EAR_RATE_HZ,
        )  # fmt: skip

    @property
    def window_samples(self) -> int:
        return WINDOW_SAMPLES

    @property
    def floor_dbfs(self) -> float:
        """The level taken for noise."""
        return max(FLOOR_MIN_DBFS, min(self._levels_dbfs))

    def probability(self, window: Int16) -> float:
        assert window.size == WINDOW_SAMPLES, f"a window of {window.size} samples"
        level_dbfs = _level_dbfs(window)
        self._levels_dbfs.append(level_dbfs)
        excess_db = level_dbfs - self.floor_dbfs - self._margin_db
        return 1.0 / (1.0 + math.exp(-excess_db / SLOPE_DB))

    def reset(self) -> None:
        self._levels_dbfs.clear()
        self._levels_dbfs.append(FLOOR_FIRST_DBFS)


def _level_dbfs(window: Int16) -> float:
    """Power about the mean: a converter's offset carries no sound."""
    power = float(window.var(dtype="float64")) / FULL_SCALE**2
    return 10.0 * math.log10(max(power, 1e-12))
