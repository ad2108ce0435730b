"""Emotion by prosody, for engines that have no knob for it: how an emotion moves pitch, swing, pace and level.

Directions are those in which studies agree: Juslin and Laukka, "Communication of emotions in vocal expression and music
performance", Psychological Bulletin 129(5), 2003 (calm as their tenderness); surprise after Scherer and Oshinsky, "Cue
utilization in emotion attribution from auditory stimuli", Motivation and Emotion 1(4), 1977. Amounts are ours and
modest: a persona's colour, not acting. It is an approximation, and engines report it as one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from adapters.voice import LEVEL_MOST_DB, PACE_MAX, PACE_MIN, SHIFT_MOST_SEMITONES, Emotion, Voice

RANGE_MOST = 2.0  # of Prosody.range


@dataclass(frozen=True, slots=True)
class Colour:
    """What an emotion at full strength adds (semitones, dB), and by what it multiplies (range, pace)."""

    pitch_semitones: float
    range: float
    pace: float
    level_db: float


COLOURS: dict[Emotion, Colour] = {
    "calm": Colour(-0.5, 0.85, 0.95, -1.0),  # low, even, slow, soft
    "joy": Colour(2.0, 1.3, 1.08, 1.0),  # high, lively, fast, rather loud
    "sadness": Colour(-1.5, 0.7, 0.88, -2.0),  # low, flat, slow, soft
    "anger": Colour(1.5, 1.3, 1.1, 3.0),  # high, lively, fast, loud
    "fear": Colour(2.5, 0.8, 1.12, -1.0),  # high, flat, fast, soft
    "surprise": Colour(3.0, 1.4, 1.05, 0.0),  # high, lively, fast
}


def coloured(voice: Voice) -> Voice:
    """The voice with its emotions as prosody and pace, within what a voice may have."""
    prosody = voice.prosody
    shift, swing, level, pace = prosody.pitch_semitones, prosody.range, prosody.level_db, voice.pace
    for emotion, strength in voice.emotion_priors.items():
        colour = COLOURS[emotion]
        shift += strength * colour.pitch_semitones
        level += strength * colour.level_db
        swing *= colour.range**strength
        pace *= colour.pace**strength
    moved = replace(
        prosody,
        pitch_semitones=min(SHIFT_MOST_SEMITONES, max(-SHIFT_MOST_SEMITONES, shift)),
        range=min(RANGE_MOST, swing),
        level_db=min(LEVEL_MOST_DB, max(-LEVEL_MOST_DB, level)),
    )
    return replace(voice, prosody=moved, pace=min(PACE_MAX, max(PACE_MIN, pace)))
