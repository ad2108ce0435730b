"""voices, and a persona with say: as a person calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters import personas
from ui.cli import main


def test_the_list_names_every_persona_and_engine(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voices"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == personas.names()
    assert "NULL" in lines[0]


def test_one_persona_is_shown_field_by_field(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voices", "guide", "--json"]) == 0
    (guide,) = json.loads(capsys.readouterr().out)["result"]
    voice = personas.load("guide")
    assert guide["voice"]["pace"] == voice.pace
    assert tuple(came["field"] for came in guide["engines"]["null"]) == voice.asked()
    hows = {came["field"]: came["how"] for came in guide["engines"]["null"]}
    assert hows["pace"] == "honoured" and hows["timbre.pitch_hz"] == "ignored"
    assert main(["voices", "guide"]) == 0
    assert "ignored: the engine has no knob for it" in capsys.readouterr().out


def test_the_schema_takes_the_personas(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voices", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"name", "timbre", "prosody", "accent", "emotion_priors", "pace"} == set(schema["properties"])


def test_say_speaks_as_a_persona_and_replays(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def seconds(*more: str) -> float:
        assert main(["say", "Hello there, my friend.", "--adapter", "null", "--out", "x.wav", "--json", *more]) == 0
        return json.loads(capsys.readouterr().out)["result"]["seconds"]

    plain, narrator = seconds(), seconds("--persona", "narrator")
    assert main(["replay", "last", "--verify"]) == 0
    capsys.readouterr()
    assert narrator == pytest.approx(plain / personas.load("narrator").pace, rel=0.05)
    assert seconds("--persona", "narrator", "--pace", "1.0") == plain  # what is said beside it wins


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["voices", "narator"], "narrator"), (["voices", "none.json"], "No such file"),
     (["say", "x", "--persona", "gide", "--out", "x.wav"], "tts.persona is 'gide'")],
)  # fmt: skip
def test_a_mistake_gets_one_line(
    room: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("duckbill: ") and words in line
    assert "did you mean" in line or "name a JSON file" in line
