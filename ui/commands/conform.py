"""duckbill conform NAME: hold a text-to-speech adapter to the contract, check by check. Exit 1 where one fails.

NAME is a registered adapter, or package.module:Class, looked for in this folder too. It works offline."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ui.options import add_config_options, config_from


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("conform", help="hold an adapter to the contract", description=__doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", help="a text-to-speech adapter, or package.module:Class")
    parser.add_argument(
        "--option", action="append", default=[], metavar="K=V", help="an option of the adapter, before the file's"
    )
    parser.add_argument("--list", action="store_true", help="name the checks and what they promise")
    parser.add_argument("--json", action="store_true", help="print one JSON line a check")
    add_config_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from adapters.conformance.subject import Recipe
    from adapters.conformance.suite import CHECKS, conform
    from orchestrator.config import ConfigError
    from ui.compose import context_of
    from ui.conform_view import View

    if args.list:
        for check in CHECKS:
            print(f"{check.name:30} {check.promise}")
        return 0
    if args.name is None:
        raise ConfigError("conform needs the NAME of an adapter, or package.module:Class; duckbill adapters lists them")
    if ":" in args.name:
        sys.path.insert(0, str(Path.cwd()))  # what is being written need not be installed
    config = config_from(args)
    options = {**config.tts.options.get(args.name, {}), **options_of(args.option)}
    context = partial(context_of, config)
    with View(len(CHECKS), args.json) as view:
        for finding in conform(Recipe(args.name, options, context), context().clock):
            view.finding(finding)
            if args.json:
                print(json.dumps({"adapter": args.name, **dataclasses.asdict(finding)}), flush=True)
    if not args.json:
        view.table(args.name)
    return 1 if view.failed else 0


def options_of(words: list[str]) -> Mapping[str, Any]:
    """K=V as TOML has it; what is no TOML is a word. Raises ConfigError."""
    import tomllib

    from orchestrator.config import ConfigError

    options = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--option {word!r} is not K=V")
        try:
            options[key.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            options[key.strip()] = value
    return options
