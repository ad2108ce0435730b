"""duckbill scenes: play scripted situations on a virtual clock, from seeds, and judge them. Exit 1 where a probe fails.

Kept are the first runs of each scene and all that fail, in artifacts/scenes/SCENE-ADAPTER-SEED."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ui.options import add_config_options, config_from

KEEP_SEEDS = 3  # of each scene and adapter, where all pass: a run takes up to 20 MB and half a second to draw
REPLAYED_MOST = 1000  # runs of each scene and adapter that are replayed as well: half of what a run costs
FAILED_SHOWN_MOST = 20  # lines about what failed; the rest is in the table's counts and with --json


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("scenes", help="play scripted situations and judge them", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenes; none: all of them")
    parser.add_argument("--adapters", metavar="A,B", help="text-to-speech engines (default: all that are present)")
    parser.add_argument("--seeds", type=_count(1), metavar="N", help="how many seeds (default: the scene's own)")
    parser.add_argument("--seed", type=_count(0), metavar="N", help="the first seed; without --seeds the only one")
    parser.add_argument(
        "--keep", type=_count(0), metavar="N", default=KEEP_SEEDS, help="runs to keep of each scene that passes"
    )
    parser.add_argument("--jobs", type=_count(0), metavar="N", default=0, help="processes (default: one a core)")
    parser.add_argument("--list", action="store_true", help="name the scenes and what they are about")
    parser.add_argument("--json", action="store_true", help="print one JSON line a scene")
    add_config_options(parser)
    parser.set_defaults(run=run)


def _count(least: int) -> Callable[[str], int]:
    def count(word: str) -> int:
        if not word.isdecimal() or int(word) < least:
            raise argparse.ArgumentTypeError(f"{word!r} is no whole number from {least} on")
        return int(word)

    return count


def run(args: argparse.Namespace) -> int:
    from scenes.runner import as_json, play_all
    from ui.compose import context_of
    from ui.plot import draw_panel
    from ui.scenes_view import View

    chosen = choose(args.names)
    if args.list:
        for scene in chosen:
            print(f"{scene.name:24} {scene.about}{f' (pending: {scene.pending})' if scene.pending else ''}")
        return 0
    config = config_from(args)
    adapters = present(args.adapters, context_of(config))
    jobs = list(plan(args, chosen, adapters, Path(config.artifacts or "artifacts").expanduser() / "scenes"))
    with View(len(jobs), args.json) as view:
        for scene in chosen:
            if scene.pending:
                view.pending(scene)
        for result in play_all(jobs, partial(context_of, config), draw_panel, args.jobs):
            view.result(result)
            if args.json:
                print(json.dumps(as_json(result)), flush=True)
    if not args.json:
        view.table()
    if view.not_kept:
        print(f"duckbill: {view.not_kept}", file=sys.stderr)
    for result in view.failed[:FAILED_SHOWN_MOST]:
        print(f"duckbill: failed: {result.repeat}", file=sys.stderr)
        for probe in result.probes:
            if not probe.passed:
                print(f"  {probe.name} is {probe.value:g}, {probe.bound} {probe.limit:g}", file=sys.stderr)
        for line in result.notes:
            print(f"  {line}", file=sys.stderr)
    return 1 if view.failed else 0


def choose(names: Sequence[str]) -> list[Any]:
    """The scenes of those names. Raises ConfigError with the nearest one."""
    import difflib

    from orchestrator.config import ConfigError
    from scenes.playbill import SCENES, scene

    known = [one.name for one in SCENES]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1) or known
            raise ConfigError(f"there is no scene {name!r}; did you mean {', '.join(near)}?")
    return [scene(name) for name in dict.fromkeys(names)] or list(SCENES)


def present(wanted: str | None, context: Any) -> list[str]:
    """The adapters to play with: those that were asked for, else all that can be loaded. Raises AdapterError, and
    ConfigError where none is named."""
    from adapters import registry
    from adapters.base import AdapterError
    from orchestrator.config import ConfigError
    from scenes.runner import missing

    named = registry.names("tts") if wanted is None else wanted.split(",")
    names = [name.strip() for name in named if name.strip()]
    if not names:
        raise ConfigError(f"--adapters {wanted!r} names none; leave it out to play with all that are present")
    found = []
    for name in dict.fromkeys(names):
        why = missing(name, context)
        if not why:
            found.append(name)
        elif wanted is not None:
            raise AdapterError("missing", f"--adapters {name}: {why}")
    return sorted(found, key=lambda name: name != "null")


def plan(args: argparse.Namespace, chosen: Sequence[Any], adapters: Sequence[str], folder: Path) -> Iterator[Any]:
    """What is played, in order."""
    from scenes.playbill import known_seeds
    from scenes.runner import Job
    from scenes.sound import TONES

    first = args.seed or 0
    for scene in chosen:
        for adapter in adapters:
            company = tuple(other for other in adapters if scene.company and TONES not in (adapter, other))
            company = tuple(other for other in company if other != adapter)
            if scene.pending or (scene.adapters and adapter not in scene.adapters):
                continue
            default = 1 if args.seed is not None or adapter != TONES else scene.seeds
            count = min(args.seeds or default, scene.seeds_most or sys.maxsize)
            seeds = dict.fromkeys([*range(first, first + count)])
            if args.seed is None:
                seeds |= dict.fromkeys(known_seeds(scene.name, adapter))
            for number, seed in enumerate(seeds):
                place = str(folder / f"{scene.name}-{adapter}-{seed}")
                yield Job(scene.name, adapter, seed, place, number < args.keep, number < REPLAYED_MOST, company)
