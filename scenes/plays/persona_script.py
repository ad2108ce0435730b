"""Persona Script: each persona reads one script with every voice. What it asks is heard, whoever it is that speaks, and
two voices read it alike. One persona, by turns, is heard in a session, the others from the engine.

Kept: against the same voice reading plainly, what the engine honours is as the persona asks, and what it ignores is as
it was. Alike: beside every peer, level and pace are alike once each is set against the engine's own (Natural), words
are long at the same places, and sounds hiss and hum at the same places.

Seen with eSpeak NG, Piper and Kokoro, each pair of them, three personas and twelve texts of three sentences, and the
limit:

    matched       0.90 to 1.00 of the words, for eSpeak NG says some as one: at least 0.8
    rhythm        0.77 to 0.95, beside another text -0.31 to 0.41: at least 0.6
    balance       over the personas 0.48 to 0.72, beside another text -0.02 to 0.29: at least 0.38
    tune          0.02 to 0.51 over the personas, beside another text -0.29 to 0.42: measured and not judged
    shift         10 to 70 ms, of one engine's marks against the other's: measured and not judged
    pace kept     off by up to 4.2 %, and the nearest two personas ask for paces 8 % apart: at most 5 %
    level kept    off by up to 0.5 dB; a voice that ignored it would be off by all that is asked, 1 dB: at most 0.8
    pitch kept    off by up to 0.9 semitones, where the engine honours it: at most 1.5
    pitch risen   by 3 semitones that were asked on top to within 0.3, where the engine honours it: within 1
    pitch moved   from plain by up to 0.9 semitones more or less than is asked; of two men of Kokoro by 4: at most 1.5
    level alike   once matched by Natural up to 1.4 LU apart: at most 2
    pace alike    once matched by Natural up to 10 % apart, for no two engines hurry over the same words: at most 15 %

How loud the words are at each place (0.34 to 0.64, another text up to 0.32) told less than what hisses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import log2

import numpy as np

from adapters import personas
from adapters.base import AdapterError, Natural, Tts
from adapters.tts.emotion import coloured
from adapters.tts.trouble import Trouble
from adapters.voice import PLAIN, Voice
from scenes.prosody import likeness
from scenes.reading import Phrase, Reading, by_itself, heard, phrases_of, read_aloud
from scenes.script import SENTENCES
from scenes.sound import TONES
from scenes.stage import Scene, Stage
from scenes.world import World
from timeline import events as ev

SENTENCES_READ = 3  # forty words: enough for a correlation, and no more to render than needed
PEERS = ("espeak", "piper")  # who reads in seconds; Kokoro is set beside them where it plays itself, and takes a minute
TROUBLE = Trouble(open_ms=10, call_ms=5, rtf=0.1)
AT_MOST = {
    "pace_off": 0.05, "level_off_db": 0.8, "pitch_off_semitones": 1.5, "pitch_moved_semitones": 1.5,
    "pitch_risen_off_semitones": 1.0, "pauses_the_wrong_way": 0, "level_apart_lu": 2.0, "pace_apart": 0.15,
}  # fmt: skip
AT_LEAST = {"matched": 0.8, "rhythm": 0.6, "balance": 0.38}
HIGHER_SEMITONES = 3.0  # further than any two readings of a voice are apart, and within reach of the knobs

Found = dict[str, list[float]]
"""Measure -> its values over personas and peers"""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A persona as one engine speaks it. `wanted`: what of it the engine does not ignore."""

    voice: Voice
    reading: Reading
    natural: Natural  # of whom it is, without how it moves
    wanted: Voice

    @classmethod
    def by(cls, tts: Tts, voice: Voice, reading: Reading) -> Spoken:
        return cls(voice, reading, by_itself(tts, who(voice)), wanted(tts, voice))

    @property
    def pace(self) -> float:
        """Against the engine's own, and what was asked of it: 1.0 is exact."""
        return self.reading.chars_per_s / (self.natural.chars_per_s * self.wanted.pace)

    @property
    def level_lu(self) -> float:
        """Likewise: 0.0 is exact."""
        return self.reading.loudness_lufs - self.natural.loudness_lufs - self.wanted.prosody.level_db


def play(stage: Stage) -> None:
    first = stage.random.randrange(len(SENTENCES))
    text = " ".join(SENTENCES[(first + k) % len(SENTENCES)] for k in range(SENTENCES_READ))
    found: Found = defaultdict(list)
    own, names = stage.make_tts(stage.adapter), personas.names()
    turn = names[stage.seed % len(names)]
    world = World(events=[(100, ev.SpeakRequested(text)), (200, ev.InputEnded())])
    simulator = stage.hold(world, TROUBLE, voice=personas.load(turn))
    phrases = phrases_of(simulator, text)
    spoken = []
    for name in names:
        voice = personas.load(name)
        reading = heard(simulator, phrases) if name == turn else read_aloud(own, phrases, voice)
        spoken.append(Spoken.by(own, voice, reading))
        kept(found, spoken[-1], read_aloud(own, phrases, who(voice)))
        pitched(found, spoken[-1], own, phrases)
    for peer in peers(stage):
        alike(found, spoken, peer, phrases)
    judge(stage, found)


