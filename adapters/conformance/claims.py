"""Checks of what an adapter says of itself: the orchestrator negotiates from that alone."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import get_args, get_type_hints

from adapters.base import Capability, Cost
from adapters.conformance.finding import Finding, at_least, at_most, check, none_of, unclaimed
from adapters.conformance.subject import Subject
from adapters.conformance.texts import LONGER
from timeline.clock import NS_PER_MS

OPEN_SHARE_MOST = 0.25  # of the whole cost, beyond what is claimed: cores are shared, and a span is no average
REPEATS = 5  # another program may step into one
MEASURED = ("cost", "natural", "weights_sha256")  # what warm-up may add


@check
def description_is_json(subject: Subject) -> Finding:
    """The description survives JSON unchanged."""
    told = dataclasses.asdict(subject.capability)
    listed = json.loads(json.dumps(told))
    lost = [name for name, value in told.items() if listed[name] != _as_json(value)]
    return none_of((f"{name} does not survive JSON" for name in lost), "it can be written down and read again")


@check
def description_is_filled(subject: Subject) -> Finding:
    """Role, name, version, unit, rate and limits are given, and of the words that the contract knows."""
    return none_of(_unfilled(subject.capability), "all that is needed to plan a request is given")


@check
def description_stays(subject: Subject) -> Finding:
    """Warm-up adds what it measures; beyond that the description never changes."""
    cold = dataclasses.asdict(subject.recipe.make(subject.clock).describe())
    later = dataclasses.asdict(subject.tts.describe())
    changed = [name for name in cold if name not in MEASURED and cold[name] != later[name]]
    return none_of((f"{name} was {cold[name]!r} and is {later[name]!r}" for name in changed), "cold and warm are alike")


@check
def rungs_ascend(subject: Subject) -> Finding:
    """The rungs are whole units, above zero, each larger than the one before."""
    rungs = subject.capability.granularity
    wrong = [f"{b} comes after {a}" for a, b in pairwise(rungs) if b <= a]
    wrong += [f"{rung!r} is no number of units" for rung in rungs if not isinstance(rung, int) or rung < 1]
    return none_of(wrong if rungs else ["there are none"], f"{len(rungs)} rungs")


@check
def warm_up_measures(subject: Subject) -> Finding:
    """After warm-up the cost is known, and nothing costs less than nothing."""
    cost = subject.capability.cost
    if cost is None:
        return none_of(["there is no cost after warm-up"], "")
    below = [name for name, value in dataclasses.asdict(cost).items() if value < 0]
    return none_of((f"{name} is below zero" for name in below), "the cost is measured")


@check
def streams(subject: Subject) -> Finding:
    """An engine that streams gives a sentence in several chunks when it is pulled by its smallest rung."""
    if not subject.capability.streaming:
        return unclaimed("it does not stream")
    chunks = subject.render(LONGER, rungs=subject.rungs[:1]).chunks
    count = sum(chunk.pcm.size > 0 for chunk in chunks)
    return at_least(count, 2, f"{count} chunks of a sentence, by {subject.rungs[0]} units")


@check
def work_comes_with_the_pulls(subject: Subject) -> Finding:
    """An engine that claims a cost per unit has it in its pulls: opening a span takes no larger share of the whole than
    it claims, on the engine's own clock."""
    cost = subject.capability.cost
    if cost is None or cost.unit_ns == 0:
        return unclaimed("it claims no cost per unit")
    excess, says = min(_beyond_claim(cost, _timed(subject)) for _ in range(REPEATS))
    return at_most(excess, OPEN_SHARE_MOST, says)


def _beyond_claim(cost: Cost, timed: tuple[int, int, int, int]) -> tuple[float, str]:
    """The share of the whole that opening took beyond the claimed one, and what to say of it."""
    open_ns, pulls_ns, units, pulls = timed
    if open_ns + pulls_ns < NS_PER_MS:
        return 0.0, "it costs too little to tell"
    claimed_ns = cost.open_ns + cost.open_char_ns * len(LONGER)
    share = open_ns / (open_ns + pulls_ns)
    claimed = claimed_ns / (claimed_ns + cost.call_ns * pulls + cost.unit_ns * units)
    return share - claimed, f"opening took {share:.0%} of the whole, {claimed:.0%} are claimed"


def _timed(subject: Subject) -> tuple[int, int, int, int]:
    """Of one sentence: ns of opening, ns of pulls, units, pulls."""
    times = [subject.clock.now_ns()]
    synthesis = subject.open(LONGER)
    times.append(subject.clock.now_ns())
    units, pulls, more = 0, 0, True
    while more:
        chunk = synthesis.pull(subject.rungs[0], True)
        units, pulls, more = units + chunk.units, pulls + 1, not chunk.eos and chunk.pcm.size > 0
    times.append(subject.clock.now_ns())
    synthesis.close()
    return times[1] - times[0], times[2] - times[1], units, pulls


def _unfilled(capability: Capability) -> Iterator[str]:
    for name, kind in get_type_hints(Capability).items():
        value = getattr(capability, name)
        if (words := get_args(kind)) and all(isinstance(word, str) for word in words) and value not in words:
            yield f"{name} is {value!r}, which is none of {', '.join(words)}"
    if capability.role != "tts":
        yield f"role is {capability.role!r} of a voice"
    for name in ("name", "version"):
        if not getattr(capability, name):
            yield f"{name} is empty"
    for name in ("rate_hz", "unit_samples"):
        if getattr(capability, name) < 1:
            yield f"{name} is {getattr(capability, name)}"
    for name, value in dataclasses.asdict(capability.limits).items():
        if value < 1:
            yield f"limits.{name} is {value}"


def _as_json(value: object) -> object:
    """JSON knows lists only."""
    return list(value) if isinstance(value, tuple) else value
