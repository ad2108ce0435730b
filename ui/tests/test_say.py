"""say, replay and plot, as a person calls them; the null engine speaks."""

from __future__ import annotations

import io
import json
import os
import shutil
import wave
from pathlib import Path

import pytest

from timeline.journal import JOURNAL
from ui.cli import main
from ui.runs import find_run

TEXT = "Hello there, this is a test. It has two sentences, and then it ends."


def say(*more: str) -> int:
    return main(["say", TEXT, "--adapter", "null", "--out", "said.wav", *more])


def test_say_writes_a_wav_and_leaves_a_run(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say("--json", "--seed", "3") == 0
    answer = json.loads(capsys.readouterr().out)
    result = answer["result"]
    with wave.open("said.wav") as said:
        assert (said.getnchannels(), said.getframerate(), said.getnframes()) == (1, 24000, result["samples"])
    assert result["reply_heard"] == TEXT
    assert result["underruns"] == 0
    run = Path(result["run"])
    assert {path.name for path in run.iterdir()} == {"manifest.json", "timeline.jsonl", "out.wav"}
    assert (run / "out.wav").read_bytes() == Path("said.wav").read_bytes()


def test_the_same_seed_says_the_same_bytes(room: Path) -> None:
    said = []
    for seed in ("5", "5", "6"):
        assert say("--seed", seed) == 0
        said.append(Path("said.wav").read_bytes())
    assert said[0] == said[1] != said[2]


def test_an_overwritten_file_is_kept(room: Path) -> None:
    assert say("--seed", "1") == 0
    first = Path("said.wav").read_bytes()
    assert say("--seed", "2") == 0
    assert Path("said.1.wav").read_bytes() == first


def test_replay_verifies_and_a_changed_journal_does_not(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say() == 0
    assert main(["replay", "last", "--verify"]) == 0
    journal = next(Path("artifacts").glob(f"*/{JOURNAL}"))
    text = journal.read_text()
    changed = text.replace('"units":64,"low_latency":false', '"units":48,"low_latency":false', 1)
    assert changed != text
    journal.write_text(changed)
    assert main(["replay", "last", "--verify"]) == 1


def test_a_changed_recording_is_found_out(room: Path) -> None:
    assert say() == 0
    journal = next(Path("artifacts").glob(f"*/{JOURNAL}"))
    lines = journal.read_text().splitlines(keepends=True)
    assert '"end"' in lines[-1]
    digest = json.loads(lines[-1])["note"]["end"]["digest"]
    journal.write_text("".join(lines[:-1]) + lines[-1].replace(digest, "0" * 64))
    assert main(["replay", "last", "--verify"]) == 1


def test_a_journal_cut_anywhere_replays_up_to_its_last_whole_line(room: Path) -> None:
    assert say() == 0
    run = next(Path("artifacts").iterdir())
    data = (run / JOURNAL).read_bytes()
    head = data.index(b"\n") + 1
    for share in range(7, 100, 7):
        cut = room / f"cut{share}"
        shutil.copytree(run, cut)
        (cut / JOURNAL).write_bytes(data[: head + (len(data) - head) * share // 100])
        assert main(["replay", str(cut), "--verify"]) == 0, share


def test_the_last_run_is_the_newest_that_has_begun_scenes_too(room: Path) -> None:
    assert say() == 0
    first = next(Path("artifacts").iterdir())
    scene, empty = Path("artifacts/scenes/barge-in-null-1"), Path("artifacts/failed-say")
    shutil.copytree(first, scene)
    empty.mkdir()
    (empty / JOURNAL).write_bytes((first / JOURNAL).read_bytes().splitlines(keepends=True)[0])
    for newest, folder in enumerate((first, scene, empty), 1):
        os.utime(folder / JOURNAL, ns=(newest, newest))
    assert find_run("last", "artifacts") == scene
    assert main(["replay", str(empty), "--verify"]) == 2


def test_plot_draws_the_last_run(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    assert say() == 0
    assert main(["plot", "last"]) == 0
    panel = Path(capsys.readouterr().out.splitlines()[-1])
    assert panel.read_bytes().startswith(b"\x89PNG")


def test_text_from_standard_input(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(TEXT))
    assert main(["say", "-", "--adapter", "null", "--out", "said.wav"]) == 0


def test_an_unwritable_artifacts_folder_costs_the_recording_only(
    room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("taken").write_text("a file where the folder should be")
    assert say("--artifacts", "taken") == 0
    assert Path("said.wav").exists()
    assert "taken" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["say", ""], 2, "nothing to say"),
        (["say", "\U0001f642"], 2, "nothing to say"),
        (["say", "x", "--out", "x.mp3"], 2, ".wav"),
        (["say", "x", "--out", "no/where.wav", "--adapter", "null"], 1, "no/where.wav"),
        (["say", "x", "--out", "x.wav", "--adapter", "pipr"], 1, "piper"),
        (["say", "x", "--out", "x.wav", "--adapter", "null", "--voice", "bass"], 1, "bass"),
        (["say", "x", "--out", "x.wav", "--pace", "9"], 2, "tts.pace"),
        (["say", "x", "--config", "none.toml"], 2, "none.toml"),
        (["replay", "nowhere"], 2, "nowhere"),
        (["plot", "last"], 2, "no run"),
    ],
)
def test_a_mistake_gets_one_line_that_names_it(
    room: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, words: str
) -> None:
    assert main(arguments) == status
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("duckbill: ")
    assert words in lines[0]


def test_odd_texts_are_spoken_or_refused(room: Path) -> None:
    odd = ["日本語 привет", "a\x00b\x07c", "x" * 5000, "\n\n1\n2", "...", "مرحبا", "<speak>hi</speak>"]
    for text in odd:
        assert main(["say", text, "--adapter", "null", "--out", "odd.wav"]) in (0, 2), text


def test_a_recording_that_was_cut_is_found_out(room: Path) -> None:
    assert say() == 0
    recording = next(Path("artifacts").glob("*/out.wav"))
    recording.write_bytes(recording.read_bytes()[:500])
    assert main(["replay", "last", "--verify"]) == 1


def test_an_artifacts_folder_that_cannot_be_named_costs_the_recording_only(room: Path) -> None:
    assert say("--artifacts", "a" * 300) == 0
    assert Path("said.wav").exists()


def test_half_characters_are_said_and_replayed(room: Path) -> None:
    assert main(["say", "hello \udcff world", "--adapter", "null", "--out", "said.wav"]) == 0
    assert main(["replay", "last", "--verify"]) == 0


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "1e9"])
def test_a_bench_of_no_length_is_refused(room: Path, minutes: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "read", "--minutes", minutes]) == 2
    assert "--minutes" in capsys.readouterr().err