def who(voice: Voice) -> Voice:
    """The same person, speaking plainly."""
    return Voice(timbre=voice.timbre, accent=voice.accent)


def wanted(tts: Tts, voice: Voice) -> Voice:
    """What the engine says it does for the persona: emotions as it approximates them, and nothing that it ignores."""
    came = {one.field: one.how for one in tts.project(voice).report}
    shaped = coloured(voice) if came.get("emotion_priors") == "approximated" else voice
    level_db = 0.0 if came.get("prosody.level_db") == "ignored" else shaped.prosody.level_db
    pauses = 1.0 if came.get("prosody.pauses") == "ignored" else shaped.prosody.pauses
    pitched = came.get("timbre.pitch_hz") == "honoured"
    semitones = shaped.prosody.pitch_semitones if pitched else 0.0
    return replace(
        shaped,
        timbre=replace(shaped.timbre, pitch_hz=voice.timbre.pitch_hz if pitched else None),
        prosody=replace(shaped.prosody, pitch_semitones=semitones, level_db=level_db, pauses=pauses),
        pace=PLAIN.pace if came.get("pace") == "ignored" else shaped.pace,
    )


def peers(stage: Stage) -> list[Tts]:
    """The other voices that are present; a tone has only itself to be compared with."""
    found = []
    for name in (TONES,) if stage.adapter == TONES else PEERS:
        if name != stage.adapter or name == TONES:
            try:
                found.append(stage.make_tts(name))
            except AdapterError:
                continue
    return found


def kept(found: Found, spoken: Spoken, plain: Reading) -> None:
    """Against the same voice reading plainly."""
    reading, asked = spoken.reading, spoken.wanted
    found["pace_off"].append(abs(likeness(reading, plain).pace / asked.pace - 1))
    found["level_off_db"].append(abs(reading.loudness_lufs - plain.loudness_lufs - asked.prosody.level_db))
    moved = 12 * log2(reading.median_hz / plain.median_hz)
    found["pitch_moved_semitones"].append(abs(moved - asked.prosody.pitch_semitones))
    if asked.timbre.pitch_hz is not None:
        asked_hz = asked.timbre.pitch_hz * 2 ** (asked.prosody.pitch_semitones / 12)
        found["pitch_off_semitones"].append(abs(12 * log2(reading.median_hz / asked_hz)))
    longer = asked.prosody.pauses / asked.pace - 1  # an engine's own pauses go with its pace
    if asked.prosody.pauses != PLAIN.prosody.pauses and plain.pause_s:
        found["pauses_the_wrong_way"].append(float((reading.pause_s - plain.pause_s) * longer < 0))


def pitched(found: Found, spoken: Spoken, tts: Tts, phrases: Sequence[Phrase]) -> None:
    """Against the same persona higher: who is cast for it has its pitch nearly by nature, with no knob turned."""
    timbre = spoken.voice.timbre
    if spoken.wanted.timbre.pitch_hz is not None:
        higher = replace(timbre, pitch_hz=spoken.wanted.timbre.pitch_hz * 2 ** (HIGHER_SEMITONES / 12))
        other = read_aloud(tts, phrases, replace(spoken.voice, timbre=higher))
        risen = 12 * log2(other.median_hz / spoken.reading.median_hz)
        found["pitch_risen_off_semitones"].append(abs(risen - HIGHER_SEMITONES))


def alike(found: Found, spoken: Iterable[Spoken], peer: Tts, phrases: Sequence[Phrase]) -> None:
    """Beside another voice, each set against its own."""
    balances, tunes = [], []
    for one in spoken:
        other = Spoken.by(peer, one.voice, read_aloud(peer, phrases, one.voice))
        found["level_apart_lu"].append(abs(one.level_lu - other.level_lu))
        found["pace_apart"].append(abs(one.pace / other.pace - 1))
        same = likeness(one.reading, other.reading)
        found["matched"].append(same.words / sum(len(phrase.text.split()) for phrase in phrases))
        found["rhythm"].append(same.rhythm)
        found["shift_ms"].append(abs(same.shift_ms))
        balances.append(same.balance)
        tunes.append(same.tune)
    found["balance"].append(float(np.mean(balances)))
    found["tune"].append(float(np.mean(tunes)))


def judge(stage: Stage, found: Found) -> None:
    """What could not be measured (NaN) keeps no limit."""
    for name, limit in AT_MOST.items():
        if found[name]:
            stage.at_most(f"{name}_most", np.max(found[name]), limit)
    for name, limit in AT_LEAST.items():
        if found[name]:
            stage.at_least(f"{name}_least", np.min(found[name]), limit)
    if found["rhythm"]:
        stage.measure("tune_least", np.min(found["tune"]))
        stage.measure("shift_ms_most", np.max(found["shift_ms"]))
    stage.measure("readings_compared", len(found["rhythm"]))


SCENE = Scene("persona-script", "one persona, every voice: pace, level, rhythm and sounds stay", play, seeds_most=40)
