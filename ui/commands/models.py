"""duckbill models: list, fetch and verify the weights.

Prints a table, or with --json one object {result, warnings, next}. Bars and errors go to stderr. Exit
status: 0, 1 where something could not be fetched or is wrong, 2 for an unknown name.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from adapters.base import AdapterError
from adapters.fetch import Progress
from adapters.weights import Weights
from ui.compose import context_of
from ui.options import add_config_options, config_from

DESCRIPTION = "Weights of the engines: which there are, where they lie, whether they are right."
BAR_COLUMNS = 16  # leaves room for the name and the package on a terminal of 80
Row = dict[str, Any]


def register(subparsers: Any) -> None:
    """Add the command to argparse's subparsers."""
    parser = subparsers.add_parser("models", help="list, fetch and verify weights", description=DESCRIPTION)
    parser.add_argument("action", nargs="?", default="list", choices=("list", "fetch", "verify"))
    names_help = "default: all; fetch: all but optional ones; verify: all that are there"
    parser.add_argument("names", nargs="*", metavar="NAME", help=names_help)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_config_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, weights: Weights | None = None) -> int:
    """`weights`: for tests; else those of the configuration."""
    weights = weights or context_of(config_from(args)).weights
    try:
        for name in args.names:
            weights.entry(name)
    except AdapterError as error:
        print(f"duckbill: {error.detail}", file=sys.stderr)
        return 2
    names = args.names or _default_names(weights, args.action)
    warnings = list(_act(weights, args.action, names))
    rows = [_row(weights, name) for name in names]
    if args.json:
        print(json.dumps({"result": rows, "warnings": warnings, "next": _next(rows)}, indent=2))
    else:
        _print_table(rows)
        for line in warnings:
            print(f"duckbill: {line}", file=sys.stderr)
    return 1 if warnings else 0


def _default_names(weights: Weights, action: str) -> list[str]:
    if action == "verify":
        return [name for name in weights.names if _state(weights, name) != "missing"]
    if action == "fetch":
        return [name for name in weights.names if not ((entry := weights.entry(name)) and entry.optional)]
    return weights.names


def _act(weights: Weights, action: str, names: Iterable[str]) -> Iterator[str]:
    """Do it for each name; yields one line for each failure."""
    for name in names:
        try:
            if action == "fetch":
                with _bar(name) as progress:
                    weights.fetch(name, progress)
            elif action == "verify":
                weights.verify(name)
        except AdapterError as error:
            yield error.detail


@contextmanager
def _bar(name: str) -> Iterator[Progress]:
    """A progress bar on stderr: what is being brought, in the end whose it was."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    text = TextColumn("{task.description}")
    bar = BarColumn(BAR_COLUMNS)
    with Bars(text, bar, DownloadColumn(), TransferSpeedColumn(), console=Console(stderr=True)) as bars:

        def progress(done_bytes: int, total_bytes: int, label: str) -> None:
            if not bars.task_ids:  # no bar where nothing has to be brought
                bars.add_task(label)
            bars.update(bars.task_ids[0], completed=done_bytes, total=total_bytes, description=label)

        yield progress
        for task in bars.task_ids:
            bars.update(task, description=name)


def _state(weights: Weights, name: str) -> str:
    """ready, or the kind of fault: missing or corrupt."""
    try:
        weights.locate(name)
    except AdapterError as error:
        return error.kind
    return "ready"


def _row(weights: Weights, name: str) -> Row:
    entry = weights.entry(name)
    return {
        "name": name,
        "role": entry.role if entry else None,
        "licence": entry.licence if entry else None,
        "size_bytes": entry.size_bytes if entry else None,
        "state": _state(weights, name),
        "path": str(weights.place(name)),
    }


def _next(rows: Iterable[Row]) -> list[str]:
    """What to run so that everything listed is ready."""
    return [f"duckbill models fetch {row['name']}" for row in rows if row["state"] != "ready"]


def _print_table(rows: Iterable[Row]) -> None:
    """Plain columns: a path is never folded, so that it can be copied and searched for."""
    from rich.filesize import decimal

    table = [("NAME", "ROLE", "LICENCE", "SIZE", "STATE", "WHERE")]
    for row in rows:
        size = "" if row["size_bytes"] is None else decimal(row["size_bytes"])
        cells = (row["name"], row["role"] or "", row["licence"] or "", size, row["state"], row["path"])
        table.append(cells)
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
