"""What `duckbill conform` shows: a bar while it looks, a table at the end."""

from __future__ import annotations

from typing import Any

_MARKS = {True: "[green]+", False: "[red]-", None: "[dim]~"}


class View:
    """A context manager around the looking. `failed`: the findings that did not pass."""

    def __init__(self, checks: int, as_json: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self.failed: list[Any] = []
        self._findings: list[Any] = []
        self._console = Console(stderr=as_json)
        columns = (TextColumn("{task.description:30}"), BarColumn(), MofNCompleteColumn())
        self._progress = Progress(*columns, console=self._console, transient=True)
        self._task = self._progress.add_task("loading", total=checks)

    def __enter__(self) -> View:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def finding(self, finding: Any) -> None:
        self._findings.append(finding)
        if finding.passed is False:
            self.failed.append(finding)
        self._progress.update(self._task, advance=1, description=finding.name)

    def table(self, name: str) -> None:
        """A line a check. + passed, - failed, ~ the engine claims nothing of the kind."""
        from rich.markup import escape

        for one in self._findings:
            measured = f" ({one.value:.3g}, {one.bound} {one.limit:g})" if one.passed is not None and one.limit else ""
            line = f"{_MARKS[one.passed]}[/] {one.name:30} {escape(one.says)}{measured}"
            self._console.print(line, highlight=False, soft_wrap=True)
        unclaimed = sum(one.passed is None for one in self._findings)
        passed = len(self._findings) - unclaimed - len(self.failed)
        line = f"{name}: {passed} passed, {len(self.failed)} failed, {unclaimed} not claimed"
        self._console.print(line, highlight=False, soft_wrap=True)
