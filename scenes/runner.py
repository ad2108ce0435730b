"""The runner: plays scenes in processes of their own, and keeps what they leave.

Job -> perform() in a worker -> Result, and artifacts/scenes/<scene>-<adapter>-<seed>/
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from adapters import registry
from adapters.base import AdapterError, Tts
from adapters.registry import Context
from orchestrator.recording import describe_manifest, keep_run
from scenes.playbill import scene
from scenes.recognizer import recognizer
from scenes.stage import Hear, Held, Probe, Stage, kind_of
from timeline.clock import wall_time

Draw = Callable[[Path], str]
"""Draws the panel of a run; returns why not, or an empty string."""

MakeContext = Callable[[], Context]


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    adapter: str
    seed: int
    folder: str  # where the run is kept
    keep: bool  # also when it passes
    replay: bool = True
    company: tuple[str, ...] = ()  # other engines that are played with: some scenes need two


@dataclass
class Result:
    name: str
    adapter: str
    seed: int
    passed: bool | None  # None: pending
    pending: str = ""
    measures: dict[str, float] = field(default_factory=dict)
    probes: list[Probe] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    folder: str = ""  # empty: not kept
    cpu_s: float = 0.0
    company: tuple[str, ...] = ()

    @property
    def repeat(self) -> str:
        """The command that plays it again."""
        adapters = ",".join((self.adapter, *self.company))
        return f"duckbill scenes {self.name} --adapters {adapters} --seed {self.seed}"


def play_all(jobs: Sequence[Job], context: MakeContext, draw: Draw, workers: int = 0) -> Iterator[Result]:
    """Results in the order of the jobs. Each worker loads an adapter once; what it is handed must pickle. Where one
    dies its pool does: the job that is due is played alone, to see whether it is to blame, then the others go on."""
    count = workers or os.cpu_count() or 1
    spawn = multiprocessing.get_context("spawn")  # engines have threads of their own: nothing may be forked from them
    waiting, alone = deque(jobs), False
    while waiting:
        batch = list(waiting)[: 1 if alone else None]
        died = False
        with ProcessPoolExecutor(min(count, len(batch)), spawn, _begin, (context, draw)) as pool:
            try:
                for future in [pool.submit(_perform, job) for job in batch]:
                    result = future.result()
                    waiting.popleft()
                    yield result
            except BrokenProcessPool:
                died = True
            finally:
                pool.shutdown(cancel_futures=True)  # interrupted: what has not begun need not
        if died and alone:
            job = waiting.popleft()
            line = "the process that played it died: play it alone to see why"
            yield Result(job.name, job.adapter, job.seed, False, notes=[line])
        alone = died and not alone


def missing(adapter: str, context: Context) -> str:
    """Why an adapter cannot be played with, in one line; empty where it can."""
    try:
        registry.create("tts", adapter, {}, context).warm_up()
    except AdapterError as error:
        return error.detail
    return ""


# -- in the worker ------------------------------------------------------------------------


_context: Context
_draw: Draw
_engines: dict[str, Tts] = {}


def _begin(context: MakeContext, draw: Draw) -> None:
    global _context, _draw
    _context, _draw = context(), draw
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    """Whoever ends the command by a signal leaves nobody to end its workers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make_tts(name: str) -> Tts:
    if name not in _engines:
        _engines[name] = registry.create("tts", name, {}, _context)
        _engines[name].warm_up()
    return _engines[name]


def _ear(job: Job) -> Hear | None:
    """A recognizer for scenes that several engines play, where there are words to recognize and one is installed."""
    if not job.company:
        return None
    try:
        return recognizer(_context)
    except AdapterError:
        return None


def _perform(job: Job) -> Result:
    found = scene(job.name)
    assert found is not None and found.play is not None, job.name
    stage = Stage(job.name, job.adapter, job.seed, _make_tts, job.company, _ear(job))
    result = Result(job.name, job.adapter, job.seed, False, company=job.company)
    begin_s = time.process_time()
    try:
        found.play(stage)
        stage.close(job.replay)
        result.passed = stage.passed
    except Exception as fault:  # an invariant of the core, or the scene's own bug: either way it has failed
        stage.note(f"{type(fault).__name__}: {str(fault)[-2000:]}")
    result.cpu_s = round(time.process_time() - begin_s, 3)
    result.measures, result.probes, result.notes = stage.measures, stage.probes, stage.notes
    if job.keep or not result.passed:
        result.folder = job.folder
        try:
            _keep(stage, result)
        except Exception as error:  # a disk, or a bug in drawing: the verdict stands either way
            result.folder = ""
            result.notes.append(f"the run could not be kept in {job.folder}: {error}")
    return result


def _keep(stage: Stage, result: Result) -> None:
    """One folder a scene; sessions after the first in folders inside it."""
    folder = Path(result.folder)
    if folder.exists():  # an earlier run of the same seed: the same, or made by other code
        shutil.rmtree(folder)
    for number, held in enumerate(stage.held, 1):
        place = folder if number == 1 else folder / str(number)
        _write(place, held, result)
    if stage.held:
        _draw(folder)


def _write(folder: Path, held: Held, result: Result) -> None:
    simulator = held.simulator
    engines = [{"name": kind_of(name), "options": {}, "trouble": trouble.model_dump()} for name, trouble in held.cast]
    verdict = {**asdict(result), "repeat": result.repeat}
    manifest = describe_manifest(made=wall_time(), command="scenes", settings=simulator.settings, tts=engines)
    keep_run(folder, {**manifest, "scene": verdict}, simulator.records, simulator.audio())


def as_json(result: Result) -> dict[str, Any]:
    """One line of `duckbill scenes --json`."""
    line = {"name": result.name, "adapter": result.adapter, "seed": result.seed, "passed": result.passed}
    if result.pending:
        line["pending"] = result.pending
    more = {"measures": result.measures, "probes": [asdict(probe) for probe in result.probes], "notes": result.notes}
    return {**line, **more, "run": result.folder or None, "cpu_s": result.cpu_s}
