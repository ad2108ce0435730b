"""duckbill scenes: what it prints, what it keeps, how it fails; and that another process replays what it kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial

import pytest

from orchestrator.config import load_config
from scenes.playbill import SCENES
from scenes.stage import Scene
from ui.cli import main


def play(capsys, tmp_path, *words):
    status = main(["scenes", *words, "--adapters", "null", "--json", "--artifacts", str(tmp_path)])
    said = capsys.readouterr()
    return status, [json.loads(line) for line in said.out.splitlines()], said.err


def test_each_run_is_a_line_and_is_kept_with_its_verdict(capsys, tmp_path):
    status, lines, _ = play(capsys, tmp_path, "two-sessions", "--seeds", "2")
    assert status == 0
    assert [(line["name"], line["adapter"], line["seed"], line["passed"]) for line in lines] == [
        ("two-sessions", "null", 0, True),
        ("two-sessions", "null", 1, True),
    ]
    for line in lines:
        assert line["measures"]["simulated_s"] > 0
        assert {"name", "value", "limit", "bound", "passed"} == set(line["probes"][0])
        folder = tmp_path / "scenes" / f"two-sessions-null-{line['seed']}"
        kept = {path.name for path in folder.iterdir()}
        assert {"manifest.json", "timeline.jsonl", "out.wav", "panel.png"} <= kept
        verdict = json.loads((folder / "manifest.json").read_text())["scene"]
        assert verdict["passed"] is True and verdict["probes"] == line["probes"]
        assert (folder / "2" / "timeline.jsonl").is_file(), "the other session"


def test_what_was_kept_is_replayed_by_another_process(capsys, tmp_path):
    play(capsys, tmp_path, "rough-weather", "barge-in", "--seeds", "1", "--keep", "1")
    folders = [path for path in (tmp_path / "scenes").iterdir() if path.name.endswith("-0")]
    assert len(folders) == 2
    for folder in folders:
        command = [sys.executable, "-m", "ui.cli", "replay", str(folder), "--verify", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["result"]["identical"] is True


def test_a_scene_that_waits_is_pending_and_not_passed(capsys, tmp_path):
    waiting = [scene.name for scene in SCENES if scene.pending]
    if not waiting:
        pytest.skip("every scene is built")
    status, lines, _ = play(capsys, tmp_path, *waiting)
    assert status == 0
    assert [line["passed"] for line in lines] == [None] * len(waiting)
    assert all(line["pending"] for line in lines)


def test_a_scene_that_fails_says_its_seed_and_is_kept(capsys, tmp_path, monkeypatch):
    """In this process: a worker of its own would not see what the test breaks."""
    from scenes import runner

    monkeypatch.setattr(runner, "ProcessPoolExecutor", InProcess)
    broken = Scene("breathing-room", "broken", lambda stage: stage.at_most("value", 2, 1))
    monkeypatch.setattr(runner, "scene", lambda name: broken)
    status, (line,), said = play(capsys, tmp_path, "breathing-room", "--seed", "17", "--keep", "0")
    assert status == 1 and line["passed"] is False
    assert "duckbill scenes breathing-room --adapters null --seed 17" in said
    assert "value is 2, at most 1" in said


class InProcess:
    def __init__(self, workers, context, initializer, arguments):
        initializer(*arguments)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def shutdown(self, cancel_futures):
        pass

    def submit(self, call, *arguments):
        from concurrent.futures import Future

        future = Future()
        future.set_result(call(*arguments))
        return future


def test_an_adapter_named_twice_is_played_once(capsys, tmp_path):
    main(["scenes", "cold-start", "--adapters", "null,null", "--seed", "1", "--json", "--artifacts", str(tmp_path)])
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_run_that_cannot_be_kept_is_not_said_to_be(capsys, tmp_path):
    (tmp_path / "scenes").write_text("a file where the folder should be")
    status, (line,), said = play(capsys, tmp_path, "cold-start", "--seed", "1")
    assert status == 0 and line["run"] is None
    assert "could not be kept" in said


def dies_of_seed_1(folder):
    if folder.name.endswith("-1"):
        os._exit(9)
    return ""


def test_a_worker_that_dies_takes_no_other_job_with_it(tmp_path):
    from scenes.runner import Job, play_all
    from ui.compose import context_of

    jobs = [Job("cold-start", "null", seed, str(tmp_path / f"cold-start-null-{seed}"), True) for seed in range(4)]
    context = partial(context_of, load_config(None, {}, {}))
    results = list(play_all(jobs, context, dies_of_seed_1, workers=2))
    assert [(result.seed, result.passed) for result in results] == [(0, True), (1, False), (2, True), (3, True)]
    assert "died" in results[1].notes[0]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["barge"], 2, "barge-in"),
        (["barge-in", "--adapters", "nul"], 1, "null"),
        (["barge-in", "--adapters", ","], 2, "--adapters"),
        (["barge-in", "--adapters", ""], 2, "--adapters"),
        (["barge-in", "--seeds", "0"], 2, "--seeds"),
        (["barge-in", "--jobs", "-1"], 2, "--jobs"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_cure(capsys, words, status, said):
    try:
        found = main(["scenes", *words])
    except SystemExit as stop:
        found = stop.code
    err = capsys.readouterr().err
    assert found == status and said in err.splitlines()[-1]


def test_the_list_names_every_scene(capsys):
    assert main(["scenes", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(scene.name in out and scene.about in out for scene in SCENES)


def test_a_journal_cut_at_any_byte_replays_up_to_its_last_whole_line(capsys, tmp_path):
    from random import Random

    play(capsys, tmp_path, "breathing-room", "--seeds", "1", "--keep", "1")
    folder = tmp_path / "scenes" / "breathing-room-null-0"
    journal = folder / "timeline.jsonl"
    whole = journal.read_bytes()
    first = whole.index(b"\n") + 1
    draw = Random(0)
    cuts = [0, 1, first - 1, first, first + 1, len(whole) - 1, *(draw.randrange(len(whole)) for _ in range(60))]
    for cut in cuts:
        journal.write_bytes(whole[:cut])
        status = main(["replay", str(folder), "--verify"])
        said = capsys.readouterr()
        if b'"event"' not in whole[first:cut].rpartition(b"\n")[0]:
            why = "is no journal" if cut < first else "nothing to compare"
            assert status == 2 and why in said.err and len(said.err.splitlines()) == 1, cut
        else:
            assert status == 0, (cut, said.err)
            assert "identical" in said.out and "last whole line" in said.err, cut


def test_workers_do_not_outlive_a_command_that_is_ended(tmp_path):
    import signal

    words = ["scenes", "barge-in", "--adapters", "null", "--seeds", "500", "--jobs", "1", "--json"]
    command = [sys.executable, "-m", "ui.cli", *words, "--artifacts", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        running.stdout.readline()  # it has played one: the worker is there
        running.send_signal(signal.SIGTERM)
        running.stdout.read()  # ends when the last process that holds it has ended
    assert running.returncode == -signal.SIGTERM
