"""duckbill replay: run a recorded session again. With --verify the audio is rendered again too; exit 0 only where
decisions and audio are identical."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ui.options import add_config_options, config_from


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("replay", help="run a recorded session again and compare", description=__doc__)
    parser.add_argument("run_name", metavar="RUN", help="a run's folder, its name below the artifacts, or: last")
    parser.add_argument("--verify", action="store_true", help="decide and render again, and compare")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_config_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from orchestrator.config import ConfigError
    from ui.runs import find_run

    config = config_from(args)
    folder = find_run(args.run_name, config.artifacts)
    try:
        return _verify(args, config, folder) if args.verify else _show(args, folder)
    except BrokenPipeError:  # whoever read our output has left
        raise
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"RUN {folder} cannot be replayed: {error}") from error


def _verify(args: argparse.Namespace, config: Any, folder: Path) -> int:
    from adapters import registry
    from scenes.replay import replay
    from timeline.clock import VirtualClock
    from ui.compose import context_of

    context = dataclasses.replace(context_of(config), clock=VirtualClock())  # nobody listens: no waiting either

    with ExitStack() as closing:

        def make_tts(name: str, options: Any) -> Any:
            tts = registry.create("tts", name, options, context)
            closing.callback(tts.close)
            tts.warm_up()
            return tts

        verdict = replay(folder, make_tts)
    if not verdict.events:
        raise ValueError("it ended before anything happened, and there is nothing to compare")
    if args.json:
        print(
            json.dumps({"result": {**dataclasses.asdict(verdict), "identical": verdict.identical, "run": str(folder)}})
        )
    else:
        print(f"run        {folder}")
        same = verdict.decisions_recorded == verdict.decisions_replayed
        print(f"decisions  {verdict.events} events, {verdict.actions} actions: {'identical' if same else 'DIFFERENT'}")
        print(f"  recorded {verdict.decisions_recorded}\n  replayed {verdict.decisions_replayed}")
        same = verdict.audio_recorded == verdict.audio_replayed
        print(f"audio      {verdict.chunks} chunks, {verdict.samples} samples: {'identical' if same else 'DIFFERENT'}")
        print(f"  recorded {verdict.audio_recorded}\n  replayed {verdict.audio_replayed}")
    for line in verdict.differences:
        print(f"duckbill: {line}", file=sys.stderr)
    if not verdict.whole:
        print("duckbill: the journal has no end: compared up to its last whole line", file=sys.stderr)
    return 0 if verdict.identical else 1


def _show(args: argparse.Namespace, folder: Path) -> int:
    """The turns, without running anything."""
    from timeline.journal import JOURNAL, read_journal
    from timeline.measures import turns
    from ui.terminal import turn_line

    records = read_journal(folder / JOURNAL)
    rate_hz = next(records)["manifest"]["settings"]["rate_hz"]
    for turn in turns(records, rate_hz):
        print(json.dumps(dataclasses.asdict(turn)) if args.json else turn_line(turn))
    return 0
