"""duckbill doctor: what is installed, what is missing, what it costs here, and the cure. Exit 1 where talking is not
possible."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from ui.costs import cost_line
from ui.options import add_config_options, config_from


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """`state`: ok, missing (something needed), optional (something one may do without)."""

    what: str
    state: str
    detail: str
    cure: str = ""


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("doctor", help="what is installed, missing, and the cure", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="do not load engines to measure their cost")
    add_config_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ui.compose import context_of

    config = config_from(args)
    context = context_of(config)
    findings = []
    for finding in examine(config, context, measure=not args.quick):
        findings.append(finding)
        if not args.json:
            _print(finding)
    broken = [finding for finding in findings if finding.state == "missing"]
    if args.json:
        result = [dataclasses.asdict(finding) for finding in findings]
        print(json.dumps({"result": result, "next": [finding.cure for finding in broken if finding.cure]}))
    elif not broken:
        print("ready: duckbill talk")
    return 1 if broken else 0


def examine(config: Any, context: Any, measure: bool) -> Iterator[Finding]:
    """Look at everything that a conversation needs, then at what it can do without."""
    yield _python()
    for role in ("tts", "stt", "ears"):
        yield _adapter(config, context, role, getattr(config, role).adapter, measure)
    yield _echo(config, context)
    for name in config.tts.fallback:
        yield dataclasses.replace(_adapter(config, context, "tts", name, measure), what=f"tts {name} (fallback)")
    yield from _turn_ends(config, context)
    yield from _replies(config, context)
    yield _devices()
    yield _folder("artifacts", Path(config.artifacts).expanduser() if config.artifacts else None)
    yield _folder("cache", context.cache)
    if "espeak" not in (config.tts.adapter, *config.tts.fallback):
        yield dataclasses.replace(
            _adapter(config, context, "tts", "espeak", measure), what="tts espeak (demonstration)"
        )
    yield _module("plot", "matplotlib", "panels of runs")


def _python() -> Finding:
    import os
    import platform

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding("python", "ok", f"{platform.python_version()} on {platform.system()}, {cores} cores")


def _checked(what: str, look: Callable[[], str], state: str = "missing") -> Finding:
    """Run a look that may find a fault; its line names the cure."""
    from adapters.base import AdapterError

    try:
        return Finding(what, "ok", look())
    except AdapterError as error:
        return _fault(what, error, state)


def _fault(what: str, error: Any, state: str) -> Finding:
    """An AdapterError's line, its cure apart."""
    detail, _, cure = error.detail.partition(": ")
    return Finding(what, state, detail, cure)


def _adapter(config: Any, context: Any, role: str, name: str, measure: bool) -> Finding:
    from ui.compose import make

    def look() -> str:
        adapter = make(config, context, role, name)
        if role == "ears":
            return "loaded"
        with closing(adapter):
            if measure:
                adapter.warm_up()
            return cost_line(adapter.describe())

    return _checked(f"{role} {name}", look)


def _turn_ends(config: Any, context: Any) -> Iterator[Finding]:
    """The model that tells the end of a turn: without it plain silence does."""
    from contextlib import ExitStack

    from adapters.base import AdapterError
    from ui.compose import NO_MODEL, make_end_of_turn

    def look() -> str:
        with ExitStack() as closing:
            model, why_not = make_end_of_turn(config, context, closing)
            if model is None:
                raise AdapterError("missing", why_not)
            return cost_line(model.describe())

    if config.ears.turn != NO_MODEL:
        yield _checked(f"ears {config.ears.turn}", look, state="optional")


def _echo(config: Any, context: Any) -> Finding:
    """Which layer keeps our own voice out, and why. A client that cancels for itself is another matter each time."""
    from adapters.base import AdapterError
    from ui.echo_choice import both_devices, choose_echo

    try:
        choice = choose_echo(config, context, both_devices(config))
    except AdapterError as error:
        return _fault(f"echo {config.echo.adapter}", error, "missing")
    if choice.lacking is None:
        return Finding(f"echo {choice.layer}", "ok", choice.why)
    fault = _fault(f"echo {choice.layer}", choice.lacking, "optional")
    return dataclasses.replace(fault, detail=f"{choice.why}: {fault.detail}")


def _replies(config: Any, context: Any) -> Iterator[Finding]:
    import asyncio

    from adapters.llm.discover import find_endpoint

    if config.llm.adapter not in ("auto", "embedded"):
        yield Finding(f"llm {config.llm.adapter}", "ok", "named in the configuration; not asked")
        return
    url = asyncio.run(find_endpoint()) if config.llm.adapter == "auto" else None
    if url:
        yield Finding("llm endpoint", "ok", f"{url} answers")
        return

    def look() -> str:
        from adapters.base import AdapterError

        try:
            import xllamacpp  # noqa: F401
        except ImportError as error:
            raise AdapterError("missing", "no llama.cpp in Python: pip install 'duckbill[embedded]'") from error
        return f"no endpoint found; embedded model at {context.weights.locate('gemma-3-270m')}"

    yield _checked("llm embedded", look)


def _devices() -> Finding:
    def look() -> str:
        from adapters.audio.devices import list_devices

        devices = list_devices()
        ends = {"microphone": any(d.inputs for d in devices), "speaker": any(d.outputs for d in devices)}
        lacking = [end for end, there in ends.items() if not there]
        if lacking:
            from adapters.base import AdapterError

            line = f"no {' and no '.join(lacking)}: connect one, or give files with --mic and --speaker"
            raise AdapterError("missing", line)
        return f"{len(devices)} found; duckbill devices lists them"

    return _checked("sound devices", look, state="optional")


def _folder(name: str, folder: Path | None) -> Finding:
    import os

    if folder is None:
        return Finding(name, "optional", "runs are not kept", "set artifacts to a folder")
    there = folder
    while not there.exists():
        there = there.parent
    if os.access(there, os.W_OK):
        return Finding(name, "ok", str(folder))
    return Finding(name, "missing", f"{folder} cannot be written", f"set {name} to another folder")


def _module(extra: str, module: str, purpose: str) -> Finding:
    import importlib.util

    if importlib.util.find_spec(module) is not None:
        return Finding(extra, "ok", purpose)
    return Finding(extra, "optional", f"{module} is missing: no {purpose}", f"pip install 'duckbill[{extra}]'")


def _print(finding: Finding) -> None:
    mark = {"ok": "+", "missing": "-", "optional": "~"}[finding.state]
    print(f"{mark} {finding.what:28} {finding.detail}")
    if finding.cure:
        print(f"  {'':28} cure: {finding.cure}")
