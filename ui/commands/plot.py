"""duckbill plot: draw the panel of a run: lead, chunk sizes, turns, interruptions over time."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ui.options import add_config_options, config_from


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("plot", help="draw the panel of a run", description=__doc__)
    parser.add_argument("run_name", metavar="RUN", help="a run's folder, its name below the artifacts, or: last")
    add_config_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ui.plot import PANEL, draw_panel
    from ui.runs import find_run

    folder = find_run(args.run_name, config_from(args).artifacts)
    problem = draw_panel(folder)
    if problem:
        print(f"duckbill: {problem}", file=sys.stderr)
        return 1
    print(folder / PANEL)
    return 0
