"""They say of themselves what is not so."""

from __future__ import annotations

from adapters.base import Cost, Limits, Span
from adapters.conformance.tests.saboteurs.honest import Saboteur, Synthesis, saying
from adapters.voice import PLAIN, Voice

UNIT_NS = 5_000_000


class DescriptionIsJson(Saboteur):
    claims = saying(weights_sha256=b"not text")


class DescriptionIsFilled(Saboteur):
    claims = saying(limits=Limits(timeout_ms=0))


class DescriptionStays(Saboteur):
    def warm_up(self, voice: Voice = PLAIN) -> None:
        self.claims = saying(stateful_context="rolling")


class RungsAscend(Saboteur):
    claims = saying(granularity=(8, 16, 12, 64))


class WarmUpMeasures(Saboteur):
    claims = saying(cost=None)


class Streams(Saboteur):
    """Its rungs are longer than a sentence."""

    claims = saying(granularity=(4096, 8192))


class WorkComesWithThePulls(Saboteur):
    """It claims a cost per unit, and renders all when it is opened."""

    claims = saying(cost=Cost(unit_ns=UNIT_NS))

    def open(self, span: Span) -> Synthesis:
        synthesis = super().open(span)
        self.clock.sleep_until(self.clock.now_ns() + synthesis.units * UNIT_NS)  # on a virtual clock: no time at all
        return synthesis
