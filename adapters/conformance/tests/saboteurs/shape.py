"""Their chunks are not what they should be."""

from __future__ import annotations

import dataclasses

import numpy as np

from adapters.base import AudioChunk
from adapters.conformance.tests.saboteurs.honest import Saboteur, Synthesis, with_pcm
from adapters.conformance.texts import SHORT
from adapters.tts.null import UNIT_SAMPLES


class UnitsHold(Saboteur):
    """The first chunk counts a unit too few, the second one too many."""

    def pulled(self, synthesis: Synthesis, units: int) -> AudioChunk:
        if units < 2 or synthesis.units < 200:
            return super().pulled(synthesis, units)
        less = {0: 0, 1: 1}.get(synthesis.pulls, 0)
        chunk = super().pulled(synthesis, units - less)
        return dataclasses.replace(chunk, units=chunk.units + {0: -1, 1: 1}.get(synthesis.pulls, 0))


class NoMoreThanAsked(Saboteur):
    def pulled(self, synthesis: Synthesis, units: int) -> AudioChunk:
        return super().pulled(synthesis, units + 1)


class LengthsAddUp(Saboteur):
    class kind(Synthesis):  # noqa: N801
        @property
        def units(self) -> int:
            return self.inner.units + 1


class EosOnce(Saboteur):
    def changed(self, chunk: AudioChunk, synthesis: Synthesis) -> AudioChunk:
        return dataclasses.replace(chunk, eos=False)


class NothingAfterTheEnd(Saboteur):
    def changed(self, chunk: AudioChunk, synthesis: Synthesis) -> AudioChunk:
        return AudioChunk(np.zeros(UNIT_SAMPLES, np.float32), 1, (), True) if synthesis.ended else chunk


class PcmIsFloat32Mono(Saboteur):
    def changed(self, chunk: AudioChunk, synthesis: Synthesis) -> AudioChunk:
        return with_pcm(chunk, chunk.pcm.astype(np.float64))


class PcmIsFinite(Saboteur):
    def changed(self, chunk: AudioChunk, synthesis: Synthesis) -> AudioChunk:
        pcm = chunk.pcm.copy()
        pcm[: synthesis.start == 0] = np.nan
        return with_pcm(chunk, pcm)


class PcmKeepsFullScale(Saboteur):
    def changed(self, chunk: AudioChunk, synthesis: Synthesis) -> AudioChunk:
        return with_pcm(chunk, chunk.pcm * 5)


class EdgesDoNotClick(Saboteur):
    def changed(self, chunk: AudioChunk, synthesis: Synthesis) -> AudioChunk:
        pcm = chunk.pcm.copy()
        pcm[: synthesis.start == 0] = 0.1
        return with_pcm(chunk, pcm)


class ShortTextSounds(Saboteur):
    def changed(self, chunk: AudioChunk, synthesis: Synthesis) -> AudioChunk:
        return with_pcm(chunk, chunk.pcm * np.float32(synthesis.span.text != SHORT))
