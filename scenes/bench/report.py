"""The shape that all benchmarks share, and how two things are compared fairly.

    {bench, machine, passed, metrics: [{name, value, unit, limit, passed}], runs, artifacts}

Rules. A metric without a limit is only shown: its `limit` and `passed` are null and it fails nothing. A
report has passed where no metric with a limit failed. Times of one machine mean little on another, so
what is asserted is a ratio: two things run in turns within one process, each pair gives one
ratio, the median of the pairs is the value. `runs` is the number of pairs (or of runs, without pairs).
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from timeline.clock import Clock


@dataclass(frozen=True, slots=True)
class Metric:
    """One number. Made by `shown`, `at_most` or `at_least`, which know the limit's direction."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    passed: bool | None = None
    bound: str = ""  # in words, for people


def shown(name: str, value: float, unit: str) -> Metric:
    """A number without a limit."""
    return Metric(name, value, unit)


def at_most(name: str, value: float, unit: str, limit: float) -> Metric:
    return Metric(name, value, unit, limit, value <= limit, "at most")


def at_least(name: str, value: float, unit: str, limit: float) -> Metric:
    return Metric(name, value, unit, limit, value >= limit, "at least")


@dataclass(frozen=True, slots=True)
class Table:
    """Metrics in rows and columns, for people; no part of the JSON form."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What one benchmark found."""

    bench: str
    machine: str
    metrics: tuple[Metric, ...]
    runs: int
    tables: tuple[Table, ...] = ()
    artifacts: tuple[str, ...] = ()  # folders of runs that were kept

    @property
    def passed(self) -> bool:
        return all(metric.passed is not False for metric in self.metrics)

    def as_json(self) -> dict[str, Any]:
        """The form that is written and printed; keys in this order."""
        return {
            "bench": self.bench,
            "machine": self.machine,
            "passed": self.passed,
            "metrics": [
                {key: value for key, value in asdict(metric).items() if key != "bound"} for metric in self.metrics
            ],
            "runs": self.runs,
            "artifacts": self.artifacts,
        }


def machine() -> str:
    """This machine in a few words: processor, cores we may use, Python."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{_processor()}, {usable} cores, Python {platform.python_version()}"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def paired_ratios(ours: Callable[[], object], theirs: Callable[[], object], pairs: int, clock: Clock) -> list[float]:
    """Time of `ours` over time of `theirs`, pair by pair, after one unmeasured run of each. The one
    that goes first changes from pair to pair, so that neither always finds the machine warm."""
    ours()
    theirs()
    ratios = []
    for pair in range(pairs):
        if pair % 2:
            theirs_ns, ours_ns = _timed(theirs, clock), _timed(ours, clock)
        else:
            ours_ns, theirs_ns = _timed(ours, clock), _timed(theirs, clock)
        ratios.append(ours_ns / theirs_ns)
    return ratios


def paired_ratio(ours: Callable[[], object], theirs: Callable[[], object], pairs: int, clock: Clock) -> float:
    """The median of `paired_ratios`."""
    return median(paired_ratios(ours, theirs, pairs, clock))


def _timed(work: Callable[[], object], clock: Clock) -> int:
    before_ns = clock.now_ns()
    work()
    return clock.now_ns() - before_ns
