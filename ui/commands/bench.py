"""duckbill bench: measure. --json prints one object {bench, machine, passed, metrics, runs, artifacts}. Exit 1 where a
limit is missed."""

from __future__ import annotations

import argparse
import importlib
import json
from typing import Any

from ui.options import add_config_options, config_from

BENCHES = {
    "first-audio": "scenes.bench.first_audio",
    "stt": "scenes.bench.stt",
    "read": "scenes.bench.read",
    "gap": "scenes.bench.gap",
    "startup": "scenes.bench.startup",
    "echo": "scenes.bench.echo",
    "endpointing": "scenes.bench.endpointing",
    "interruptions": "scenes.bench.interruptions",
    "wake": "scenes.bench.wake",
    "scenes": "scenes.bench.scenes",
    "controller": "scenes.bench.controller",
}

MINUTES_MOST = 24 * 60  # more is a mistake


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("bench", help="measure, as ratios in one run", description=__doc__)
    parser.add_argument("name", choices=sorted(BENCHES), metavar="NAME", help=", ".join(sorted(BENCHES)))
    parser.add_argument("--minutes", type=float, help="of read and echo: how long is spoken (default: 5, 30)")
    parser.add_argument(
        "--engines",
        metavar="A,B",
        help="of read: who reads, and who takes over where it fails or is too slow (default: piper)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_config_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from rich.console import Console

    from orchestrator.config import ConfigError
    from ui.compose import context_of

    config = config_from(args)
    context = context_of(config)
    module = importlib.import_module(BENCHES[args.name])
    if args.minutes is not None and not 0 < args.minutes <= MINUTES_MOST:
        raise ConfigError(f"--minutes {args.minutes:g}: more than 0, and at most {MINUTES_MOST}")
    options: dict[str, Any] = {}
    if args.name == "read":
        options = {"config": _of_engines(config, args.engines)}
        options |= {"minutes": args.minutes} if args.minutes else {}
    with Console(stderr=True).status(f"measuring {args.name}") as status:
        if args.name == "echo":
            options = {"told": status.update, **({"minutes": args.minutes} if args.minutes else {})}
        report = module.run(context, **options)
    if args.json:
        print(json.dumps(report.as_json()))
    else:
        _print(report)
    return 0 if report.passed else 1


def _of_engines(config: Any, engines: str | None) -> Any:
    """The configuration with these engines, the first of them to read; Piper alone where none are named, so that
    figures can be compared."""
    first, *fallback = [name.strip() for name in (engines or "piper").split(",") if name.strip()] or ["piper"]
    tts = config.tts.model_copy(update={"adapter": first, "fallback": tuple(fallback), "voice": ""})
    return config.model_copy(update={"tts": tts})


def _print(report: Any) -> None:
    for table in report.tables:
        _print_table(table)
    print(f"{report.bench}: {'passed' if report.passed else 'MISSED'}   {report.runs} runs on {report.machine}")
    for folder in report.artifacts:
        print(f"  run {folder}")
    for metric in (metric for metric in report.metrics if metric.limit is not None or not report.tables):
        limit = "" if metric.limit is None else f"   {metric.bound} {metric.limit:g}"
        mark = {None: " ", True: "+", False: "-"}[metric.passed]
        print(f"  {mark} {metric.name:26} {metric.value:10.3f} {metric.unit:6}{limit}")


def _print_table(table: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    drawn = Table(title=table.title, title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for number, column in enumerate(table.columns):
        drawn.add_column(column, justify="right" if number else "left", no_wrap=True)
    for row in table.rows:
        drawn.add_row(*row)
    Console().print(drawn)
