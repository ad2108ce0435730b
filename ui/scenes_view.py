"""What `duckbill scenes` shows: a bar while it plays, a table at the end."""

from __future__ import annotations

import json
import time
from typing import Any


class View:
    """A context manager around the playing. `failed`: the results that did not pass. `not_kept`: why the first of those
    that did could not be kept; empty where all were that should be."""

    def __init__(self, jobs: int, as_json: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.failed: list[Any] = []
        self.not_kept = ""
        self._json = as_json
        self._console = Console(stderr=as_json)
        columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=self._console, transient=True)
        self._task = self._progress.add_task("loading engines", total=jobs)
        self._rows: dict[tuple[str, str], list[Any]] = {}
        self._pending: list[Any] = []
        self._begin_s = time.perf_counter()

    def __enter__(self) -> View:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def pending(self, scene: Any) -> None:
        self._pending.append(scene)
        if self._json:
            line = {"name": scene.name, "adapter": None, "seed": None, "passed": None, "pending": scene.pending}
            print(json.dumps({**line, "measures": {}, "probes": []}), flush=True)

    def result(self, result: Any) -> None:
        self._rows.setdefault((result.name, result.adapter), []).append(result)
        if not result.passed:
            self.failed.append(result)
        elif result.notes:
            self.not_kept = self.not_kept or result.notes[-1]
        self._progress.update(self._task, advance=1, description=f"{result.name} {result.adapter}")

    def table(self) -> None:
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="dim")
        for name, justify in (("scene", "left"), ("adapter", "left"), ("seeds", "right"), ("passed", "right"),
                              ("simulated", "right"), ("x real time", "right"), ("", "left")):  # fmt: skip
            table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
        for (name, adapter), results in self._rows.items():
            passed = sum(bool(result.passed) for result in results)
            simulated_s = sum(result.measures.get("simulated_s", 0) for result in results)
            times = simulated_s / max(1e-9, sum(result.cpu_s for result in results))
            verdict = "[green]passed" if passed == len(results) else "[red]FAILED"
            table.add_row(
                name, adapter, str(len(results)), str(passed), f"{simulated_s:.0f} s", f"{times:.0f}", verdict
            )
        self._console.print(table)
        for scene in self._pending:
            self._console.print(f"{scene.name}  [yellow]pending[/]: {scene.pending}", highlight=False, soft_wrap=True)
        kept = next((result.folder for results in self._rows.values() for result in results if result.folder), "")
        runs = sum(len(results) for results in self._rows.values())
        took_s = time.perf_counter() - self._begin_s
        line = f"{runs} runs in {took_s:.0f} s, {len(self.failed)} failed, {len(self._pending)} scenes pending"
        self._console.print(f"  {line}" + (f"; kept beside {kept}" if kept else ""), highlight=False, soft_wrap=True)
