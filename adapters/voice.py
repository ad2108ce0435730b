"""A voice is a schema, not an index: the same request whatever engine speaks it.

    Voice -> Mapper (one per engine) -> that engine's own knobs, and a report of what came of each field

A field that is left at its default asks for nothing. Engines know voices by names of their own, so a persona carries
those that were cast for it (`timbre.names`); the other fields say what the voice is like, for engines nobody cast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields, is_dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

PACE_MIN, PACE_MAX = 0.5, 2.0  # beyond, no engine we know stays intelligible
PITCH_MIN_HZ, PITCH_MAX_HZ = 60.0, 400.0  # a deep man, a small child
SHIFT_MOST_SEMITONES = 12.0  # an octave: beyond, it is another voice
LEVEL_MOST_DB = 12.0  # louder or softer than that is not a way of speaking

Emotion = Literal["calm", "joy", "sadness", "anger", "fear", "surprise"]
Strength = Annotated[float, Field(ge=0.0, le=1.0)]
How = Literal["honoured", "approximated", "ignored"]

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, config=_STRICT)
class Timbre:
    """Whose voice it is. `names`: engine -> its own name for the voice; without one an engine that has several
    chooses by the other fields. `pitch_hz`: the median fundamental of plain speech."""

    names: Mapping[str, str] = field(default_factory=dict)
    gender: Literal["", "female", "male", "neutral"] = ""
    age: Literal["", "child", "young", "adult", "old"] = ""
    pitch_hz: float | None = Field(default=None, ge=PITCH_MIN_HZ, le=PITCH_MAX_HZ)


@dataclass(frozen=True, slots=True, config=_STRICT)
class Prosody:
    """How it moves. `pitch_semitones`: shift from the timbre's own; `range`: how far the pitch swings, `pauses`:
    how long pauses are, both 1.0 as the engine does by itself; `level_db`: louder or softer."""

    pitch_semitones: float = Field(default=0.0, ge=-SHIFT_MOST_SEMITONES, le=SHIFT_MOST_SEMITONES)
    range: float = Field(default=1.0, ge=0.0, le=2.0)
    pauses: float = Field(default=1.0, ge=0.0, le=3.0)
    level_db: float = Field(default=0.0, ge=-LEVEL_MOST_DB, le=LEVEL_MOST_DB)


@dataclass(frozen=True, slots=True, config=_STRICT)
class Voice:
    """`accent`: a language tag such as en-GB, empty for the engine's own. `emotion_priors`: how much of each there
    is, 0 to 1. `pace`: 1.0 is the engine's own, 2.0 twice as fast. `name`: the persona's, for people."""

    name: str = ""
    timbre: Timbre = field(default_factory=Timbre)
    prosody: Prosody = field(default_factory=Prosody)
    accent: str = ""
    emotion_priors: Mapping[Emotion, Strength] = field(default_factory=dict)
    pace: float = Field(default=1.0, ge=PACE_MIN, le=PACE_MAX)

    def asked(self) -> tuple[str, ...]:
        """The fields that ask for something, dotted: ("timbre.pitch_hz", "pace"). `name` asks for nothing."""
        return tuple(name for name in _asked(self, Voice(), "") if name != "name")


PLAIN = Voice()
"""An engine as it is."""


def named(engine: str, name: str, pace: float = 1.0) -> Voice:
    """The voice that `engine` calls `name`; empty for its default."""
    return Voice(timbre=Timbre(names={engine: name} if name else {}), pace=pace)


def json_schema() -> dict[str, Any]:
    """The schema of a persona file."""
    return TypeAdapter(Voice).json_schema()


def _asked(value: Any, plain: Any, prefix: str) -> list[str]:
    names: list[str] = []
    for one in fields(value):
        mine, default = getattr(value, one.name), getattr(plain, one.name)
        if is_dataclass(mine):
            names += _asked(mine, default, f"{prefix}{one.name}.")
        elif mine != default:
            names.append(prefix + one.name)
    return names


# -- projecting ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Came:
    """What came of one field. `detail`: what is done instead, or why nothing can be."""

    field: str
    how: How
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Projection:
    """A voice on an engine's own knobs (`knobs`, by the engine's own names), and what came of each field asked for."""

    knobs: Mapping[str, Any]
    report: tuple[Came, ...]


class Mapper:
    """Projects one voice for one engine: the adapter turns knobs and says which field each of them serves; what it
    says nothing of is ignored, and reported so.

        mapper = Mapper(voice, "piper")
        mapper.knob("length_scale", 1 / voice.pace, "pace")
        return mapper.done()
    """

    def __init__(self, voice: Voice, engine: str) -> None:
        self.voice = voice
        self.cast = voice.timbre.names.get(engine, "")  # the engine's own name for the voice, if it has been cast
        self._asked = voice.asked()
        self._knobs: dict[str, Any] = {}
        self._came: dict[str, Came] = {}
        if not self.cast and "timbre.names" in self._asked:
            self._came["timbre.names"] = Came("timbre.names", "ignored", f"nobody of {engine} is cast for it")
        for one in ("timbre.gender", "timbre.age") if self.cast else ():
            self.say(one, "approximated", "left to the voice that is cast")

    def knob(self, name: str, value: Any, *served: str, how: How = "honoured", detail: str = "") -> None:
        """Set the engine's knob `name`, which serves these fields."""
        self._knobs[name] = value
        for one in served:
            self.say(one, how, detail)

    def say(self, served: str, how: How, detail: str = "") -> None:
        """Say what came of a field; of one that was not asked for nothing is said, and where nobody is cast that is."""
        if served in self._asked and (self.cast or served != "timbre.names"):
            self._came[served] = Came(served, how, detail)

    def done(self) -> Projection:
        ignored = "the engine has no knob for it"
        report = tuple(self._came.get(one) or Came(one, "ignored", ignored) for one in self._asked)
        return Projection(self._knobs, report)
