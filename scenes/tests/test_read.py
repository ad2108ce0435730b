"""The reading benchmark tells who spoke, from when and why."""

from __future__ import annotations

import pytest

from orchestrator.actions import ShowSwap
from scenes.bench.read import _Swaps

RATE_HZ = 1000


def test_who_spoke_and_how_long() -> None:
    swaps = _Swaps("slow", RATE_HZ)
    for index, before, engine, why in ((2000, "slow", "quick", "slow"), (9000, "quick", "slow", "recovered")):
        swaps.watch(0, "action", ShowSwap(before, engine, why, index, 0))
    assert swaps.spoke == [(0.0, "slow", ""), (2.0, "quick", "slow"), (9.0, "slow", "recovered")]
    assert {one.name: one.value for one in swaps.metrics(["slow", "quick"], 10.0)} == {
        "spoken_by_slow_s": pytest.approx(3.0), "spoken_by_quick_s": pytest.approx(7.0),
    }  # fmt: skip
