"""Read: a long text read aloud in real time to a file. Nothing runs dry, and memory does not grow.

Memory is the process's resident set, read once a second while it speaks; what counts is how much larger its median of
the last fifth is than that of the second fifth, when everything has been loaded and used once.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from adapters import registry
from adapters.audio.files import FileSpeaker
from adapters.registry import Context
from orchestrator.config import Config
from orchestrator.session import Session
from orchestrator.shell import Parts
from scenes.bench.report import Report, at_least, at_most, machine, shown
from scenes.script import CHARS_PER_S, aloud
from timeline.clock import NS_PER_S
from timeline.events import InputEnded, SinkTick, SpeakRequested

MINUTES = 5.0
CHARS_PER_MINUTE = 1150  # of Piper's default voice: 1115 were measured, so the text is a little longer than asked
GROWTH_MOST_MB = 8.0  # a leak of one byte per sample would be 7 MB in five minutes; ours allocates a fixed set


class _Memory:
    """A watcher that reads the resident set once a second."""

    def __init__(self) -> None:
        self.mb: list[float] = []
        self._next_ns = 0

    def watch(self, t_ns: int, what: str, fact: Any) -> None:
        if isinstance(fact, SinkTick) and t_ns >= self._next_ns:
            self._next_ns = t_ns + NS_PER_S
            self.mb.append(_resident_mb())

    def growth_mb(self) -> float:
        fifth = max(1, len(self.mb) // 5)
        return median(self.mb[-fifth:]) - median(self.mb[fifth : 2 * fifth] or self.mb)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def run(context: Context, minutes: float = MINUTES) -> Report:
    """Read for `minutes`, in real time. Raises AdapterError."""
    tts = registry.create("tts", "piper", {}, context)
    tts.warm_up()
    memory = _Memory()
    with tempfile.TemporaryDirectory() as folder:
        config = Config(artifacts=str(Path(folder) / "runs"))
        speaker = FileSpeaker(Path(folder) / "read.wav", context.clock, config.audio.rate_hz)
        session = Session(config, Parts(context.clock, tts, speaker), "read", [memory.watch])
        outcome = asyncio.run(
            session.hold([SpeakRequested(aloud(minutes * CHARS_PER_MINUTE / CHARS_PER_S)), InputEnded()])
        )
    seconds = outcome.samples / outcome.rate_hz
    metrics = (
        at_most("underruns", outcome.meter.underruns, "", 0),
        at_most("memory_growth_mb", memory.growth_mb(), "MB", GROWTH_MOST_MB),
        at_least("read_s", seconds, "s", minutes * 60),
        shown("memory_mb", median(memory.mb), "MB"),
    )
    return Report("read", machine(), metrics, 1)
