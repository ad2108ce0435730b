"""The adapter under test: how it is made, and what it has spoken.

Most checks look at the same renderings, which are made once: a good voice takes its time. Samples are at the
capability's rate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import cycle
from typing import Any

import numpy as np

from adapters.base import AdapterError, AudioChunk, Marker, Span, Synthesis, Tts
from adapters.conformance.elsewhere import Report, Witness
from adapters.conformance.texts import HELLO, TEXTS
from adapters.registry import Context, create
from adapters.voice import PLAIN, Voice
from stitcher.pcm import Float32
from timeline.clock import Clock

SEED = 3
EMPTY_PULLS_MOST = 20  # in a row, without an end: then none will come
LEAST_S, PER_CHAR_S = 30.0, 2.0  # audio of a text: longer than any engine says it, digits spelled out
SPARE_RUNGS = (8, 16, 64)  # of an engine that names none


@dataclass(frozen=True, slots=True)
class Recipe:
    """Pickles, so that another process can make the same adapter. `name`: registered, or package.module:Class."""

    name: str
    options: Mapping[str, Any]
    context: Callable[[], Context]

    def make(self, clock: Clock) -> Tts:
        """Raises AdapterError."""
        made: Tts = create("tts", self.name, self.options, replace(self.context(), clock=clock))
        return made


@dataclass(slots=True)
class Rendering:
    """A text as it was spoken. `units`: what the synthesis said it would have, asked at the end."""

    text: str
    units: int = -1
    asked: list[int] = field(default_factory=list)
    chunks: list[AudioChunk] = field(default_factory=list)

    @property
    def markers(self) -> list[Marker]:
        return [mark for chunk in self.chunks for mark in chunk.markers]

    @property
    def samples(self) -> int:
        return sum(chunk.pcm.size for chunk in self.chunks)

    @property
    def pcm(self) -> Float32:
        """All of it, with zeros for what is no number: other checks than the one for that go on."""
        pieces = [np.asarray(chunk.pcm, np.float32).ravel() for chunk in self.chunks]
        whole: Float32 = np.concatenate([np.zeros(0, np.float32), *pieces])
        return np.nan_to_num(whole, posinf=0.0, neginf=0.0)

    @property
    def digest(self) -> bytes:
        """The bytes themselves: small enough, and they tell where they differ."""
        return b"".join(chunk.pcm.tobytes() for chunk in self.chunks)


class Subject:
    """A warm adapter. `renderings`: the odd texts that it spoke; `refusals`: what it raised at the others."""

    def __init__(self, recipe: Recipe, clock: Clock) -> None:
        """Raises AdapterError where it cannot be made or loaded."""
        self.recipe = recipe
        self.clock = clock
        self._begun: Witness | None = None
        self.tts = recipe.make(clock)
        self.tts.warm_up()
        self.capability = self.tts.describe()
        self.rungs = sorted({rung for rung in self.capability.granularity if rung > 0}) or list(SPARE_RUNGS)

    def open(self, text: str = HELLO, voice: Voice = PLAIN, seed: int = SEED) -> Synthesis:
        return self.tts.open(Span(text, voice, seed))

    def render(
        self, text: str = HELLO, voice: Voice = PLAIN, seed: int = SEED, rungs: Sequence[int] | None = None
    ) -> Rendering:
        """Speak to the end, or until it is plain that none will come. Raises what the engine raises."""
        synthesis, rendering = self.open(text, voice, seed), Rendering(text)
        most_samples = self.capability.rate_hz * (LEAST_S + PER_CHAR_S * len(text))
        empty = 0
        for rung in cycle(rungs or (self.rungs[0], self.rungs[-1], self.rungs[len(self.rungs) // 2])):
            chunk = synthesis.pull(rung, True)
            rendering.asked.append(rung)
            rendering.chunks.append(chunk)
            empty = 0 if chunk.pcm.size else empty + 1
            if chunk.eos or empty >= EMPTY_PULLS_MOST or rendering.samples > most_samples:
                break
        rendering.units = synthesis.units
        synthesis.close()
        return rendering

    @property
    def _witness(self) -> Witness:
        if self._begun is None:
            self._begun = Witness(self.recipe)
        return self._begun

    def close(self) -> None:
        try:
            self.tts.close()
        finally:
            if self._begun is not None:
                self._begun.end()

    @cached_property
    def _spoken(self) -> dict[str, Rendering | Exception]:
        assert self._witness  # it begins, and works meanwhile
        found: dict[str, Rendering | Exception] = {}
        for name, text in TEXTS.items():
            try:
                found[name] = self.render(text)
            except Exception as error:  # judged by the check for odd texts
                found[name] = error
        return found

    @property
    def renderings(self) -> dict[str, Rendering]:
        return {name: one for name, one in self._spoken.items() if isinstance(one, Rendering)}

    @property
    def refusals(self) -> dict[str, Exception]:
        return {name: one for name, one in self._spoken.items() if isinstance(one, Exception)}

    @property
    def elsewhere(self) -> Report:
        """The same adapter in a process of its own, watched. Raises AdapterError where that process dies."""
        if isinstance(self._elsewhere, AdapterError):
            raise self._elsewhere
        return self._elsewhere

    @cached_property
    def _elsewhere(self) -> Report | AdapterError:
        try:
            return self._witness.report()
        except AdapterError as error:
            return error
