"""Overlaps: what a microphone hears while the other side speaks, and whether it is meant to take the floor.

    kind           who                                              level         takes the floor
    interruption   the user, a sentence or two                      as usual      yes
    backchannel    the user, a word                                 softer        no
    to_others      the user or another, turned away                 much softer   no
    background     several who speak at once; a television          much softer   no
    noise          nobody: hiss, hum, keys, coughs                  any           no
    silence        nobody: the microphone's own hiss                             no

The four situations with speech are those of Full-Duplex-Bench v1.5. The number of each kind is fixed, and everything
else is drawn from a seed: same seed, same samples. Positions are samples at EAR_RATE_HZ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal, NamedTuple

import numpy as np

from adapters.base import EAR_RATE_HZ
from scenes.corpus import rooms, texts
from scenes.corpus.cast import SPOKEN_DBFS, Cast
from scenes.corpus.levels import set_active_dbfs
from scenes.corpus.noises import make_noise
from stitcher.pcm import Float32

Kind = Literal["interruption", "backchannel", "to_others", "background", "noise", "silence"]

COUNTS: dict[Kind, int] = {
    "interruption": 60, "backchannel": 50, "to_others": 30, "background": 30, "noise": 20, "silence": 10,
}  # fmt: skip
"""Of 200 cases."""

LEAD_MS, TAIL_MS = 500, 1500  # of the room alone, before and behind
LASTING_MS = 4_000  # of background, noise and silence
LEVEL_DB: dict[Kind, tuple[float, float]] = {
    "interruption": (-6.0, 4.0), "backchannel": (-10.0, 0.0), "to_others": (-18.0, -10.0),
    "background": (-22.0, -12.0), "noise": (-24.0, -4.0),
}  # fmt: skip
"""Beside a user's usual level, from and to."""
ROOMS = (("pink", -70.0), ("white", -60.0), ("hum", -55.0), ("pink", -50.0))  # (noise, dBFS) of the room itself
NOISES = ("white", "pink", "hum", "keys", "coughs")
TEXTS_EACH = 3  # of a kind that a speaker says: slow voices need not say more
BABBLERS = 5
SAID: dict[Kind, tuple[str, ...]] = {
    "interruption": texts.INTERRUPTIONS, "backchannel": texts.BACKCHANNELS, "to_others": texts.TO_OTHERS,
    "background": texts.TELEVISION,
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One overlap. [begin, end): where it sounds; empty for silence. `what`: its text, or its noise."""

    number: int
    kind: Kind
    what: str
    engine: str
    dbfs: float
    pcm: Float32
    begin: int
    end: int

    @property
    def takes_floor(self) -> bool:
        return self.kind == "interruption"


class Sound(NamedTuple):
    """What sounds, what it is, and the engine that speaks it; both empty where nobody does."""

    pcm: Float32
    what: str = ""
    engine: str = ""


def cases(cast: Cast, seed: int = 0, counts: dict[Kind, int] = COUNTS) -> Iterator[Case]:
    """All kinds, mixed. Raises AdapterError."""
    random = Random(f"overlaps {seed}")
    kinds = [(kind, number) for kind, count in counts.items() for number in range(count)]
    random.shuffle(kinds)
    for number, (kind, of_kind) in enumerate(kinds):
        sound = _sound(cast, kind, of_kind, random)
        low_db, high_db = LEVEL_DB.get(kind, (0.0, 0.0))
        dbfs = SPOKEN_DBFS + random.uniform(low_db, high_db)
        pcm, begin = _in_a_room(set_active_dbfs(sound.pcm, dbfs), random)
        yield Case(number, kind, sound.what, sound.engine, dbfs, pcm, begin, begin + sound.pcm.size)


def _sound(cast: Cast, kind: Kind, number: int, random: Random) -> Sound:
    """At no particular level."""
    rng = np.random.default_rng(random.getrandbits(32))
    size = LASTING_MS * EAR_RATE_HZ // 1000
    if kind == "silence":
        return Sound(np.zeros(0, np.float32))
    if kind == "noise":
        what = NOISES[number % len(NOISES)]
        return Sound(make_noise(what, size, SPOKEN_DBFS, random.getrandbits(32)), what)
    if kind == "background" and number % 2:
        return Sound(rooms.reverberant(rooms.babble(_crowd(cast, random), size, rng), rng), "babble")
    said = _said(cast, kind, number)
    if kind == "to_others":
        return said._replace(pcm=rooms.turned_away(said.pcm, rng))
    if kind == "background":
        return said._replace(pcm=rooms.television(said.pcm, rng))
    return said


def _crowd(cast: Cast, random: Random) -> list[Float32]:
    """Several voices of the first speaker's engine, which is a quick one."""
    who = [one for one in cast.speakers if one.engine == cast.speakers[0].engine]
    said = [random.choice(texts.TURNS).replace("| ", "") for _ in range(BABBLERS)]
    return [cast.speak(who[number % len(who)], text).pcm for number, text in enumerate(said)]


def _said(cast: Cast, kind: Kind, number: int) -> Sound:
    """Speakers in turns; each says a few texts of a kind, others than the next one."""
    turn, place = divmod(number, len(cast.speakers))
    who, choice = cast.speakers[place], SAID[kind]
    text = choice[(TEXTS_EACH * place + turn % TEXTS_EACH) % len(choice)]
    return Sound(cast.speak(who, text).pcm, text, who.engine)


def _in_a_room(sound: Float32, random: Random) -> tuple[Float32, int]:
    """With silence around it, and the room's own noise beneath; and where it begins."""
    lead, tail = (ms * EAR_RATE_HZ // 1000 for ms in (LEAD_MS, TAIL_MS))
    lasting = 0 if sound.size else LASTING_MS * EAR_RATE_HZ // 1000
    whole = np.pad(sound, (lead, tail + lasting))
    noise, dbfs = random.choice(ROOMS)
    return whole + make_noise(noise, whole.size, dbfs, random.getrandbits(32)), lead
