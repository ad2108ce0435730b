"""They do not repeat themselves."""

from __future__ import annotations

import dataclasses
import multiprocessing

import numpy as np

from adapters.base import AudioChunk, Span
from adapters.conformance.tests.saboteurs.honest import Saboteur, Synthesis, with_pcm

SLIGHT = np.float32(1 + 1e-6)  # changes bytes, and is 120 dB below the audio


class SameSeedSameBytes(Saboteur):
    """What was said before is said a little louder."""

    def open(self, span: Span) -> Synthesis:
        self.texts[span.text] += 1
        return super().open(span)

    def changed(self, chunk: AudioChunk, synthesis: Synthesis) -> AudioChunk:
        louder = self.texts[synthesis.span.text] > 1
        return with_pcm(chunk, chunk.pcm * SLIGHT if louder else chunk.pcm)


class SameBytesInAnotherProcess(Saboteur):
    def changed(self, chunk: AudioChunk, synthesis: Synthesis) -> AudioChunk:
        return with_pcm(chunk, chunk.pcm * SLIGHT if multiprocessing.parent_process() else chunk.pcm)


class AnotherSeedIsHeard(Saboteur):
    def open(self, span: Span) -> Synthesis:
        return super().open(dataclasses.replace(span, seed=0))


class PullSizesDoNotMatter(Saboteur):
    def pulled(self, synthesis: Synthesis, units: int) -> AudioChunk:
        chunk = super().pulled(synthesis, units)
        return with_pcm(chunk, chunk.pcm * np.float32(1.001 if units == 64 else 1))


class InterleavedDoNotMix(Saboteur):
    """Only the last one that was opened is heard."""

    def open(self, span: Span) -> Synthesis:
        self.opened = [super().open(span)]
        return self.opened[0]

    def changed(self, chunk: AudioChunk, synthesis: Synthesis) -> AudioChunk:
        return with_pcm(chunk, chunk.pcm * np.float32(synthesis in self.opened))
