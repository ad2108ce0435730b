"""What a check found, and how a check is written: a function of the subject whose first line is the promise.

    @check
    def eos_once(subject: Subject) -> Finding:
        '''The last chunk tells the end.'''
        return none_of(complaints(), "each text has its end")

The finding is called `eos-once`. An engine that raises where it must not fails the check that asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from adapters.base import AdapterError

if TYPE_CHECKING:
    from adapters.conformance.subject import Subject

Bound = Literal["at most", "at least"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`passed` None: the engine claims nothing of the kind, and `value` means nothing."""

    name: str
    value: float
    bound: Bound
    limit: float
    passed: bool | None
    says: str


def at_most(value: float, limit: float, says: str) -> Finding:
    return Finding("", float(value), "at most", limit, bool(value <= limit), says)


def at_least(value: float, limit: float, says: str) -> Finding:
    return Finding("", float(value), "at least", limit, bool(value >= limit), says)


def none_of(complaints: Iterable[str], holds: str) -> Finding:
    """Counts the complaints and says the first; `holds` where there is none."""
    found = list(complaints)
    return at_most(len(found), 0, found[0] if found else holds)


def unclaimed(why: str) -> Finding:
    return Finding("", 0.0, "at most", 0.0, None, why)


@dataclass(frozen=True, slots=True)
class Check:
    """A promise of the contract, and the way to hold an engine to it."""

    name: str
    promise: str
    look: Callable[[Subject], Finding]

    def __call__(self, subject: Subject) -> Finding:
        try:
            found = self.look(subject)
        except Exception as error:  # whatever the engine raised: that is a finding, not the end of the suite
            found = none_of([told(error)], "")
        return replace(found, name=self.name)


def check(look: Callable[[Subject], Finding]) -> Check:
    """Make a check of a function: its name with hyphens, the first paragraph of its docstring."""
    assert look.__doc__, f"{look.__name__} does not say what it promises"
    promise = " ".join(look.__doc__.split("\n\n")[0].split())
    return Check(look.__name__.replace("_", "-"), promise, look)


def told(error: BaseException) -> str:
    """An exception in one line."""
    if isinstance(error, AdapterError):
        return f"AdapterError ({error.kind}): {error.detail}"
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"


def typed(error: BaseException) -> bool:
    """Whether a fault is one that the contract knows: an AdapterError with a line of its own."""
    return isinstance(error, AdapterError) and bool(error.detail.strip()) and len(error.detail.splitlines()) == 1
