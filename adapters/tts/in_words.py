"""A voice told in words, for engines that take instructions in plain language instead of numbers."""

from __future__ import annotations

from adapters.voice import Voice

LOW_HZ, HIGH_HZ = 140.0, 200.0  # between them lie low women's and high men's voices
MUCH, SOME = 0.66, 0.33  # of an emotion


def in_words(voice: Voice) -> dict[str, str]:
    """For each field that asks for something that words can say, a few of them; pace and names are left to knobs."""
    timbre, prosody = voice.timbre, voice.prosody
    hz = timbre.pitch_hz
    said = {
        "timbre.gender": f"{timbre.gender} voice",
        "timbre.age": f"{timbre.age} speaker",
        "timbre.pitch_hz": "" if hz is None else _between(hz, LOW_HZ, HIGH_HZ, "low", "medium", "high") + " pitch",
        "prosody.pitch_semitones": f"pitched {'higher' if prosody.pitch_semitones > 0 else 'lower'} than usual",
        "prosody.range": "lively intonation" if prosody.range > 1 else "even intonation",
        "prosody.pauses": "long pauses" if prosody.pauses > 1 else "short pauses",
        "prosody.level_db": "loud" if prosody.level_db > 0 else "soft",
        "accent": f"{voice.accent} accent",
        "emotion_priors": " and ".join(
            f"{_between(share, SOME, MUCH, 'a little', 'some', 'much')} {emotion}"
            for emotion, share in voice.emotion_priors.items()
            if share > 0
        ),
    }  # fmt: skip
    return {name: said[name] for name in voice.asked() if said.get(name)}


def _between(value: float, low: float, high: float, *words: str) -> str:
    """The first word below `low`, the last above `high`, else the second."""
    return words[0] if value < low else words[2] if value > high else words[1]
