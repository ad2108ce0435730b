"""Bad Microphone notices when what it is there for is broken. Each seed draws one kind of loss."""

from __future__ import annotations

import pytest

from adapters.audio import watch
from orchestrator import dialogue, microphone_health
from scenes.plays import bad_microphone
from scenes.tests.test_scenes import failed, played
from stitcher import arrivals, capture

NEVER = 10**9


def dated_by_the_last(self, position, device_ns):
    self._zero_ns = device_ns - position * 1_000_000_000 // self._rate_hz


@pytest.mark.parametrize(
    ("seed", "owner", "name", "broken", "notices"),
    [
        (1, watch, "STILL_MOST", NEVER, "told_gone"),  # no watchdog
        (2, microphone_health, "DEAD_MS", NEVER, "told_dead"),
        (1, microphone_health, "DEAD_SWING", 60, "told_dead"),  # a quiet room is taken for dead
        (0, microphone_health, "ALIVE_MS", NEVER, "told_alive"),
        (0, microphone_health, "CLIPPED", 2.0, "told_clips"),
        (0, arrivals.Arrivals, "feed", dated_by_the_last, "turn_end_off_ms"),
        (0, capture, "FACT_BLOCKS", 8, "lost_samples"),
        (0, dialogue.Dialogue, "end_hearing", dialogue.Dialogue.interrupt, "flushes"),
        (4, dialogue.Dialogue, "end_hearing", lambda self: None, "turn_end_late_ms"),
    ],
)
def test_the_scene_notices(monkeypatch, seed, owner, name, broken, notices):
    monkeypatch.setattr(owner, name, broken)
    assert notices in failed(played(bad_microphone.SCENE, seed))
