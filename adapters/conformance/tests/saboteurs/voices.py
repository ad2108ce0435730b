"""They do not do with a voice what they say; and one that shifts its pitch, as the tone cannot."""

from __future__ import annotations

import dataclasses

import numpy as np

from adapters.base import AdapterError, AudioChunk, Span
from adapters.conformance.tests.saboteurs.honest import Saboteur, Synthesis, with_pcm
from adapters.tts.null import RATE_HZ
from adapters.voice import Came, Projection, Voice


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


class ShiftsThePitch(HonouredPitchIsKept):
    """A buzz instead of the tone, as high as is asked for."""

    def open(self, span: Span) -> Synthesis:
        return Saboteur.open(self, span)

    def changed(self, chunk: AudioChunk, synthesis: Synthesis) -> AudioChunk:
        pitch_hz = 150 * 2 ** (synthesis.span.voice.prosody.pitch_semitones / 12)
        at = np.arange(synthesis.start, synthesis.start + chunk.pcm.size) / RATE_HZ
        return with_pcm(chunk, (0.2 * np.sin(2 * np.pi * pitch_hz * at)).astype(np.float32))
