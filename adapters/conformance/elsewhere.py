"""The adapter in a process of its own: what it renders there, what it does to the world, how much memory it keeps.

Nothing is forked: engines have threads. There the clock is a virtual one, for costs are of no interest. The text
that is far too long comes last, under a limit of memory: an engine that takes it may want all that the machine has.
"""

from __future__ import annotations

import multiprocessing
import sys
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adapters.base import AdapterError
from adapters.conformance.finding import told, typed
from adapters.conformance.texts import HELLO, SHORT, filled
from adapters.conformance.watch import Watch
from timeline.clock import VirtualClock

if TYPE_CHECKING:
    from adapters.conformance.subject import Recipe, Subject

START: Final = "spawn"
WARM_SPANS, SPANS = 10, 20
REPORT_S = 300.0  # a voice that takes longer to load and to say thirty words is of no use
FAR_BEYOND = 10  # times the limit of text: what a caller's mistake looks like
MEMORY_MOST_BYTES = 2 << 30  # beyond what is in use, for that text: ten minutes of audio are 0.06 of it
_STATM = Path("/proc/self/statm")  # Linux only


@dataclass(frozen=True, slots=True)
class Report:
    digest: bytes  # of the plain text, spoken first
    written: tuple[str, ...]
    hosts: tuple[str, ...]
    growth_bytes: int | None  # of resident memory, over SPANS spans; None where the system does not tell
    far_beyond: str = ""  # what went wrong with the text that is far too long


class Witness:
    """Begins when it is made, and works while others do: it has a process of its own."""

    def __init__(self, recipe: Recipe) -> None:
        spawn = multiprocessing.get_context(START)
        self._ours, theirs = spawn.Pipe(duplex=False)
        self._process = spawn.Process(target=_witness, args=(recipe, theirs), daemon=False)
        self._process.start()
        theirs.close()

    def report(self) -> Report:
        """Wait for it; to be asked once. Raises AdapterError where the process dies or hangs; what the engine raises
        comes back as such."""
        try:
            if not self._ours.poll(REPORT_S):
                raise AdapterError("stalled", f"in a process of its own it did not finish within {REPORT_S:.0f} s")
            report = self._ours.recv()
            if isinstance(report, Report):
                report = replace(report, far_beyond=self._last_word())
        except EOFError as error:
            raise AdapterError("crashed", "the process in which it ran has died") from error
        finally:
            self.end()
        if isinstance(report, str):
            raise AdapterError("crashed", f"in a process of its own it raises {report}")
        assert isinstance(report, Report)
        return report

    def end(self) -> None:
        """It has said what it had to say, or nobody will ask."""
        self._process.kill()
        self._process.join()

    def _last_word(self) -> str:
        try:
            return str(self._ours.recv()) if self._ours.poll(REPORT_S) else f"it did not answer within {REPORT_S:.0f} s"
        except EOFError:
            return "its process has died"


def _witness(recipe: Recipe, pipe: Connection) -> None:
    """What runs there."""
    from adapters.conformance.subject import Subject

    sys.dont_write_bytecode = True  # that would be Python's doing, not the engine's
    watch = Watch()
    watch.begin()
    try:
        subject = Subject(recipe, VirtualClock())
        digest = subject.render(HELLO).digest
        growth_bytes = _growth(subject)
        pipe.send(Report(digest, tuple(watch.written), tuple(watch.hosts), growth_bytes))
        pipe.send(_ask_far_beyond(subject))
    except Exception as error:
        pipe.send(told(error))


def _ask_far_beyond(subject: Subject) -> str:
    """What is wrong with how it takes a text that is far too long: nothing if it speaks, or refuses in a typed line."""
    _limit_memory()
    try:
        synthesis = subject.open(filled(FAR_BEYOND * subject.capability.limits.text_chars))
        synthesis.pull(subject.rungs[0], True)
        synthesis.close()
    except Exception as error:
        return "" if typed(error) else told(error)
    return ""


def _limit_memory() -> None:
    """Linux only: elsewhere nobody tells how much is in use."""
    if _STATM.exists():
        import resource

        in_use = int(_STATM.read_text().split()[0]) * resource.getpagesize()
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        bounds = [bound for bound in (soft, hard, in_use + MEMORY_MOST_BYTES) if bound != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_AS, (min(bounds), hard))


def _growth(subject: Subject) -> int | None:
    if not _STATM.exists():
        return None
    for _ in range(WARM_SPANS):
        subject.render(SHORT)
    before = _resident_bytes()
    for _ in range(SPANS):
        subject.render(SHORT)
    return _resident_bytes() - before


def _resident_bytes() -> int:
    import resource

    return int(_STATM.read_text().split()[1]) * resource.getpagesize()
