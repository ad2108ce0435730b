"""The panel's gaps: each bar's parts add up to its gap, and what became of a guess is marked where it was ruled on."""

from __future__ import annotations

import pytest

from timeline.measures import STAGES, Turn
from ui.gaps import GUESS_MARKS, draw_gaps

pyplot = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture
def axis():
    figure, drawn = pyplot.subplots()
    drawn.set_xlim(0, 60)
    yield drawn
    pyplot.close(figure)


def turn(*stages_ms: float) -> Turn:
    return Turn(1, gap_ms=sum(stages_ms), stages=dict(zip(STAGES, stages_ms, strict=True)))


def test_the_parts_of_a_bar_add_up_to_the_gap(axis):
    answered = [(10.0, turn(400, 20, 0, 0, 30, 10, 50)), (30.0, turn(600, 0, 0, 0, 0, 0, 40))]
    draw_gaps(axis, answered, [], {})
    assert len(axis.containers) == len(STAGES)
    tops = [max(part[number].get_y() + part[number].get_height() for part in axis.containers) for number in (0, 1)]
    assert tops == [gap.gap_ms for _, gap in answered]
    assert axis.containers[0][0].get_center()[0] == pytest.approx(10.0)


def test_guesses_are_marked_by_what_became_of_them(axis):
    draw_gaps(axis, [(10.0, turn(*[1.0] * len(STAGES)))], [(5.0, "begun"), (6.0, "dropped"), (9.0, "kept")], {})
    marked = {line.get_marker(): list(line.get_xdata()) for line in axis.lines}
    assert marked == {GUESS_MARKS["kept"][0]: [9.0], GUESS_MARKS["dropped"][0]: [6.0]}