@pytest.mark.parametrize("swap", ["espeak", "espeak@", "@1", "espeak@1e400s", "espeak@nan", "espeak@-1", "espeak@soon"])
def test_a_swap_that_is_none_is_told_how_to_write_one(
    room: Path, swap: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say("--swap", swap) == 2
    assert "NAME@SECONDS" in capsys.readouterr().err


@pytest.mark.demonstration
def test_who_spoke_and_what_did_not_come_is_told(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("espeakng_loader")
    assert say("--swap", "espeak@0.5s", "--swap", "null@60s", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["result"]["spoke"] == ["null", "espeak"]
    assert told["warnings"] == ["--swap: 1 of 2 changes came; the text was over before, or it spoke already"]


def test_who_cannot_be_loaded_is_replaced_by_a_fallback(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("duckbill.toml").write_text('[tts]\nadapter = "outetts"\nfallback = "null"\n')
    assert main(["say", TEXT, "--out", "said.wav", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["result"]["adapter"], told["result"]["underruns"]) == ("null", 0)
    assert told["warnings"][0].startswith("outetts cannot speak, null can: ")
    Path("duckbill.toml").write_text('[tts]\nadapter = "null"\nfallback = ["outetts"]\n')
    assert main(["say", TEXT, "--out", "said.wav"]) == 0
    assert "outetts cannot speak, null can: " in capsys.readouterr().err


@pytest.mark.parametrize("slip", [("--adapter", "nul"), ("--adapter", "espeak", "--voice", "nobody")])
def test_a_slip_is_no_reason_for_a_fallback(room: Path, slip: tuple[str, ...]) -> None:
    pytest.importorskip("espeakng_loader")
    Path("duckbill.toml").write_text('[tts]\nfallback = ["null"]\n')
    assert main(["say", TEXT, *slip, "--out", "said.wav"]) != 0
