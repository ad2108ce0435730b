"""Reports have one shape, limits have a direction, and pairs are run in turns."""

from __future__ import annotations

import json

import pytest

from scenes.bench.report import Report, at_least, at_most, machine, paired_ratio, paired_ratios, shown
from timeline.clock import VirtualClock


def test_a_limit_has_a_direction_and_includes_itself() -> None:
    assert [at_most("ratio", value, "", 0.5).passed for value in (0.4, 0.5, 0.6)] == [True, True, False]
    assert [at_least("level", value, "dB", 20).passed for value in (19, 20, 21)] == [False, True, True]


def test_what_has_no_limit_fails_nothing() -> None:
    metric = shown("heap", 12.0, "MB")
    assert (metric.limit, metric.passed) == (None, None)
    assert Report("stt", "here", (metric,), 1).passed


def test_one_failed_limit_fails_the_report() -> None:
    assert not Report("stt", "here", (at_most("a", 1, "", 2), at_most("b", 3, "", 2)), 1).passed


def test_the_json_form_is_exactly_this() -> None:
    report = Report("stt", "here", (at_most("ratio", 0.25, "", 0.5), shown("error", 2.0, "%")), 7, (), ("artifacts/a",))
    assert json.loads(json.dumps(report.as_json())) == {
        "bench": "stt",
        "machine": "here",
        "passed": True,
        "metrics": [
            {"name": "ratio", "value": 0.25, "unit": "", "limit": 0.5, "passed": True},
            {"name": "error", "value": 2.0, "unit": "%", "limit": None, "passed": None},
        ],
        "runs": 7,
        "artifacts": ["artifacts/a"],
    }


def test_the_machine_is_one_line() -> None:
    assert "Python 3." in machine()
    assert "\n" not in machine()


@pytest.mark.parametrize("pairs", [1, 4])
def test_pairs_are_run_in_turns_and_the_first_one_changes(pairs: int) -> None:
    clock, order = VirtualClock(), []

    def work(name: str, cost_ns: int) -> None:
        order.append(name)
        clock.sleep_until(clock.now_ns() + cost_ns)

    ratios = paired_ratios(lambda: work("a", 30), lambda: work("b", 60), pairs, clock)
    assert ratios == [0.5] * pairs
    assert "".join(order) == "ab" + ("abba" * pairs)[: 2 * pairs]


def test_one_disturbed_pair_does_not_move_the_ratio() -> None:
    clock, costs_ns = VirtualClock(), iter([1, 10, 10, 900, 10, 10])

    def ours() -> None:
        clock.sleep_until(clock.now_ns() + next(costs_ns))

    def theirs() -> None:
        clock.sleep_until(clock.now_ns() + 20)

    assert paired_ratio(ours, theirs, 5, clock) == 0.5
