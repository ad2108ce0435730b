"""Personas: those that come with the program are voices, and what is wrong with another is one line with its cure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters import personas
from adapters.voice import PLAIN, Voice

SHIPPED = ["companion", "guide", "narrator"]


def test_three_come_with_the_program():
    assert personas.names() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_each_is_a_voice_of_its_own_name_that_asks_for_something(name):
    voice = personas.load(name)
    assert voice.name == name
    assert {"timbre.names", "timbre.pitch_hz", "accent", "pace"} <= set(voice.asked())
    assert {"kokoro", "espeak"} <= set(voice.timbre.names)


def test_no_two_are_alike():
    voices = [personas.load(name) for name in SHIPPED]
    assert len({voice.pace for voice in voices}) == len({voice.timbre.pitch_hz for voice in voices}) == len(SHIPPED)


def test_a_file_of_ones_own_is_a_persona(tmp_path: Path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"pace": 1.2, "timbre": {"names": {"piper": "x"}}}))
    assert personas.load(str(path)).pace == 1.2
    path.write_text("{}")
    assert personas.load(str(path)) == PLAIN == Voice()


@pytest.mark.parametrize(
    ("text", "line"),
    [('{"pace": 9}', "pace: "), ('{"pac": 1}', "pac: "), ('{"timbre": {"gender": "x"}}', "timbre.gender: "),
     ("{", "JSON"), (b"\xff", "UTF-8")],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_one_line(tmp_path: Path, text: str | bytes, line: str):
    path = tmp_path / "mine.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(personas.PersonaError) as caught:
        personas.load(str(path))
    assert line in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "near"), [("narator", "narrator"), ("Guide", "guide"), ("zzz", ", ".join(SHIPPED))])
def test_a_name_that_is_none_gets_the_nearest(name: str, near: str):
    with pytest.raises(personas.PersonaError, match=f"did you mean {near}"):
        personas.load(name)
    with pytest.raises(personas.PersonaError, match="No such file"):
        personas.load("nowhere.json")
