"""duckbill adapters: every adapter of every role, what it can do, and what it costs here once it is warm.

One whose package or weights are missing is listed with the cure; that is no error."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import inspect
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ui.options import add_config_options, config_from

ROLES = ("tts", "stt", "ears", "echo", "llm")
_MARKS = {"ready": "+", "described": " ", "unavailable": "-", "broken": "!"}


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """`state`: ready (it was warmed up), described (it was not), unavailable, which `cure` is about, or broken."""

    role: str
    name: str
    state: str
    capability: Any = None
    cure: str = ""


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("adapters", help="list the adapters and what they can do", description=__doc__)
    parser.add_argument("--role", choices=ROLES, help="only those of one role")
    parser.add_argument("--no-warm-up", action="store_true", help="do not load them to measure what they cost")
    parser.add_argument("--json", action="store_true", help="print one JSON line an adapter")
    add_config_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from adapters import registry
    from ui.compose import context_of

    config = config_from(args)
    context = context_of(config)
    names = [(role, name) for role in ROLES if args.role in (None, role) for name in registry.names(role)]
    rows = []
    columns = (TextColumn("{task.description:16}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=args.no_warm_up) as progress:
        task = progress.add_task("", total=len(names))
        for role, name in names:
            progress.update(task, description=f"{role} {name}")
            rows.append(look(config, context, role, name, warm=not args.no_warm_up))
            progress.advance(task)
            if args.json:
                print(json.dumps(dataclasses.asdict(rows[-1])), flush=True)
    if not args.json:
        width = max((len(row.name) for row in rows), default=0)
        for row in rows:
            print("\n".join(_lines(row, width)))
        print(_summary(rows))
    return 0


def look(config: Any, context: Any, role: str, name: str, warm: bool) -> Row:
    """Make it, warm it up, ask what it can do. Whatever it raises is a row too."""
    from adapters import registry
    from adapters.base import AdapterError

    try:
        adapter = registry.create(role, name, getattr(config, role).options.get(name, {}), context)
        return Row(role, name, "ready" if warm else "described", asyncio.run(_described(adapter, warm)))
    except AdapterError as error:
        return Row(role, name, "unavailable", cure=error.detail)
    except ImportError as error:
        return Row(role, name, "unavailable", cure=f"it needs {error.name}: pip install 'duckbill[{name}]'")
    except Exception as error:  # an adapter of somebody else's must not hide the others
        return Row(role, name, "broken", cure=f"raises {type(error).__name__}: {error}; tell those who made it")


async def _described(adapter: Any, warm: bool) -> Any:
    """Its capability. Ears have nothing to warm up or to close; with reply sources both are awaited."""

    async def call(method: str) -> None:
        result = getattr(adapter, method, lambda: None)()
        if inspect.isawaitable(result):
            await result

    try:
        if warm:
            await call("warm_up")
        return adapter.describe()
    finally:
        await call("close")


def _lines(row: Row, width: int) -> Iterator[str]:
    from ui.costs import cost_line

    cost = cost_line(row.capability) if row.capability and row.capability.cost else row.state
    yield f"{_MARKS[row.state]} {row.role:4} {row.name:{width}} {row.cure or cost}"
    if row.capability is not None:
        yield f"  {'':4} {'':{width}} {'; '.join(_abilities(row.capability))}"


def _abilities(capability: Any) -> Iterator[str]:
    """What it says of itself, in words; --json has all of it."""
    if capability.rate_hz:
        yield f"{capability.rate_hz} Hz"
    if capability.unit_samples and capability.granularity:
        unit_ms = capability.unit_samples * 1000 / capability.rate_hz
        first, last = capability.granularity[0] * unit_ms, capability.granularity[-1] * unit_ms
        yield f"chunks of {first:.0f} to {last:.0f} ms" if last > first else f"windows of {first:.0f} ms"
    if capability.role in ("tts", "llm") and not capability.streaming:
        yield "speaks only when all is rendered" if capability.role == "tts" else "answers only when all is written"
    if capability.role == "tts":
        yield f"word times {capability.markers}"
    if capability.deterministic:
        yield "repeats to the bit"
    if capability.supports_seed:
        yield "sounds otherwise with another seed" if capability.role == "tts" else "takes a seed"
    if capability.voices:
        yield f"voices {', '.join(capability.voices)}"
    if capability.natural is not None:
        yield _natural(capability.natural)
    if capability.isolation == "process":
        yield "in a process of its own"
    if capability.egress:
        yield f"talks to {', '.join(capability.egress)}"


def _natural(natural: Any) -> str:
    pitch = f", {natural.pitch_hz:.0f} Hz" if natural.pitch_hz else ""
    return f"says {natural.chars_per_s:.0f} characters a second{pitch}, {natural.loudness_lufs:.0f} LUFS"


def _summary(rows: list[Row]) -> str:
    """What the marks and the figures mean."""
    count = Counter(row.state for row in rows)
    told = [f"{_MARKS[state]} {count[state]} {state}".strip() for state in _MARKS if count[state]]
    return f"{', '.join(told)}. Real-time factor: seconds of work for a second of speech; below 1 keeps up."
