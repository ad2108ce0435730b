"""duckbill conform and duckbill adapters: what they print, and how they fail."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.base import Cost
from adapters.conformance.suite import CHECKS
from adapters.registry import names
from adapters.tts.null import ToneTts
from adapters.tts.tests.stand_ins import STAND_INS
from ui.cli import main
from ui.commands.conform import options_of
from ui.costs import cost_line

OWN = """
from adapters.tts.null import NullTts

class OwnTts(NullTts):
    pass
"""


@pytest.fixture(autouse=True)
def cache(room: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DUCKBILL_CACHE", str(room / "cache"))
    return room / "cache"


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_each_check_is_a_line(capsys):
    assert main(["conform", "null", "--json"]) == 0
    found = lines(capsys)
    assert [line["name"] for line in found] == [check.name for check in CHECKS]
    assert {tuple(line) for line in found} == {("adapter", "name", "value", "bound", "limit", "passed", "says")}


def test_a_failed_check_is_shown_and_the_exit_status_says_so(capsys):
    assert main(["conform", "null", "--option", "short_by=-1"]) == 1
    said = capsys.readouterr().out
    assert "- no-more-than-asked" in said and "9 units where 8 were asked" in said
    assert "1 failed" in said


def test_an_adapter_in_this_folder_needs_no_registration(capsys, room):
    (room / "own_voice.py").write_text(OWN)
    assert main(["conform", "own_voice:OwnTts", "--json"]) == 0
    assert {line["adapter"] for line in lines(capsys)} == {"own_voice:OwnTts"}


def test_an_engine_is_held_with_its_settings_of_the_file_and_options_win(capsys, room):
    with STAND_INS["openai_speech"](room) as (name, options):
        (room / "own.toml").write_text(f'[tts.{name}]\nbase_url = "http://127.0.0.1:1"\n')
        words = ["conform", name, "--json", "--config", str(room / "own.toml")]
        assert main([*words, "--option", f"base_url={options['base_url']}"]) == 0
        found = lines(capsys)
        assert [line["name"] for line in found] == [check.name for check in CHECKS]
        assert main(words) == 1  # nobody listens there
        assert "tts.openai_speech.base_url" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        (["nobody"], 1, "no tts adapter 'nobody'"),
        (["nowhere.at.all:Tts"], 1, "write package.module:Class"),
        (["adapters.tts.null:Missing"], 1, "write package.module:Class"),
        (["null", "--option", "colour=red"], 1, "unknown option tts.null.colour"),
        (["null", "--option", "colour"], 2, "--option 'colour' is not K=V"),
        ([], 2, "conform needs the NAME"),
    ],
)
def test_a_mistake_is_one_line_with_the_cure(capsys, words, status, line):
    assert main(["conform", *words]) == status
    said = capsys.readouterr().err
    assert line in said and len(said.splitlines()) == 1


def test_checks_are_listed_with_their_promises(capsys):
    assert main(["conform", "--list"]) == 0
    said = capsys.readouterr().out
    assert all(check.name in said and check.promise in said for check in CHECKS)


def test_an_option_is_a_value_as_the_file_has_it():
    given = ["rtf=0.5", "fail_at=3", "markers=false", "voice=en-gb", 'name="a=b"']
    assert options_of(given) == {"rtf": 0.5, "fail_at": 3, "markers": False, "voice": "en-gb", "name": "a=b"}


def test_every_adapter_of_every_role_is_listed(capsys):
    assert main(["adapters", "--no-warm-up", "--json"]) == 0
    found = lines(capsys)
    expected = [(role, name) for role in ("tts", "stt", "ears", "echo", "llm") for name in names(role)]
    assert [(line["role"], line["name"]) for line in found] == expected
    for line in found:
        if line["capability"] is None:
            assert line["state"] in ("unavailable", "broken") and line["cure"]
        else:
            assert line["state"] == "described" and line["capability"]["role"] == line["role"]


def test_missing_weights_are_a_row_with_the_cure_and_no_error(capsys):
    assert main(["adapters", "--role", "tts", "--json"]) == 0
    found = {line["name"]: line for line in lines(capsys)}
    assert found["null"]["state"] == "ready" and found["null"]["capability"]["cost"] is not None
    assert found["piper"]["state"] == "unavailable", "the cache is empty"
    assert "duckbill models fetch" in found["piper"]["cure"] or "pip install" in found["piper"]["cure"]


def test_the_table_says_in_words_what_an_adapter_can_do(capsys):
    assert main(["adapters", "--role", "tts", "--no-warm-up"]) == 0
    said = capsys.readouterr().out.splitlines()
    at = next(k for k, line in enumerate(said) if line.split()[:2] == ["tts", "null"])
    assert said[at + 1].strip() == (
        "24000 Hz; chunks of 80 to 640 ms; word times measured; repeats to the bit; "
        "sounds otherwise with another seed; voices tone; says 15 characters a second, -18 LUFS"
    )


def test_the_table_ends_with_what_its_marks_mean(capsys):
    assert main(["adapters", "--role", "tts"]) == 0
    *rows, last = capsys.readouterr().out.splitlines()
    ready, missing = (sum(line.startswith(f"{mark} tts ") for line in rows) for mark in "+-")
    assert ready and missing, "the cache is empty"
    assert last.startswith(f"+ {ready} ready, - {missing} unavailable.")


def test_the_first_chunk_that_is_told_is_that_of_a_sentence(capsys):
    capability = replace(ToneTts().describe(), cost=Cost(0, 30_000_000, 1_000_000, 5_000_000, 1_000_000))
    assert "after 83 ms, real-time factor 0.11" in cost_line(capability)
