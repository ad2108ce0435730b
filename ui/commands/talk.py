"""duckbill talk: hold a conversation. A line typed counts like one spoken, and interrupts like one. Ctrl-C ends it.

Where there is no sound device a demonstration is played instead, in real time, with a simulated user."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import statistics
import sys
import threading
from typing import Any

from ui.options import add_config_options, add_voice_options, config_from
from ui.terminal import LiveView, counted

VOICE = "/voice"  # and the name of an engine


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("talk", help="hold a conversation", description=__doc__)
    parser.add_argument(
        "--mic", metavar="DEVICE|FILE.wav", help="microphone: name, number, or a file heard in real time"
    )
    parser.add_argument("--speaker", metavar="DEVICE|FILE.wav", help="speaker: name, number, or a file")
    parser.add_argument(
        "--llm", metavar="NAME|URL", help="reply source: embedded, script, echo, or an endpoint's address"
    )
    parser.add_argument(
        "--task",
        metavar="NAME|URL",
        help="a second source: works on what is addressed to it ([task] address), reports aloud when nobody speaks",
    )
    parser.add_argument(
        "--half-duplex", action="store_true", help="do not listen while speaking (loudspeakers that echo)"
    )
    parser.add_argument("--demo", action="store_true", help="play the demonstration even where there are devices")
    parser.add_argument("--json", action="store_true", help="print one JSON line a turn")
    add_voice_options(parser)
    add_config_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    more: dict[str, Any] = {"listen__barge_in": False} if args.half_duplex else {}
    for section, source in (("llm", args.llm), ("task", args.task)):
        if source and "://" in source:
            more |= {f"{section}__adapter": "openai", f"{section}__openai__url": source}
        else:
            more[f"{section}__adapter"] = source
    with contextlib.ExitStack() as closing:
        return asyncio.run(_talk(args, config_from(args, **more), closing))


async def _talk(args: argparse.Namespace, config: Any, closing: contextlib.ExitStack) -> int:
    from rich.console import Console

    from orchestrator.session import Session
    from ui.compose import context_of
    from ui.troupe import assemble

    console = Console(stderr=args.json)
    context = context_of(config)
    with console.status("loading voice, ears and replies") as status:
        troupe = await assemble(config, context, closing, args.demo, status.update)
    for line in troupe.notices:
        console.print(f"  note  {line}", style="yellow", highlight=False, markup=False)
    view = LiveView(console)
    user = troupe.user
    watchers = [view.watch] + ([user.watch] if user else [])
    session = Session(troupe.config, troupe.parts, "demo" if user else "talk", watchers)
    troupe.on_session(session.shell)
    if session.recording.problem:
        console.print(f"  note  {session.recording.problem}", style="yellow", highlight=False, markup=False)
    session.on_turn = lambda turn: _show(args, view, session, turn)
    if not user:
        console.print("  talk to me, or type a line; Ctrl-C ends", style="dim")
        if troupe.parts.others:
            names = ", ".join(troupe.parts.voices)
            console.print(f"  voice {VOICE} NAME: {names}", style="dim", highlight=False, markup=False)
        if troupe.parts.tasks:
            name = config.task.address
            how = f'begin with "{name}"' if name else "whatever you say goes there too"
            console.print(f"  task  {how}", style="dim", highlight=False, markup=False)
        _read_lines(session.shell.post_from_thread)
    try:
        outcome = await session.hold([])
    finally:
        for source in (troupe.parts.replies, *troupe.parts.tasks.values()):
            if source is not None:
                await source.close()
    return _close(view, console, troupe, outcome)


def _show(args: argparse.Namespace, view: Any, session: Any, turn: Any) -> None:
    if args.json:
        fields = dataclasses.asdict(turn)
        fields["run"] = str(session.recording.folder) if session.recording.folder else None
        print(json.dumps(fields), flush=True)
    view.turn(turn)


def _read_lines(post: Any) -> None:
    """Lines from standard input become events; a daemon thread, for reading a terminal cannot be interrupted."""

    def read() -> None:
        try:
            # A reader of our own: the interpreter cannot end while a thread holds that of sys.stdin.
            with open(0, encoding="utf-8", errors="replace", closefd=False) as lines:
                for line in lines:
                    if line.strip():
                        post(event_of(line.strip()))
        except OSError:  # closed: then nobody types
            return

    threading.Thread(target=read, name="typed lines", daemon=True).start()


def event_of(line: str) -> Any:
    """What a typed line is: a wish for another voice from the next word on, or something said."""
    from timeline.events import SwapRequested, UserTyped

    command, _, name = line.partition(" ")
    return SwapRequested(name.strip(), 0) if command == VOICE else UserTyped(line)


def _close(view: LiveView, console: Any, troupe: Any, outcome: Any) -> int:
    gaps = [turn.gap_ms for turn in outcome.turns if turn.gap_ms is not None]
    stops = [turn.stop_ms for turn in outcome.turns if turn.stop_ms is not None]
    parts = [counted(len(outcome.turns), "turn")]
    if gaps:
        known = troupe.user.true_gaps_ms if troupe.user else []
        by_sample = f" ({statistics.median(known):.0f} by the user's last sample)" if known else ""
        parts.append(f"gap median {statistics.median(gaps):.0f} ms{by_sample}")
    if stops:
        parts.append(f"stop median {statistics.median(stops):.0f} ms")
    parts.append(counted(outcome.meter.underruns, "underrun"))
    console.print("  " + ", ".join(parts), style="bold", highlight=False)
    if outcome.folder is not None:
        from ui.plot import draw_panel

        problem = draw_panel(outcome.folder)
        if problem:
            console.print(f"  note  {problem}", style="yellow", highlight=False, markup=False)
        console.print(f"  run   {outcome.folder}", highlight=False)
    for line in (line for line in outcome.warnings if line not in view.noticed):
        print(f"duckbill: {line}", file=sys.stderr)
    return 0 if outcome.reason in ("finished", "stopped") else 1
