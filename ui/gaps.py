"""The panel's row of gaps: what each is made of, and the answers that were begun before the turn was over.

A bar stands where an answer became audible; its parts are the stages of timeline.measures, stacked in their order. A
guess is an answer to words that may not be all: a dot where it was kept, a cross where the user went on and it died.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from timeline.measures import STAGES, Turn

BAR_SHARE = 0.012  # of the panel's width: as wide as a word of its legend
STAGE_COLOURS = ("#74b9ff", "#a29bfe", "#ffeaa7", "#fdcb6e", "#e17055", "#d63031", "#55c595")
GUESS_MARKS = {"kept": ("o", "#00b894"), "dropped": ("x", "#d63031")}


def draw_gaps(
    axis: Any, answered: Sequence[tuple[float, Turn]], guesses: Sequence[tuple[float, str]], legend: dict[str, Any]
) -> None:
    """`answered`: when each answer became audible, in seconds; `guesses`: when each was ruled on, and how."""
    start, end = axis.get_xlim()
    width = BAR_SHARE * (end - start)
    feet = [0.0] * len(answered)
    for name, colour in zip(STAGES, STAGE_COLOURS, strict=True):
        heights = [turn.stages[name] for _, turn in answered]
        axis.bar([at for at, _ in answered], heights, width, bottom=feet, color=colour, label=name)
        feet = [foot + height for foot, height in zip(feet, heights, strict=True)]
    for ruling, (mark, colour) in GUESS_MARKS.items():
        times = [at for at, ruled in guesses if ruled == ruling]
        if times:
            axis.plot(times, [0] * len(times), mark, color=colour, markersize=5, clip_on=False, label=f"guess {ruling}")
    axis.set_ylabel("gap, ms")
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    axis.legend(ncols=len(STAGES) + len(GUESS_MARKS), **legend)
