"""Emotion as prosody: the directions of the studies, in proportion, and never beyond what a voice may have."""

from __future__ import annotations

from typing import get_args

import pytest

from adapters.tts.emotion import COLOURS, coloured
from adapters.voice import PLAIN, Emotion, Prosody, Voice


def test_every_emotion_of_the_schema_has_a_colour():
    assert set(COLOURS) == set(get_args(Emotion))


def test_without_emotion_nothing_moves():
    assert coloured(PLAIN) == PLAIN
    assert coloured(Voice(emotion_priors={"joy": 0.0})).prosody == PLAIN.prosody


@pytest.mark.parametrize(
    ("emotion", "high", "lively", "fast", "loud"),
    [("joy", 1, 1, 1, 1), ("sadness", -1, -1, -1, -1), ("anger", 1, 1, 1, 1), ("fear", 1, -1, 1, -1),
     ("calm", -1, -1, -1, -1)],
)  # fmt: skip
def test_directions_are_those_of_the_studies(emotion, high, lively, fast, loud):
    voice = coloured(Voice(emotion_priors={emotion: 1.0}))
    prosody = voice.prosody
    moves = (prosody.pitch_semitones, prosody.range - 1, voice.pace - 1, prosody.level_db)
    assert all(move * sign > 0 for move, sign in zip(moves, (high, lively, fast, loud), strict=True))


def test_half_an_emotion_moves_half_as_far():
    half, whole = (coloured(Voice(emotion_priors={"joy": strength})) for strength in (0.5, 1.0))
    assert half.prosody.pitch_semitones == pytest.approx(whole.prosody.pitch_semitones / 2)
    assert half.pace**2 == pytest.approx(whole.pace)


def test_all_at_once_stays_a_voice():
    loudest = Prosody(pitch_semitones=12, range=2, level_db=12)
    for pace in (0.5, 2.0):
        moved = coloured(Voice(prosody=loudest, pace=pace, emotion_priors=dict.fromkeys(COLOURS, 1.0)))
        assert moved == Voice(**{field: getattr(moved, field) for field in moved.__dataclass_fields__})  # validates
