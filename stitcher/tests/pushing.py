"""A pushing source and a sink on one virtual clock, each with its own rate; nothing waits, all of it is seeded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from stitcher.drift import Correction
from stitcher.playout import FACTS, Playout
from stitcher.pushed import PushedStream
from stitcher.ring import Ring

RATE_HZ = 24_000
RING_SECONDS = 4
SKIRT_S = 5.0  # the first seconds, while the lead is filled


@dataclass
class Run:
    """`drift_ppm`: how much too fast the source's clock runs. `late_s(t)`: how late comes what was due at t."""

    source: Callable[[int, int], np.ndarray]  # (first sample, count) -> float32[count]
    drift_ppm: float = 0.0
    from_hz: int = RATE_HZ
    chunk_ms: int = 40
    block: int = 480
    jitter_s: float = 0.01
    late_s: Callable[[float], float] = lambda t: 0.0
    keep: bool = False  # all that was written, and marks
    seed: int = 0
    corrections: list[tuple[float, Correction]] = field(default_factory=list)
    leads_ms: list[float] = field(default_factory=list)
    ratios_ppm: list[float] = field(default_factory=list)
    marks: list[tuple[int, int]] = field(default_factory=list)  # (source's sample, stream index)
    written: list[np.ndarray] = field(default_factory=list)
    underruns: list[float] = field(default_factory=list)  # when
    largest_step: int = 0

    def __post_init__(self) -> None:
        self.ring = Ring(np.zeros(RATE_HZ * RING_SECONDS, np.int16))
        self.playout = Playout(self.ring, RATE_HZ)
        self.stream = PushedStream(self.ring, RATE_HZ, self.from_hz)
        self._last = 0

    def arrivals(self) -> Iterable[float]:
        """When each chunk comes: in order, whatever the jitter."""
        draw, at, number = np.random.default_rng(self.seed), 0.0, 0
        while True:
            number += 1
            due = number * self.chunk_ms / 1000 / (1 + self.drift_ppm * 1e-6)
            at = max(at, due + draw.uniform(0, self.jitter_s) + self.late_s(due))
            yield at

    def hold(self, seconds: float) -> Run:
        arrivals, pushed, chunk = iter(self.arrivals()), 0, self.from_hz * self.chunk_ms // 1000
        coming = next(arrivals)
        for number in range(int(seconds * RATE_HZ / self.block)):
            while coming <= number * self.block / RATE_HZ:
                self._push(coming, pushed, chunk)
                pushed += chunk
                coming = next(arrivals)
            self._play(number * self.block / RATE_HZ)
        return self

    def _push(self, at_s: float, first: int, count: int) -> None:
        before = self.ring.written
        self.corrections += [(at_s, correction) for correction in self.stream.push(self.source(first, count))]
        if self.keep:
            new = np.concatenate(self.ring.peek(self.ring.queued))
            self.written.append(new[new.size - (self.ring.written - before) :].copy())
            mark = first - 4 * count + first // count * 397 % count  # anywhere in its chunk
            if mark >= 0 and self.stream.index_of(mark) < self.ring.written:
                self.marks.append((mark, self.stream.index_of(mark)))

    def _play(self, at_s: float) -> None:
        block = np.zeros(self.block, np.int16)
        self.playout.fill(block, 0)
        row = dict(zip(FACTS, self.playout.facts.peek(len(FACTS))[0].tolist(), strict=True))
        self.playout.facts.consume(len(FACTS))
        self.playout.tap.consume(block.size)
        self.stream.tick(row["position"] + block.size, row["read_index"])
        if row["underrun_samples"]:
            self.underruns.append(at_s)
        self.largest_step = max(self.largest_step, int(np.abs(np.diff(block.astype(int), prepend=self._last)).max()))
        self._last = int(block[-1])
        if at_s > SKIRT_S:
            self.leads_ms.append(self.stream.lead_samples * 1000 / RATE_HZ)
            self.ratios_ppm.append(self.stream.guard.ratio_ppm)
