"""The command line: `duckbill COMMAND`. Each command is a module of ui/commands, imported when it is named.

Exit status: 0 done, 1 it failed, 2 it was called wrongly, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import sys

COMMANDS = {
    "talk": "hold a conversation: microphone, replies, speaker",
    "say": "speak a text",
    "voices": "list personas, and what each engine makes of them",
    "replay": "run a recorded session again and compare",
    "plot": "draw the panel of a run",
    "devices": "list microphones and speakers",
    "models": "list, fetch and verify weights",
    "doctor": "what is installed, what is missing, what it costs, the cure",
    "adapters": "list the adapters, what they can do and what they cost",
    "conform": "hold a text-to-speech adapter to the contract",
    "scenes": "play scripted situations on a virtual clock, and judge them",
    "bench": "measure, as ratios in one run",
}


def main(argv: list[str] | None = None) -> int:
    """The entry point. Returns the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    parser = _parser(next((word for word in argv if word in COMMANDS), None))
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help()
        return 2
    from adapters.base import AdapterError
    from orchestrator.config import ConfigError

    try:
        return int(args.run(args))
    except ConfigError as error:
        print(f"duckbill: {error}", file=sys.stderr)
        return 2
    except AdapterError as error:
        print(f"duckbill: {error.detail}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("duckbill: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read our output has left
        sys.stderr.close()
        return 1


def _parser(named: str | None) -> argparse.ArgumentParser:
    """Only the named command's module is imported: help stays fast."""
    parser = argparse.ArgumentParser(
        prog="duckbill", description="Live duplex voice conversations on your own machine."
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command, line in COMMANDS.items():
        if command == named:
            importlib.import_module(f"ui.commands.{command}").register(subparsers)
        else:
            subparsers.add_parser(command, help=line)
    return parser


if __name__ == "__main__":
    sys.exit(main())
