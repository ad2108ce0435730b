"""All checks, in order: what an adapter claims, gives, closes, repeats, makes of a voice, and does to the machine."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.conformance import claims, closing, marks, sameness, saying, shape, voices, world
from adapters.conformance.finding import Check, Finding
from adapters.conformance.subject import Recipe, Subject
from timeline.clock import Clock

MODULES = (claims, saying, shape, marks, closing, sameness, voices, world)

CHECKS: tuple[Check, ...] = tuple(
    found for module in MODULES for found in vars(module).values() if isinstance(found, Check)
)


def conform(recipe: Recipe, clock: Clock) -> Iterator[Finding]:
    """One finding a check, as they are made. Raises AdapterError where the adapter cannot be made or loaded."""
    subject = Subject(recipe, clock)
    try:
        for check in CHECKS:
            yield check(subject)
    finally:
        subject.close()
