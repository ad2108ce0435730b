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
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

import numpy as np

from adapters.base import EAR_RATE_HZ
from scenes.corpus import rooms, texts
from scenes.corpus.cast import SPOKEN_DBFS, Cast, Spoken
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
_TEXTS: dict[str, tuple[str, ...]] = {
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


def cases(cast: Cast, seed: int = 0, counts: dict[Kind, int] = COUNTS) -> Iterator[Case]:
    """All kinds, mixed. Raises AdapterError."""
    random = Random(f"overlaps {seed}")
    kinds = [(kind, number) for kind, count in counts.items() for number in range(count)]
    random.shuffle(kinds)
    for number, (kind, of_kind) in enumerate(kinds):
        sound, what, engine = _sound(cast, kind, of_kind, random)
        low_db, high_db = LEVEL_DB.get(kind, (0.0, 0.0))
        dbfs = SPOKEN_DBFS + random.uniform(low_db, high_db)
        yield _in_a_room(Case(number, kind, what, engine, dbfs, set_active_dbfs(sound, dbfs), 0, sound.size), random)


def _sound(cast: Cast, kind: Kind, number: int, random: Random) -> tuple[Float32, str, str]:
    """What sounds, what it is, and the engine that speaks it, at no particular level."""
    rng = np.random.default_rng(random.getrandbits(32))
    size = LASTING_MS * EAR_RATE_HZ // 1000
    if kind == "silence":
        return np.zeros(0, np.float32), "", ""
    if kind == "noise":
        what = NOISES[number % len(NOISES)]
        return make_noise(what, size, SPOKEN_DBFS, random.getrandbits(32)), what, ""
    if kind == "background" and number % 2:
        who = [one for one in cast.speakers if one.engine == cast.speakers[0].engine]
        voices = [cast.speak(who[n % len(who)], random.choice(texts.TURNS).replace("| ", "")).pcm
                  for n in range(BABBLERS)]  # fmt: skip
        return rooms.reverberant(rooms.babble(voices, size, rng), rng), "babble", cast.speakers[0].engine
    spoken, engine = _said(cast, kind, number)
    if kind == "to_others":
        return rooms.turned_away(spoken.pcm, rng), spoken.text, engine
    if kind == "background":
        return rooms.television(spoken.pcm, rng), spoken.text, engine
    return spoken.pcm, spoken.text, engine


def _said(cast: Cast, kind: Kind, number: int) -> tuple[Spoken, str]:
    """Speakers in turns; each says a few texts of a kind, others than the next one."""
    turn, place = divmod(number, len(cast.speakers))
    choice = _TEXTS[kind]
    who = cast.speakers[place]
    return cast.speak(who, choice[(TEXTS_EACH * place + turn % TEXTS_EACH) % len(choice)]), who.engine


def _in_a_room(case: Case, random: Random) -> Case:
    """Silence around it, and the room's own noise beneath."""
    lead, tail = (ms * EAR_RATE_HZ // 1000 for ms in (LEAD_MS, TAIL_MS))
    lasting = 0 if case.pcm.size else LASTING_MS * EAR_RATE_HZ // 1000
    whole = np.pad(case.pcm, (lead, tail + lasting))
    noise, dbfs = random.choice(ROOMS)
    whole += make_noise(noise, whole.size, dbfs, random.getrandbits(32))
    return replace(case, pcm=whole, begin=lead, end=lead + case.pcm.size)
