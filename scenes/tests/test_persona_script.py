"""Persona Script with a real voice: it passes, and each way of not being the persona is noticed.

eSpeak NG plays both parts, itself and a peer, for it has a knob for nearly everything and costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from adapters import personas
from adapters.base import AudioChunk, Span, Tts
from adapters.tts.emotion import coloured
from adapters.tts.tests import make
from adapters.tts.whole import pull_whole
from adapters.voice import PLAIN
from scenes.plays import persona_script
from scenes.script import SENTENCES
from scenes.stage import Stage

Bend = Callable[[Span], Span]


class Bent:
    """An engine that speaks other spans than it is asked for, and says nothing of it."""

    def __init__(self, tts: Tts, bend: Bend) -> None:
        self._tts, self._bend = tts, bend

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tts, name)

    def open(self, span: Span) -> Any:
        return self._tts.open(self._bend(span))


class Dubbed(Bent):
    """One whose marks are right, and whose sound is that of the other span."""

    def open(self, span: Span) -> Any:
        (pcm, _), (_, marks) = pull_whole(self._tts, self._bend(span)), pull_whole(self._tts, span)
        return Whole(AudioChunk(pcm, 1, tuple(marks), True))


class Whole:
    units = 1

    def __init__(self, chunk: AudioChunk) -> None:
        self._chunk = chunk

    def pull(self, units: int, low_latency: bool) -> AudioChunk:
        return self._chunk

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def espeak(tmp_path_factory):
    pytest.importorskip("espeakng_loader")
    tts = make("espeak", tmp_path_factory.mktemp("cache"))
    tts.warm_up()
    return tts


def failed(own: Tts, peer: Tts, seed: int = 0) -> set[str]:
    stage = Stage("persona-script", "espeak", seed, lambda name: own if name == "espeak" else peer)
    persona_script.play(stage)
    return {probe.name for probe in stage.probes if not probe.passed}


@pytest.mark.parametrize("seed", [0, 1])
def test_two_that_keep_it_pass(espeak, seed):
    assert failed(espeak, espeak, seed) == set()


def no_pace(span: Span) -> Span:
    return replace(span, voice=replace(span.voice, pace=PLAIN.pace))


def no_level(span: Span) -> Span:
    prosody = span.voice.prosody
    rest_db = prosody.level_db - coloured(span.voice).prosody.level_db  # what takes back that of its emotions
    return replace(span, voice=replace(span.voice, prosody=replace(prosody, level_db=rest_db)))


def no_pitch(span: Span) -> Span:
    return replace(span, voice=replace(span.voice, timbre=replace(span.voice.timbre, pitch_hz=None)))


def inverted_pauses(span: Span) -> Span:
    prosody = span.voice.prosody
    return replace(span, voice=replace(span.voice, prosody=replace(prosody, pauses=1 / prosody.pauses)))


def somebody_else(span: Span) -> Span:
    names = personas.names()
    if span.voice.name not in names:
        return span
    return replace(span, voice=personas.load(names[(names.index(span.voice.name) + 1) % len(names)]))


@pytest.mark.parametrize(("bend", "probe"), [
    (no_pace, "pace_off_most"), (no_level, "level_off_db_most"), (no_pitch, "pitch_risen_off_semitones_most"),
    (inverted_pauses, "pauses_the_wrong_way_most"), (somebody_else, "pitch_moved_semitones_most"),
])  # fmt: skip
def test_what_is_not_kept_is_noticed(espeak, bend, probe):
    assert probe in failed(Bent(espeak, bend), espeak)


def another_text(span: Span) -> Span:
    """Of the script; the calibration text stays."""
    at = next((k for k, sentence in enumerate(SENTENCES) if span.text in sentence), None)
    return span if at is None else replace(span, text=SENTENCES[(at + 5) % len(SENTENCES)])


@pytest.mark.parametrize("seed", [0, 2])
def test_another_text_is_not_alike(espeak, seed):
    assert "matched_least" in failed(espeak, Bent(espeak, another_text), seed)


@pytest.mark.parametrize("seed", [0, 2])
def test_the_sound_of_another_text_below_the_right_marks_is_not_alike(espeak, seed):
    assert "balance_least" in failed(espeak, Dubbed(espeak, another_text), seed)
