"""Their markers mislead."""

from __future__ import annotations

import dataclasses

import numpy as np

from adapters.base import AudioChunk
from adapters.conformance.tests.saboteurs.honest import Saboteur, Synthesis, saying, with_pcm
from adapters.conformance.texts import HELLO, WORDS


class MarkersAsDeclared(Saboteur):
    claims = saying(markers="none")


class MarkersAscend(Saboteur):
    """Words of the greeting are told backwards, within a chunk."""

    def changed(self, chunk: AudioChunk, synthesis: Synthesis) -> AudioChunk:
        backwards = synthesis.span.text == HELLO
        return dataclasses.replace(chunk, markers=chunk.markers[::-1] if backwards else chunk.markers)


class MarkersLieInside(Saboteur):
    def changed(self, chunk: AudioChunk, synthesis: Synthesis) -> AudioChunk:
        length = len(synthesis.span.text)
        stretch = [dataclasses.replace(m, text_end=length + (m.text_end == length)) for m in chunk.markers[-1:]]
        last = bool(stretch) and synthesis.span.text == HELLO and chunk.markers[-1].text_end == length
        return dataclasses.replace(chunk, markers=(*chunk.markers[:-1], *stretch)) if last else chunk


class MarkersComeWithTheirSound(Saboteur):
    """Those of the first chunk come with the second."""

    def changed(self, chunk: AudioChunk, synthesis: Synthesis) -> AudioChunk:
        if synthesis.ended or (synthesis.pulls == 0 and chunk.eos):
            return chunk
        if synthesis.pulls == 0:
            self.late = chunk.markers
            return dataclasses.replace(chunk, markers=())
        return dataclasses.replace(
            chunk, markers=(*self.late, *chunk.markers) if synthesis.pulls == 1 else chunk.markers
        )


class MarkedWordsSound(Saboteur):
    """The second word is silent."""

    def changed(self, chunk: AudioChunk, synthesis: Synthesis) -> AudioChunk:
        if synthesis.span.text != WORDS:
            return chunk
        word = synthesis.inner._words[1]
        at = np.arange(synthesis.start, synthesis.start + chunk.pcm.size)
        heard = (at < word.start_sample) | (at >= word.end_sample)
        return with_pcm(chunk, chunk.pcm * heard.astype(np.float32))
