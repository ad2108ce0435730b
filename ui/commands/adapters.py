"""duckbill adapters: every adapter of every role, what it can do, and what it costs here once it is warm.

One whose package or weights are missing is listed with the cure; that is no error."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import inspect
import json
from collections.abc import Iterator
from typing import Any

from ui.options import add_config_options, config_from

ROLES = ("tts", "stt", "ears", "llm")


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
        for row in rows:
            print("\n".join(_lines(row)))
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


def _lines(row: Row) -> Iterator[str]:
    from ui.costs import cost_line

    mark = {"ready": "+", "described": " ", "unavailable": "-", "broken": "!"}[row.state]
    cost = cost_line(row.capability) if row.capability and row.capability.cost else row.state
    yield f"{mark} {row.role:4} {row.name:10} {row.cure or cost}"
    if row.capability is not None:
        yield f"  {'':15} {', '.join(_abilities(row.capability))}"


def _abilities(capability: Any) -> Iterator[str]:
    """Everything that it says of itself and that is not the contract's default."""
    for one in dataclasses.fields(capability):
        value = getattr(capability, one.name)
        default = one.default_factory() if one.default_factory is not dataclasses.MISSING else one.default
        if one.name in ("name", "role", "cost", "natural") or value == default:
            continue
        if value is True:
            yield one.name.replace("_", " ")
        else:
            words = " ".join(map(str, value)) if isinstance(value, tuple) else value
            yield f"{one.name.replace('_', ' ')} {words}"
