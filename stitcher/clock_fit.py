"""How fast the sink's clock really runs against session time, and when it jumped.

Each tick says: when sample `position` was audible. Of position / rate - time, the slope is the drift. Ticks jitter by
milliseconds, on one side or on both, and a busy machine delays a second's worth of them at once. So: the trimmed mean
of each bin of BIN_S, then the median of the slopes between all pairs of bins (Theil-Sen; Sen, JASA 63, 1968), which
stays true while fewer than 29 % of the bins are off. A minimum filter would be sharper where jitter is only ever late,
and wrong where it is not; least squares would follow the one bin that is off.

    ticks -> bins' means -> all pairs' slopes -> median: drift_ppm
                \\-> two bins in a row off the line on one side: a jump (device restarted, machine slept)
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from timeline.clock import NS_PER_MS, NS_PER_S

BIN_S = 2.0  # a hundred blocks of 20 ms: the mean of 5 ms of jitter either way is good to 0.3 ms
BINS_MOST = 120  # four minutes: a crystal's temperature changes slower; 7140 pairs are a millisecond's work
BINS_LEAST = 5  # ten seconds: below, a slope says more of the jitter than of the clock
TICKS_LEAST = 10  # a bin of fewer is no bin: the device has just begun, or stood still
TRIM = (
    0.1  # share of a bin's ticks left out at either end: single late ones, where a median would cost a third more noise
)
JUMP_LEAST_NS = 10 * NS_PER_MS  # half a block: what a device loses in an xrun is more
JUMP_EARLY_NS = 100 * NS_PER_MS  # while there is no line yet
DEVIATIONS = 8.0  # median deviations from the line that no jitter reaches twice in a row


@dataclass(frozen=True, slots=True)
class ClockJump:
    """The device's clock is `ahead_ns` further than the line says (below 0: it stood still meanwhile)."""

    position: int
    ahead_ns: int


class ClockFit:
    """`rate_hz`: what the device says that it has. Bounded memory; a tick costs nothing but at the end of a bin."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.drift_ppm: float | None = None  # above 0: the device runs fast. None: too early to say
        self._bins: deque[tuple[float, float]] = deque(maxlen=BINS_MOST)  # (seconds, seconds ahead), jumps taken out
        self._ticks: list[tuple[float, float]] = []  # of the bin being filled
        self._held: tuple[float, float] | None = None  # a bin off the line: a stall, or the first after a jump
        self._origin: tuple[int, int] | None = None  # position and time of the first tick
        self._jumped_s = 0.0  # sum of the jumps

    def feed(self, position: int, device_ns: int) -> ClockJump | None:
        """One tick: sample `position` is audible at `device_ns`. Says so where it completes the proof of a jump."""
        if self._origin is None:
            self._origin = position, device_ns
        at_s = (device_ns - self._origin[1]) / NS_PER_S
        ahead_s = (position - self._origin[0]) / self.rate_hz - at_s
        jump = None
        if self._ticks and at_s - self._ticks[0][0] >= BIN_S:
            jump = self._close_bin(position)
        self._ticks.append((at_s, ahead_s))
        return jump

    def _close_bin(self, position: int) -> ClockJump | None:
        ticks, self._ticks = self._ticks, []
        if len(ticks) < TICKS_LEAST:
            return None
        ordered = np.sort(np.array(ticks)[:, 1])
        cut = int(TRIM * len(ticks))
        at_s, ahead_s = (ticks[0][0] + ticks[-1][0]) / 2, float(np.mean(ordered[cut : len(ticks) - cut]))
        new = at_s, ahead_s - self._jumped_s
        off_s, allowed_s = self._off(new)
        if abs(off_s) <= allowed_s:
            self._held = None
            self._keep(new)
            return None
        held, self._held = self._held, new
        if held is None or abs(self._off(held)[0] - off_s) > allowed_s:
            return None  # a stall, unless the next bin agrees
        self._jumped_s += off_s
        self._held = None
        self._keep((at_s, ahead_s - self._jumped_s))
        return ClockJump(position, round(off_s * NS_PER_S))

    def _off(self, one: tuple[float, float]) -> tuple[float, float]:
        """How far a bin lies off the line, and how far it may; seconds."""
        if not self._bins:
            return 0.0, 0.0
        bins = np.array(self._bins)
        residuals = bins[:, 1] - (self.drift_ppm or 0.0) * 1e-6 * bins[:, 0]
        middle = float(np.median(residuals))
        off_s = one[1] - (self.drift_ppm or 0.0) * 1e-6 * one[0] - middle
        if self.drift_ppm is None:
            return off_s, JUMP_EARLY_NS / NS_PER_S
        deviation = float(np.median(np.abs(residuals - middle)))
        return off_s, max(JUMP_LEAST_NS / NS_PER_S, DEVIATIONS * deviation)

    def _keep(self, one: tuple[float, float]) -> None:
        self._bins.append(one)
        if len(self._bins) >= BINS_LEAST:
            bins = np.array(self._bins)
            early, late = np.triu_indices(len(bins), 1)
            slopes = (bins[late, 1] - bins[early, 1]) / (bins[late, 0] - bins[early, 0])
            self.drift_ppm = float(np.median(slopes)) * 1e6
