"""The demonstration in real time: asked, interrupted, asked again; and replayed exactly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters.registry import Context
from ui.cli import main

pytestmark = [pytest.mark.demonstration, pytest.mark.engines]


def test_the_demonstration_is_held_and_replays(
    room: Path, real_context: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("espeakng_loader")
    assert main(["talk", "--demo", "--json"]) == 0
    turns = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [turn["turn"] for turn in turns] == [1, 2, 3, 4]
    assert "moon" in turns[1]["heard"].lower()
    assert [turn["barge_in"] for turn in turns] == [True, False, True, False]
    for turn in turns:
        assert turn["underruns"] == 0
        assert sum(turn["stages"].values()) == pytest.approx(turn["gap_ms"], abs=1)
        if turn["barge_in"]:
            assert turn["reply"].startswith(turn["reply_heard"])
            assert 0 < len(turn["reply_heard"]) < len(turn["reply"])
            assert turn["stop_ms"] is not None
        else:
            assert turn["reply_heard"] == turn["reply"]
    run = Path(turns[0]["run"])
    assert {path.name for path in run.iterdir()} == {"manifest.json", "timeline.jsonl", "out.wav", "panel.png"}
    assert main(["replay", str(run), "--verify"]) == 0
