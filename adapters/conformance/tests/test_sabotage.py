"""Each check is failed by the engine that breaks its promise, and by no other."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from adapters.conformance import elsewhere
from adapters.conformance.subject import Recipe, Subject
from adapters.conformance.suite import CHECKS, conform
from adapters.conformance.tests import saboteurs
from adapters.registry import Context
from adapters.weights import Weights
from timeline.clock import VirtualClock

NAMES = [check.name for check in CHECKS]


@pytest.fixture(scope="module", autouse=True)
def quick_processes() -> Iterator[None]:
    """Saboteurs have no threads of their own, so their processes are forked, of one that has loaded what they need."""
    with pytest.MonkeyPatch.context() as patch:
        if "forkserver" in multiprocessing.get_all_start_methods():
            multiprocessing.set_forkserver_preload([f"{saboteurs.__name__}.honest", "adapters.conformance.subject"])
            patch.setattr(elsewhere, "START", "forkserver")
        yield


def context_in(cache: Path) -> Context:
    return Context(Weights(cache), VirtualClock(), cache)


def recipe(name: str, cache: Path) -> Recipe:
    """`name`: module:Class."""
    return Recipe(f"{saboteurs.__name__}.{name}", {}, partial(context_in, cache))


def failures(name: str, cache: Path) -> dict[str, str]:
    findings = list(conform(recipe(name, cache), VirtualClock()))
    assert [finding.name for finding in findings] == NAMES
    return {finding.name: finding.says for finding in findings if finding.passed is False}


@pytest.mark.parametrize("name", ["honest:Saboteur", "honest:IsHonestlyRandom"])
def test_an_honest_engine_passes(name, tmp_path):
    assert failures(name, tmp_path) == {}


@pytest.mark.parametrize(
    ("name", "promise"),
    [
        ("closing:ClosesDuringAPull", "close-does-not-wait"),
        ("voices:ShiftsThePitch", "honoured-pitch-is-kept"),
        ("world:DeclaresItsHosts", "hosts-are-declared"),
    ],
)
def test_a_promise_that_the_tone_does_not_make_can_be_kept(name, promise, tmp_path):
    check = next(check for check in CHECKS if check.name == promise)
    finding = check(Subject(recipe(name, tmp_path), VirtualClock()))
    assert finding.passed is True, finding.says


@pytest.mark.parametrize("check", CHECKS, ids=NAMES)
def test_who_breaks_a_promise_fails_the_check_for_it_and_no_other(check, tmp_path):
    module = check.look.__module__.rpartition(".")[2]
    broken = "".join(word.capitalize() for word in check.name.split("-"))
    assert list(failures(f"{module}:{broken}", tmp_path)) == [check.name]
