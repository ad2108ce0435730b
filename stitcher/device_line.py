"""When each sample of a device's stream passes: from block times that jitter to a line without steps.

A delay-locked loop (Adriaensen, "Using a DLL to filter time", LAC 2005): each block's time pulls the line a little, so
its slope comes to be the device's true rate. ClockFit says more exactly how fast a clock runs, but only after ten
seconds, and no place; an echo must be found from the first block on, and its reference must never skip.

    block times --pull--> line: position <-> time
         \\-> several in a row off by the same: the latency jumped, and the line with it
"""

from __future__ import annotations

from collections import deque

import numpy as np

from timeline.clock import NS_PER_MS, NS_PER_S

SETTLING_HZ = 0.2  # bandwidth at first: the slope is known to some 10 ppm after as many seconds
SETTLED_HZ = 0.02  # and in the end: 5 ms of jitter move the line by 0.1 ms, and that slowly
SETTLING_S = 20.0  # from one to the other
CLIP = 2.0  # mean distances off the line: a single late block, on a busy machine, pulls no more than that (Huber)
CLIP_SHARE = 0.05  # of that mean, a block: over about twenty
CLIP_FIRST_NS = 5 * NS_PER_MS
CLIP_LEAST_NS = 50_000  # what even undisturbed device times jitter by
JUMP_NS = 10 * NS_PER_MS  # half a block; a device that changes its latency, or drops audio, moves by more
JUMP_BLOCKS = 5  # that agree, one after the other: a stalled machine is late by less each block
SLOPE_MOST_PPM = 2000.0  # ten times what crystals do: no run of late blocks may bend the line further


class DeviceLine:
    """`rate_hz`: what the device says that it has."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.jumps = 0
        self._nominal_ns = NS_PER_S / rate_hz
        self._sample_ns = self._nominal_ns  # as it turns out to be
        self._position, self._ns = 0, 0.0  # a point of the line
        self._since_s = -1.0  # that the line has been fed; below 0: never
        self._mean_off_ns = float(CLIP_FIRST_NS)
        self._off: deque[float] = deque(maxlen=JUMP_BLOCKS)  # how far the last blocks lie off it, all beyond JUMP_NS

    def feed(self, position: int, device_ns: int) -> None:
        """One block: sample `position` passes at `device_ns`."""
        if self._since_s < 0:
            self._position, self._ns, self._since_s = position, float(device_ns), 0.0
            return
        samples = position - self._position
        if samples <= 0:
            return
        due_ns = self.time_of(position)
        off_ns = device_ns - due_ns
        if abs(off_ns) > JUMP_NS:
            off_ns = self._jumped(off_ns)
            self._position, self._ns = position, due_ns + off_ns
            return
        self._off.clear()
        self._pull(position, due_ns, off_ns, samples)

    def time_of(self, position: float) -> float:
        """When sample `position` passes, in nanoseconds."""
        return self._ns + (position - self._position) * self._sample_ns

    def position_at(self, ns: float) -> float:
        """Which sample passes then."""
        return self._position + (ns - self._ns) / self._sample_ns

    @property
    def started(self) -> bool:
        return self._since_s >= 0

    @property
    def drift_ppm(self) -> float:
        """Above 0: the device runs fast."""
        return (self._nominal_ns / self._sample_ns - 1) * 1e6

    def _pull(self, position: int, due_ns: float, off_ns: float, samples: int) -> None:
        self._mean_off_ns += CLIP_SHARE * (abs(off_ns) - self._mean_off_ns)
        most_ns = max(CLIP_LEAST_NS, CLIP * self._mean_off_ns)
        off_ns = min(most_ns, max(-most_ns, off_ns))
        block_s = samples / self.rate_hz
        self._since_s += block_s
        share = min(1.0, self._since_s / SETTLING_S)
        omega = 2 * np.pi * SETTLING_HZ * (SETTLED_HZ / SETTLING_HZ) ** share * block_s
        self._position, self._ns = position, due_ns + min(1.0, np.sqrt(2) * omega) * off_ns
        steepest_ns = self._nominal_ns * SLOPE_MOST_PPM * 1e-6
        bent_ns = self._sample_ns - self._nominal_ns + min(1.0, omega) ** 2 * off_ns / samples
        self._sample_ns = self._nominal_ns + float(np.clip(bent_ns, -steepest_ns, steepest_ns))

    def _jumped(self, off_ns: float) -> float:
        """How far the line jumps; 0 while that is not proved."""
        self._off.append(off_ns)
        if len(self._off) < JUMP_BLOCKS or max(self._off) - min(self._off) > JUMP_NS:
            return 0.0
        jump_ns = float(np.median(self._off))
        self._off.clear()
        self.jumps += 1
        return jump_ns
