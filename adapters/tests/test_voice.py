"""The voice schema: what it takes, what it refuses, and that no field is dropped in silence."""

from __future__ import annotations

import json

import orjson
import pytest

from adapters.voice import PLAIN, Came, Mapper, Prosody, Timbre, Voice, json_schema, named
from timeline.codec import _build

RICH = Voice(
    name="Ada", timbre=Timbre(names={"piper": "joe"}, gender="female", pitch_hz=190.0),
    prosody=Prosody(pitch_semitones=1.0), accent="en-GB", emotion_priors={"joy": 0.4}, pace=1.1,
)  # fmt: skip


def test_a_voice_survives_the_journal() -> None:
    assert _build(Voice, json.loads(orjson.dumps(RICH))) == RICH


def test_a_plain_voice_asks_for_nothing_and_a_rich_one_for_what_was_set() -> None:
    assert PLAIN.asked() == () == Voice(name="only a name").asked()
    assert RICH.asked() == (
        "timbre.names", "timbre.gender", "timbre.pitch_hz", "prosody.pitch_semitones", "accent", "emotion_priors",
        "pace",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "named_in_error"),
    [({"pace": 9}, "pace"), ({"emotion_priors": {"glee": 1}}, "emotion_priors"),
     ({"emotion_priors": {"joy": 2}}, "joy"), ({"timbre": {"pitch_hz": 5}}, "pitch"),
     ({"volume": 3}, "volume"), ({"timbre": {"tone": "x"}}, "tone")],
)  # fmt: skip
def test_what_no_voice_can_be_is_refused_by_name(fields: dict, named_in_error: str) -> None:
    with pytest.raises(ValueError, match=named_in_error):
        Voice(**fields)


def test_a_mapper_reports_every_field_that_asks() -> None:
    mapper = Mapper(RICH, "espeak")
    mapper.knob("voice", "plain", "timbre.names")
    mapper.knob("pitch", 60, "timbre.pitch_hz", "prosody.pitch_semitones")
    mapper.knob("rate", 190, "pace", how="approximated", detail="steps of one word per minute")
    mapper.say("prosody.level_db", "honoured")  # was not asked for
    done = mapper.done()
    assert done.knobs == {"voice": "plain", "pitch": 60, "rate": 190}
    assert tuple(came.field for came in done.report) == RICH.asked()
    came = {one.field: one for one in done.report}
    assert came["timbre.names"] == Came("timbre.names", "ignored", "nobody of espeak is cast for it")
    assert came["pace"].how == "approximated"
    assert came["accent"].how == "ignored"
    assert came["prosody.pitch_semitones"].how == "honoured"


def test_a_name_is_for_the_engine_it_was_cast_from() -> None:
    voice = named("piper", "joe", 1.2)
    assert Mapper(voice, "piper").cast == "joe"
    assert Mapper(voice, "espeak").cast == ""


def test_what_a_voice_is_like_is_left_to_the_one_that_was_cast() -> None:
    (gender,) = [came for came in Mapper(RICH, "piper").done().report if came.field == "timbre.gender"]
    assert (gender.how, gender.detail) == ("approximated", "left to the voice that is cast")


def test_the_schema_names_every_part() -> None:
    properties = json_schema()["properties"]
    assert {"timbre", "prosody", "accent", "emotion_priors", "pace"} <= set(properties)
