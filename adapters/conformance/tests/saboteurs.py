"""Engines that are broken on purpose: each is the tone, and breaks one promise, after which it is named.

`Saboteur` itself is honest. They are asked for as package.module:Class, as an adapter of somebody else's is.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import socket
import tempfile
import threading
from collections import Counter
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from adapters.base import AdapterError, AudioChunk, Capability, Cost, Limits, Span
from adapters.conformance.elsewhere import MEMORY_MOST_BYTES
from adapters.conformance.texts import HELLO, SHORT, TEXTS, WORDS
from adapters.registry import Context
from adapters.tts.null import RATE_HZ, UNIT_SAMPLES, ToneTts
from adapters.voice import PLAIN, Came, Projection, Voice

GUARD_S = 20.0  # saboteurs wait for what the kit does, never for time; this ends a test that went wrong
SLIGHT = np.float32(1 + 1e-6)  # changes bytes, and is 120 dB below the audio
UNIT_NS = 5_000_000
MEGABYTE = 1 << 20


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


# -- claims -------------------------------------------------------------------------------


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


# -- texts --------------------------------------------------------------------------------


class OddTexts(Saboteur):
    def open(self, span: Span) -> Synthesis:
        span.text.encode("ascii" if span.text == TEXTS["half a character"] else "utf-8", "surrogatepass")
        return super().open(span)


class TextLimit(Saboteur):
    """It wants memory for a text that is far too long: more than the kit lets it have, and none of it is touched."""

    def open(self, span: Span) -> Synthesis:
        if len(span.text) > self.describe().limits.text_chars:
            np.empty(2 * MEMORY_MOST_BYTES, np.uint8)
        return super().open(span)


# -- chunks -------------------------------------------------------------------------------


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


# -- markers ------------------------------------------------------------------------------


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


# -- closing ------------------------------------------------------------------------------


class ClosesAtAnyMoment(Saboteur):
    class kind(Synthesis):  # noqa: N801
        def close(self) -> None:
            if self.closed.is_set():
                raise RuntimeError("closed already")
            super().close()


class NothingAfterClose(Saboteur):
    class kind(Synthesis):  # noqa: N801
        def close(self) -> None:
            pass


class CloseDoesNotWait(Saboteur):
    """A pull of the largest rung holds the lock that closing wants, until closing wants it."""

    class kind(Synthesis):  # noqa: N801
        def __init__(self, engine: Saboteur, span: Span) -> None:
            super().__init__(engine, span)
            self.lock, self.wanted = threading.Lock(), threading.Event()

        def pull(self, units: int, low_latency: bool) -> AudioChunk:
            with self.lock:
                if threading.current_thread() is not threading.main_thread() and units == 64:
                    self.wanted.wait(GUARD_S)
                return super().pull(units, low_latency)

        def close(self) -> None:
            self.wanted.set()
            with self.lock:
                super().close()


class EndsWhereItIsClosed(Saboteur):
    """A pull of the smallest rung that is under way when it is closed falls over."""

    def pulled(self, synthesis: Synthesis, units: int) -> AudioChunk:
        if threading.current_thread() is not threading.main_thread() and units == 8:
            synthesis.closed.wait(GUARD_S)
            raise ValueError("the buffer is gone")
        return super().pulled(synthesis, units)


# -- sameness -----------------------------------------------------------------------------


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


# -- voices -------------------------------------------------------------------------------


class UnknownVoiceIsNamed(Saboteur):
    def project(self, voice: Voice) -> Projection:
        try:
            return super().project(voice)
        except AdapterError as error:
            raise AdapterError("missing", "no such speaker") from error


class SchemaIsAcceptedWhole(Saboteur):
    def open(self, span: Span) -> Synthesis:
        if span.voice.emotion_priors:
            raise KeyError("joy")
        return super().open(span)


class EachFieldIsReportedOnce(Saboteur):
    def project(self, voice: Voice) -> Projection:
        projection = super().project(voice)
        return dataclasses.replace(projection, report=tuple(one for one in projection.report if one.field != "accent"))


class HonouredFieldsAreHeard(Saboteur):
    says = "prosody.range"

    def project(self, voice: Voice) -> Projection:
        projection = super().project(voice)
        report = tuple(Came(one.field, "honoured") if one.field == self.says else one for one in projection.report)
        return dataclasses.replace(projection, report=report)


class HonouredPaceIsKept(Saboteur):
    """Half of the pace that is asked for is made."""

    def open(self, span: Span) -> Synthesis:
        slow = dataclasses.replace(span.voice, pace=span.voice.pace**0.5)
        return super().open(dataclasses.replace(span, voice=slow))


class HonouredPitchIsKept(HonouredFieldsAreHeard):
    """The tone's pitch comes from the seed; this shifts it by ten hertz a semitone."""

    says = "prosody.pitch_semitones"

    def open(self, span: Span) -> Synthesis:
        steps = round(span.voice.prosody.pitch_semitones)
        return super().open(dataclasses.replace(span, seed=(span.seed + steps) % 12))


# -- the machine --------------------------------------------------------------------------


class FilesStayInTheCache(Saboteur):
    def open(self, span: Span) -> Synthesis:
        if multiprocessing.parent_process():
            tempfile.TemporaryFile().close()
        return super().open(span)


class HostsAreDeclared(Saboteur):
    def open(self, span: Span) -> Synthesis:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
            there.connect(("127.0.0.1", 9))  # a datagram socket only notes the address: nothing is sent
        return super().open(span)


class MemoryIsBounded(Saboteur):
    """A megabyte of each span is kept."""

    kept: tuple[np.ndarray, ...] = ()

    def open(self, span: Span) -> Synthesis:
        self.kept = (*self.kept, np.ones(MEGABYTE // 4, np.float32))
        return super().open(span)


# -- engines that keep a promise which the tone does not make -----------------------------


class ClosesDuringAPull(Saboteur):
    """A pull of the largest rung, in another thread, lasts until it is closed; closing does not wait for it."""

    def pulled(self, synthesis: Synthesis, units: int) -> AudioChunk:
        if threading.current_thread() is not threading.main_thread() and units == 64:
            synthesis.closed.wait(GUARD_S)
        return super().pulled(synthesis, units)


class ShiftsThePitch(HonouredPitchIsKept):
    """A buzz instead of the tone, as high as is asked for."""

    def open(self, span: Span) -> Synthesis:
        return Saboteur.open(self, span)

    def changed(self, chunk: AudioChunk, synthesis: Synthesis) -> AudioChunk:
        pitch_hz = 150 * 2 ** (synthesis.span.voice.prosody.pitch_semitones / 12)
        at = np.arange(synthesis.start, synthesis.start + chunk.pcm.size) / RATE_HZ
        return with_pcm(chunk, (0.2 * np.sin(2 * np.pi * pitch_hz * at)).astype(np.float32))


class DeclaresItsHosts(HostsAreDeclared):
    claims = saying(egress=("localhost",))


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
