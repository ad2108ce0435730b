"""duckbill voices: list personas, and what each engine that is present makes of them: honoured, approximated, ignored.

Without PERSONA all that come with the program, in short; with one every field of it. Exit status 2 where it is none.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any

from ui.options import add_config_options, config_from

HOWS = ("honoured", "approximated", "ignored")


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("voices", help="list personas and what becomes of them", description=__doc__)
    parser.add_argument("persona", nargs="?", metavar="PERSONA", help="a name, or a JSON file")
    parser.add_argument("--schema", action="store_true", help="print the JSON schema of a persona file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_config_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from adapters import personas
    from adapters.voice import json_schema
    from orchestrator.config import ConfigError
    from ui.compose import context_of

    if args.schema:
        print(json.dumps(json_schema(), indent=2))
        return 0
    try:
        voices = {name: personas.load(name) for name in ([args.persona] if args.persona else personas.names())}
    except personas.PersonaError as error:
        raise ConfigError(f"persona {args.persona!r}: {error}") from error
    config = config_from(args)
    reports, warnings = project(voices, config, context_of(config))
    if args.json:
        result = [{"persona": name, "voice": _plain(voice), "engines": reports[name]} for name, voice in voices.items()]
        print(json.dumps({"result": result, "warnings": warnings}))
        return 0
    lines = _every_field(reports[args.persona]) if args.persona else _in_short(voices, reports)
    _print_columns(lines)
    for line in warnings:
        print(f"duckbill: {line}", file=sys.stderr)
    return 0


def project(voices: dict[str, Any], config: Any, context: Any) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Persona -> engine -> what came of each field; and a line for each engine that cannot say."""
    from adapters import registry
    from adapters.base import AdapterError

    reports: dict[str, dict[str, Any]] = {name: {} for name in voices}
    warnings = []
    for engine in registry.names("tts"):
        try:
            with closing(registry.create("tts", engine, config.tts.options.get(engine, {}), context)) as tts:
                for name, voice in voices.items():
                    reports[name][engine] = [dataclasses.asdict(came) for came in tts.project(voice).report]
        except AdapterError as error:
            warnings.append(f"{engine}: {error.detail}")
    return reports, warnings


def _plain(voice: Any) -> dict[str, Any]:
    fields: dict[str, Any] = dataclasses.asdict(voice)
    return fields


def _in_short(voices: dict[str, Any], reports: dict[str, dict[str, Any]]) -> Iterable[Sequence[str]]:
    """How many fields each engine honours, approximates, ignores."""
    engines = sorted({engine for report in reports.values() for engine in report})
    yield ("PERSONA", "WHO", "PACE", *(engine.upper() for engine in engines))
    for name, voice in voices.items():
        who = " ".join(part for part in (voice.timbre.age, voice.timbre.gender, voice.accent) if part)
        counts = []
        for engine in engines:
            hows = [came["how"] for came in reports[name].get(engine, [])]
            counts.append(" + ".join(str(hows.count(how)) for how in HOWS) if hows else "-")
        yield (name, who, f"{voice.pace:g}", *counts)
    yield (f"({' + '.join(HOWS)})",)


def _every_field(report: dict[str, Any]) -> Iterable[Sequence[str]]:
    yield ("FIELD", "ENGINE", "WHAT BECOMES OF IT")
    fields = dict.fromkeys(came["field"] for cames in report.values() for came in cames)
    for field in fields:
        for engine, cames in report.items():
            for came in (one for one in cames if one["field"] == field):
                yield (field, engine, came["how"] + (f": {came['detail']}" if came["detail"] else ""))


def _print_columns(lines: Iterable[Sequence[str]]) -> None:
    table = list(lines)
    widths = [max(len(line[k]) for line in table if k + 1 < len(line)) for k in range(max(map(len, table)) - 1)]
    for line in table:
        cells = [cell.ljust(width) for cell, width in zip(line, [*widths, 0], strict=False)]
        print("  ".join(cells).rstrip())
