"""duckbill say: speak a text, to the speaker in real time or to a file as fast as it can be rendered."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import sys
from typing import Any

from ui.options import add_config_options, add_voice_options, config_from
from ui.terminal import counted

TEXT_CHARS_MOST = 1_000_000  # about 18 hours of speech; more is a mistake
SWAP_MOST_S = 86_400  # likewise


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("say", help="speak a text", description=__doc__)
    parser.add_argument("text", metavar="TEXT", help="what to say; - reads it from standard input")
    parser.add_argument(
        "--out", metavar="FILE.wav", help="write a file instead of playing; one that is there is kept as FILE.1.wav"
    )
    parser.add_argument("--real-time", action="store_true", help="with --out: take as long as speaking takes")
    parser.add_argument("--speaker", metavar="DEVICE", help="device name or number, or FILE.wav")
    parser.add_argument(
        "--swap",
        action="append",
        default=[],
        metavar="NAME@SECONDS",
        help="another engine goes on from there, at the next word, as kokoro@2.5s; takes as long as speaking takes",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_voice_options(parser)
    add_config_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from adapters.base import AdapterError
    from orchestrator.phrase import clean, speakable
    from orchestrator.session import Session
    from orchestrator.shell import Parts
    from timeline.events import InputEnded, SpeakRequested
    from ui.compose import context_of, make_cast, make_speaker

    text = sys.stdin.read(TEXT_CHARS_MOST + 1) if args.text == "-" else args.text
    text = text.encode("utf-8", "replace").decode()  # half characters can be neither said nor written down
    if not speakable(clean(text)):
        print("duckbill: there is nothing to say: TEXT holds no letter and no digit", file=sys.stderr)
        return 2
    if len(text) > TEXT_CHARS_MOST:
        print(f"duckbill: TEXT is longer than {TEXT_CHARS_MOST} characters; split it", file=sys.stderr)
        return 2
    if args.out and not args.out.lower().endswith(".wav"):
        print(f"duckbill: --out {args.out}: name a file that ends in .wav", file=sys.stderr)
        return 2
    swaps = [_swap(text) for text in args.swap]
    config = config_from(args)
    context = context_of(config)
    spec = args.out or config.audio.speaker
    paced = args.real_time or not args.out or bool(swaps)  # what is played can be changed, what is written cannot
    try:
        speaker = make_speaker(spec, config, context, paced)
    except AdapterError as error:
        hint = "" if args.out else "; or write a file with --out FILE.wav"
        raise AdapterError(error.kind, error.detail + hint) from error
    with contextlib.ExitStack() as closing:
        cast = make_cast(config, context, closing, [swap.engine for swap in swaps])
        voices = Voices(cast.tts.describe().name)
        session = Session(
            cast.config, Parts(context.clock, cast.tts, speaker, others=cast.others), "say", [voices.watch]
        )
        outcome = asyncio.run(session.hold([SpeakRequested(text), *swaps, InputEnded()]))
    outcome.warnings[:0] = cast.notices
    outcome.warnings += voices.missed(swaps)
    _print(args, session, outcome, voices.spoke)
    return 0 if outcome.reason == "finished" and outcome.samples else 130 if outcome.reason == "stopped" else 1


class Voices:
    """A watcher: who spoke, in order."""

    def __init__(self, first: str) -> None:
        self.spoke = [first]
        self._asked = 0

    def watch(self, t_ns: int, what: str, fact: Any) -> None:
        if type(fact).__name__ == "ShowSwap":
            self.spoke.append(fact.engine)
            self._asked += fact.reason == "asked"

    def missed(self, swaps: list[Any]) -> list[str]:
        """What to say where not every change that was asked for came."""
        if self._asked >= len(swaps):
            return []
        return [f"--swap: {self._asked} of {len(swaps)} changes came; the text was over before, or it spoke already"]


def _swap(text: str) -> Any:
    """NAME@SECONDS, with or without an s. Raises ConfigError."""
    from orchestrator.config import ConfigError
    from timeline.events import SwapRequested

    engine, _, at = text.partition("@")
    try:
        after_s = float(at.removesuffix("s"))
    except ValueError:
        after_s = -1.0
    if not engine or not 0 <= after_s <= SWAP_MOST_S:
        raise ConfigError(f"--swap {text}: write NAME@SECONDS, as in espeak@2.5s")
    return SwapRequested(engine, round(after_s * 1000))


def _print(args: argparse.Namespace, session: Any, outcome: Any, spoke: list[str]) -> None:
    for line in outcome.warnings:
        print(f"duckbill: {line}", file=sys.stderr)
    seconds = outcome.samples / outcome.rate_hz
    turns = [dataclasses.asdict(turn) for turn in outcome.turns]
    run_folder = str(outcome.folder) if outcome.folder else None
    if args.json:
        engine = session.settings.tts.name
        result = {
            "adapter": engine, "spoke": spoke, "voice": session.settings.voice.timbre.names.get(engine, ""),
            "seed": session.settings.seed, "rate_hz": outcome.rate_hz, "samples": outcome.samples,
            "seconds": round(seconds, 3), "underruns": outcome.meter.underruns, "digest": outcome.digest,
            "reply_heard": " ".join(turn["reply_heard"] for turn in turns), "run": run_folder,
        }  # fmt: skip
        artifacts = [path for path in (args.out, run_folder) if path]
        print(json.dumps({"result": result, "artifacts": artifacts, "warnings": outcome.warnings}))
    else:
        where = args.out or "the speaker"
        print(f"{seconds:.1f} s by {', '.join(spoke)} to {where}, {counted(outcome.meter.underruns, 'underrun')}; "
              f"run {run_folder or 'not kept'}", file=sys.stderr)  # fmt: skip
