"""Startup: `duckbill --help` as a whole process, against an interpreter that does nothing."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from adapters.registry import Context
from scenes.bench.report import Report, at_most, machine, shown
from timeline.clock import NS_PER_MS

HELP_MOST_MS = 300
PAIRS = 9


def run(context: Context) -> Report:
    def timed(*arguments: str) -> float:
        start_ns = context.clock.now_ns()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        return (context.clock.now_ns() - start_ns) / NS_PER_MS

    pairs = [(timed("-m", "ui.cli", "--help"), timed("-c", "pass")) for _ in range(PAIRS + 1)][1:]
    metrics = (
        at_most("help_ms", median(ours for ours, _ in pairs), "ms", HELP_MOST_MS),
        shown("help_ratio", median(ours / bare for ours, bare in pairs), ""),
    )
    return Report("startup", machine(), metrics, PAIRS)
