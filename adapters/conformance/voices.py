"""Checks of the voice schema: each field that is asked for is reported, and what is said to be honoured is heard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from adapters.base import AdapterError
from adapters.conformance.finding import Finding, at_most, check, none_of, told, typed, unclaimed
from adapters.conformance.subject import Subject
from adapters.conformance.texts import HELLO, LONGER
from adapters.voice import PACE_MAX, PACE_MIN, Prosody, Timbre, Voice, named
from stitcher.pitch import median_hz, pitch_contour_hz

NOBODY = "nobody-of-that-name"
PACES = (PACE_MIN, 0.75, 1.5, PACE_MAX)
PACE_OFF_MOST = 0.25  # of the length asked for: pauses need not stretch as words do
SHIFTS_SEMITONES = (-4.0, 4.0)
PITCH_OFF_MOST_SEMITONES = 1.0  # a whole one is heard as another note

PAIRS: Mapping[str, tuple[Voice, Voice]] = {
    "timbre.gender": (Voice(timbre=Timbre(gender="female")), Voice(timbre=Timbre(gender="male"))),
    "timbre.age": (Voice(timbre=Timbre(age="child")), Voice(timbre=Timbre(age="old"))),
    "timbre.pitch_hz": (Voice(timbre=Timbre(pitch_hz=90.0)), Voice(timbre=Timbre(pitch_hz=240.0))),
    "prosody.pitch_semitones": (
        Voice(prosody=Prosody(pitch_semitones=-4.0)), Voice(prosody=Prosody(pitch_semitones=4.0))
    ),
    "prosody.range": (Voice(prosody=Prosody(range=0.2)), Voice(prosody=Prosody(range=1.8))),
    "prosody.pauses": (Voice(prosody=Prosody(pauses=0.0)), Voice(prosody=Prosody(pauses=3.0))),
    "prosody.level_db": (Voice(prosody=Prosody(level_db=-12.0)), Voice(prosody=Prosody(level_db=-3.0))),
    "accent": (Voice(accent="en-US"), Voice(accent="en-GB")),
    "emotion_priors": (Voice(emotion_priors={"joy": 1.0}), Voice(emotion_priors={"sadness": 1.0})),
    "pace": (Voice(pace=PACE_MIN), Voice(pace=PACE_MAX)),
}  # fmt: skip
"""Each field asked for alone, and two values of it that cannot sound alike."""


@check
def unknown_voice_is_named(subject: Subject) -> Finding:
    """A voice that the engine does not have is an AdapterError of one line that names tts.voice and the voice."""
    if not subject.capability.voices:
        return unclaimed("it lists no voices: any name may be one")
    voice = named(subject.capability.name, NOBODY)

    def wrong() -> Iterator[str]:
        for what, ask in (("project", lambda: subject.tts.project(voice)), ("open", lambda: subject.open(voice=voice))):
            try:
                ask()
            except AdapterError as error:
                if not typed(error) or "tts.voice" not in error.detail or NOBODY not in error.detail:
                    yield f"{what} does not name tts.voice and the voice: {error.detail}"
            else:
                yield f"{what} takes the voice {NOBODY!r}"

    return none_of(wrong(), "an unknown voice is refused in one line")


@check
def schema_is_accepted_whole(subject: Subject) -> Finding:
    """A voice that asks for everything at once, and each field alone, is spoken without a fault."""

    def wrong() -> Iterator[str]:
        for voice in [_everything(), *(voice for pair in PAIRS.values() for voice in pair)]:
            try:
                subject.open(voice=voice).close()
            except Exception as error:
                yield f"{', '.join(voice.asked())}: {told(error)}"

    return none_of(wrong(), f"{2 * len(PAIRS) + 1} voices were taken")


@check
def each_field_is_reported_once(subject: Subject) -> Finding:
    """The report of a projection has each field that was asked for, once, and no other."""

    def wrong() -> Iterator[str]:
        for voice in [Voice(), _everything(), *(voice for pair in PAIRS.values() for voice in pair)]:
            came, asked = Counter(one.field for one in subject.tts.project(voice).report), voice.asked()
            for name in sorted({*came, *asked}):
                if came[name] != (name in asked):
                    yield f"{name} is reported {came[name]} times where {', '.join(asked) or 'nothing'} is asked"

    return none_of(wrong(), "each field that is asked for is reported once")


@check
def honoured_fields_are_heard(subject: Subject) -> Finding:
    """A field that is reported as honoured changes the audio."""
    if not subject.capability.deterministic:
        return unclaimed("no two renderings of it are alike")
    pairs = {name: pair for name, pair in PAIRS.items() if all(_honoured(subject, name, voice) for voice in pair)}
    names = subject.capability.voices[:2]
    if len(names) == 2:
        first, second = (named(subject.capability.name, name) for name in names)
        pairs["timbre.names"] = (first, second)

    def alike() -> Iterator[str]:
        for name, pair in pairs.items():
            first, second = (subject.render(HELLO, voice).digest for voice in pair)
            if first == second:
                yield f"{name} is said to be honoured, and two of it sound the same"

    return none_of(alike(), f"honoured: {', '.join(pairs) or 'nothing'}")


@check
def honoured_pace_is_kept(subject: Subject) -> Finding:
    """Where the pace is reported as honoured the audio is as long as that asks for."""
    plain = subject.render(LONGER).samples
    off = {}
    for pace in PACES:
        voice = Voice(pace=pace)
        if _honoured(subject, "pace", voice):
            off[pace] = subject.render(LONGER, voice).samples * pace / max(1, plain) - 1
    if not off:
        return unclaimed("it does not honour the pace")
    worst = max(off, key=lambda pace: abs(off[pace]))
    says = f"at {worst} the audio is {abs(off[worst]):.0%} {'longer' if off[worst] > 0 else 'shorter'} than asked"
    return at_most(abs(off[worst]), PACE_OFF_MOST, says)


@check
def honoured_pitch_is_kept(subject: Subject) -> Finding:
    """Where a shift of the pitch is reported as honoured the fundamental moves by as much."""
    voices = {shift: Voice(prosody=Prosody(pitch_semitones=shift)) for shift in SHIFTS_SEMITONES}
    voices = {s: voice for s, voice in voices.items() if _honoured(subject, "prosody.pitch_semitones", voice)}
    if not voices:
        return unclaimed("it does not honour a shift of the pitch")
    rate_hz = subject.capability.rate_hz
    plain_hz = median_hz(pitch_contour_hz(subject.render(LONGER).pcm, rate_hz))
    off = 0.0
    for shift, voice in voices.items():
        pitch_hz = median_hz(pitch_contour_hz(subject.render(LONGER, voice).pcm, rate_hz))
        off = max(off, abs(12 * np.log2(max(1.0, pitch_hz) / max(1.0, plain_hz)) - shift))
    return at_most(off, PITCH_OFF_MOST_SEMITONES, f"shifts are off by {off:.1f} semitones, from {plain_hz:.0f} Hz")


def _everything() -> Voice:
    """All fields at once, the first value of each pair."""
    firsts = {name: pair[0] for name, pair in PAIRS.items()}
    timbre = Timbre(gender="female", age="child", pitch_hz=firsts["timbre.pitch_hz"].timbre.pitch_hz)
    prosody = Prosody(pitch_semitones=-4.0, range=0.2, pauses=0.0, level_db=-12.0)
    return replace(firsts["emotion_priors"], timbre=timbre, prosody=prosody, accent="en-US", pace=PACE_MIN)


def _honoured(subject: Subject, name: str, voice: Voice) -> bool:
    return any(one.field == name and one.how == "honoured" for one in subject.tts.project(voice).report)
