"""Every voice keeps the contract, check by check, and what we promise of them beyond it.

Those whose weights or servers are not at hand have stand-ins; a check that a voice claims nothing of is a skip.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from adapters.base import AdapterError, Span
from adapters.conformance.finding import Check
from adapters.conformance.subject import Recipe, Subject
from adapters.conformance.suite import CHECKS
from adapters.registry import Context, names
from adapters.tts.tests import make
from adapters.tts.tests.stand_ins import STAND_INS, StandIn
from adapters.voice import named
from adapters.weights import Weights, default_cache
from timeline.clock import SystemClock, VirtualClock

AT_HAND = ("null", "espeak", "piper", "kokoro")
HEAVY = ("piper", "kokoro", "xtts")
VOICES = [pytest.param(name, marks=[pytest.mark.engines] * (name in HEAVY)) for name in (*AT_HAND, *STAND_INS)]


def context_in(cache: Path) -> Context:
    """The machine's own weights, and a cache that is the test's."""
    return Context(Weights(default_cache()), VirtualClock(), cache)


@contextmanager
def at_hand(name: str, cache: Path) -> Iterator[StandIn]:
    """Itself. Skips where its package or its weights are missing."""
    make(name, cache)
    yield name, {}


@pytest.fixture(scope="module", params=VOICES)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """Made once a module: Piper is cut and loaded in seconds. Its clock is the machine's, as costs are real."""
    cache = tmp_path_factory.mktemp("cache")
    with STAND_INS.get(request.param, partial(at_hand, request.param))(cache) as (adapter, options):
        subject = Subject(Recipe(adapter, options, partial(context_in, cache)), SystemClock())
        yield subject
        subject.close()


def test_no_voice_is_left_out() -> None:
    assert {*AT_HAND, *STAND_INS} == set(names("tts"))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_it_keeps(subject: Subject, check: Check) -> None:
    finding = check(subject)
    if finding.passed is None:
        pytest.skip(finding.says)
    assert finding.passed, finding.says


def test_nothing_leaves_the_machine(subject: Subject) -> None:
    assert set(subject.capability.egress) <= {"127.0.0.1"}


def test_an_unknown_timbre_is_missing_and_the_next_one_is_spoken(subject: Subject) -> None:
    if not subject.capability.voices:
        pytest.skip("it lists no voices: any name may be one")
    with pytest.raises(AdapterError) as caught:
        subject.tts.open(Span("Hi.", named(subject.capability.name, "nobody"), 1))
    assert caught.value.kind == "missing"
    assert subject.render("Hi.").samples
