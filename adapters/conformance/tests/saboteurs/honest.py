"""The tone as an engine of somebody else's, honest, with hooks for those that are not."""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from adapters.base import AudioChunk, Capability, Cost, Span
from adapters.registry import Context
from adapters.tts.null import ToneTts
from adapters.voice import PLAIN, Projection, Voice

GUARD_S = 20.0  # saboteurs wait for what the kit does, never for time; this ends a test that went wrong


class Synthesis:
    """The tone's, pulled through the engine's hook."""

    def __init__(self, engine: Saboteur, span: Span) -> None:
        self.engine, self.span = engine, span
        self.inner = ToneTts().open(span)
        self.closed = threading.Event()
        self.ended = False
        self.pulls = 0
        self.start = 0  # sample of the chunk that is being pulled

    @property
    def units(self) -> int:
        return self.inner.units

    def tone(self, units: int) -> AudioChunk:
        return self.inner.pull(units, True)

    def pull(self, units: int, low_latency: bool) -> AudioChunk:
        if self.closed.is_set():
            return AudioChunk(np.zeros(0, np.float32), 0, (), True)
        chunk = self.engine.pulled(self, units)
        self.pulls += 1
        self.start += chunk.pcm.size
        self.ended = self.ended or chunk.eos
        return chunk

    def close(self) -> None:
        self.closed.set()


def saying(**claims: Any) -> dict[str, Any]:
    """What an engine says of itself otherwise than the tone."""
    return claims


class Saboteur:
    kind: type[Synthesis] = Synthesis
    claims = saying()

    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

    def __init__(self, options: BaseModel, context: Context) -> None:
        self.clock = context.clock
        self.opened: list[Synthesis] = []
        self.texts: Counter[str] = Counter()

    def describe(self) -> Capability:
        return dataclasses.replace(ToneTts().describe(), **{"cost": Cost(), **self.claims})

    def warm_up(self, voice: Voice = PLAIN) -> None:
        pass

    def project(self, voice: Voice) -> Projection:
        return ToneTts().project(voice)

    def open(self, span: Span) -> Synthesis:
        self.project(span.voice)
        return self.kind(self, span)

    def pulled(self, synthesis: Synthesis, units: int) -> AudioChunk:
        return self.changed(synthesis.tone(units), synthesis)

    def changed(self, chunk: AudioChunk, synthesis: Synthesis) -> AudioChunk:
        return chunk

    def close(self) -> None:
        pass


def with_pcm(chunk: AudioChunk, pcm: np.ndarray) -> AudioChunk:
    return dataclasses.replace(chunk, pcm=pcm)


class IsHonestlyRandom(Saboteur):
    """It claims neither seed nor repetition, has no markers, and does not know its length."""

    claims = saying(deterministic=False, supports_seed=False, streaming=False, markers="none")

    class kind(Synthesis):  # noqa: N801
        @property
        def units(self) -> int:
            return -1

    def changed(self, chunk: AudioChunk, synthesis: Synthesis) -> AudioChunk:
        loudness = np.float32(1 - self.texts["pulls"] % 7 / 100)
        self.texts["pulls"] += 1
        return dataclasses.replace(chunk, pcm=chunk.pcm * loudness, markers=())
