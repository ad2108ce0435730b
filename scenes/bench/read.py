"""Read: a long text read aloud in real time to a file. Nothing runs dry, and memory does not grow. Where there are
fallbacks it tells who read what.

Memory is the process's resident set, read once a second while it speaks; what counts is how much larger its median of
the last fifth is than that of the second fifth, when everything has been loaded and used once.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from adapters import registry
from adapters.audio.files import FileSpeaker
from adapters.base import Tts
from adapters.registry import Context
from orchestrator.actions import ShowSwap
from orchestrator.config import Config
from orchestrator.session import Session
from orchestrator.shell import Parts
from scenes.bench.report import Metric, Report, Table, at_least, at_most, machine, shown
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


class _Swaps:
    """A watcher of who speaks."""

    def __init__(self, first: str, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self.spoke = [(0.0, first, "")]  # from this second on; why it took over

    def watch(self, t_ns: int, what: str, fact: Any) -> None:
        if isinstance(fact, ShowSwap):
            self.spoke.append((fact.index / self._rate_hz, fact.engine, fact.reason))

    def metrics(self, engines: Sequence[str], seconds: float) -> Iterator[Metric]:
        ends = [begin for begin, _, _ in self.spoke[1:]] + [seconds]
        for engine in engines:
            spoken_s = sum(end - begin for end, (begin, who, _) in zip(ends, self.spoke, strict=True) if who == engine)
            yield shown(f"spoken_by_{engine}_s", spoken_s, "s")

    def table(self) -> Table:
        rows = tuple((f"{begin:.1f} s", who, why) for begin, who, why in self.spoke)
        return Table("Who spoke", ("from", "engine", "why"), rows)


def run(context: Context, minutes: float = MINUTES, config: Config | None = None) -> Report:
    """Read for `minutes`, in real time, by the adapter of the configuration (Piper's own voice without one) and its
    fallbacks. The run is kept where the configuration says. Raises AdapterError."""
    config = config or Config()
    with ExitStack() as closing:
        voices = {}
        for name in dict.fromkeys((config.tts.adapter, *config.tts.fallback)):
            voices[name] = registry.create("tts", name, config.tts.options.get(name, {}), context)
            closing.callback(voices[name].close)
            voices[name].warm_up()
        return _read(context, minutes, voices, config)


def _read(context: Context, minutes: float, voices: Mapping[str, Tts], config: Config) -> Report:
    first, *fallback = voices
    memory, swaps = _Memory(), _Swaps(first, config.audio.rate_hz)
    with tempfile.TemporaryDirectory() as folder:
        speaker = FileSpeaker(Path(folder) / "read.wav", context.clock, config.audio.rate_hz)
        others = {name: voices[name] for name in fallback}
        parts = Parts(context.clock, voices[first], speaker, others=others)
        session = Session(config, parts, "read", [memory.watch, swaps.watch])
        text = aloud(minutes * CHARS_PER_MINUTE / CHARS_PER_S)
        outcome = asyncio.run(session.hold([SpeakRequested(text), InputEnded()]))
    seconds = outcome.samples / outcome.rate_hz
    metrics = (
        at_most("underruns", outcome.meter.underruns, "", 0),
        at_most("memory_growth_mb", memory.growth_mb(), "MB", GROWTH_MOST_MB),
        at_least("read_s", seconds, "s", minutes * 60),
        shown("memory_mb", median(memory.mb), "MB"),
        *swaps.metrics(list(voices), seconds),
    )
    kept = (str(outcome.folder),) if outcome.folder else ()
    return Report("read", machine(), metrics, 1, (swaps.table(),), kept)
