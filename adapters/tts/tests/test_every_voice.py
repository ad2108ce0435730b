"""Our own voices keep the contract, check by check, and what we promise of them beyond it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from adapters.base import AdapterError, Span
from adapters.conformance.finding import Check
from adapters.conformance.subject import Recipe, Subject
from adapters.conformance.suite import CHECKS
from adapters.registry import Context
from adapters.tts.tests import make
from adapters.voice import named
from adapters.weights import Weights, default_cache
from timeline.clock import SystemClock, VirtualClock

ENGINES = ["null", "espeak", *(pytest.param(name, marks=pytest.mark.engines) for name in ("piper", "kokoro"))]


def context_in(cache: Path) -> Context:
    """The machine's own weights, and a cache that is the test's."""
    return Context(Weights(default_cache()), VirtualClock(), cache)


@pytest.fixture(scope="module", params=ENGINES)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """Made once a module: Piper is cut and loaded in seconds. Its clock is the machine's, as costs are real."""
    cache = tmp_path_factory.mktemp("cache")
    make(request.param, cache)  # skips where its package or its weights are missing
    return Subject(Recipe(request.param, {}, partial(context_in, cache)), SystemClock())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_it_keeps(subject: Subject, check: Check) -> None:
    finding = check(subject)
    assert finding.passed is not False, finding.says


def test_nothing_leaves_the_machine(subject: Subject) -> None:
    assert subject.capability.egress == ()


def test_an_unknown_timbre_is_missing_and_the_next_one_is_spoken(subject: Subject) -> None:
    with pytest.raises(AdapterError) as caught:
        subject.tts.open(Span("Hi.", named(subject.capability.name, "nobody"), 1))
    assert caught.value.kind == "missing"
    assert subject.render("Hi.").samples
