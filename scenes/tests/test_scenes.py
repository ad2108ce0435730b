"""The scenes: each passes as it stands, and each notices when what it is there for is broken."""

from __future__ import annotations

import dataclasses

import pytest

from adapters.tts.null import ToneTts
from adapters.voice import Voice
from orchestrator import actions as act
from orchestrator import barge_in as barge_in_rules
from orchestrator import bus, floor, rate, rendering
from scenes.playbill import SCENES, known_seeds
from scenes.plays import (
    barge_in,
    breathing_room,
    cold_start,
    full_disk,
    heard_ledger,
    heard_ledger_paused,
    long_read,
    persona_script,
    rough_weather,
    slow_client,
    throttle_and_recover,
    two_cores,
    two_sessions,
)
from scenes.stage import Scene, Stage
from stitcher import playout
from timeline import ledger

BUILT = [scene for scene in SCENES if not scene.pending and not scene.adapters]  # those that tones can play
SEEDS = (1000, 1001)  # a smoke test: the many are played by `duckbill scenes`


def played(scene: Scene, seed: int = 0, make_tts=lambda name: ToneTts()) -> Stage:
    stage = Stage(scene.name, "null", seed, make_tts)
    scene.play(stage)
    stage.close()
    return stage


def failed(stage: Stage) -> set[str]:
    return {probe.name for probe in stage.probes if not probe.passed}


@pytest.mark.parametrize("scene", BUILT, ids=lambda scene: scene.name)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_scene_passes(scene, seed):
    stage = played(scene, seed)
    assert stage.passed, (failed(stage), stage.notes)


WRITTEN = {"records_that_read", "records_share"}
"""Probes of what a thread has written until its disk was full: how much was flushed by then is its own time's."""


def found(stage: Stage) -> list[tuple[object, ...]]:
    plain = [dataclasses.replace(probe, value=0.0) if probe.name in WRITTEN else probe for probe in stage.probes]
    return [dataclasses.astuple(probe) for probe in plain]


@pytest.mark.parametrize("scene", BUILT, ids=lambda scene: scene.name)
def test_the_same_seed_finds_the_same(scene):
    one, other = played(scene, 7), played(scene, 7)
    assert found(one) == found(other)
    assert one.measures == other.measures
    assert [held.simulator.records for held in one.held] == [held.simulator.records for held in other.held]


def test_a_scene_is_either_built_or_waits_for_something():
    assert all(bool(scene.play) != bool(scene.pending) for scene in SCENES)
    assert len({scene.name for scene in SCENES}) == len(SCENES)


def test_known_seeds_are_of_scenes_that_are_there():
    found = {scene.name: known_seeds(scene.name, "null") for scene in SCENES}
    assert 9 in found["breathing-room"]


def test_a_stage_without_probes_has_not_passed():
    assert not Stage("empty", "null", 0, lambda name: ToneTts()).passed


# -- broken on purpose ------------------------------------------------------------------------


def test_breathing_room_notices_a_file(monkeypatch, tmp_path):
    plain = bus.Bus.apply

    def writes(self, action):
        (tmp_path / "leak").write_bytes(b"x")
        return plain(self, action)

    monkeypatch.setattr(bus.Bus, "apply", writes)
    assert {"files_opened", "bytes_written"} <= failed(played(breathing_room.SCENE))


def test_breathing_room_notices_a_late_start(monkeypatch):
    monkeypatch.setattr(rate.Ladder, "_first_rung", lambda self: len(self.rungs) - 1)
    assert "first_sample_ms_most" in failed(played(breathing_room.SCENE, 9))


def test_barge_in_notices_a_slow_stop(monkeypatch):
    monkeypatch.setattr(playout, "FADE_MS", 40)
    assert {"stop_samples_most", "violations"} <= failed(played(barge_in.SCENE))


def test_barge_in_notices_that_old_work_goes_on(monkeypatch):
    plain = rendering.Rendering.cancel

    def keeps_talking(self):
        return [action for action in plain(self) if type(action).__name__ != "Flush"]

    monkeypatch.setattr(rendering.Rendering, "cancel", keeps_talking)
    assert failed(played(barge_in.SCENE))


def test_heard_ledger_paused_notices_that_samples_are_skipped(monkeypatch):
    plain = playout.Playout._mind_hold

    def forgetful(self, held, written):
        if self._held and not held:
            self.ring.consume(min(200, self.ring.queued))
        plain(self, held, written)

    monkeypatch.setattr(playout.Playout, "_mind_hold", forgetful)
    assert "samples_lost_or_twice" in failed(played(heard_ledger_paused.SCENE))


def test_heard_ledger_paused_notices_a_voice_that_does_not_go_on(monkeypatch):
    monkeypatch.setattr(barge_in_rules, "is_backchannel", lambda *_: False)
    monkeypatch.setattr(barge_in_rules, "_asks", lambda *_: True)
    assert "flushes" in failed(played(heard_ledger_paused.SCENE))


def test_long_read_notices_a_gap(monkeypatch):
    monkeypatch.setattr(rate.Ladder, "breath_ns", lambda self, rung: 0)
    assert "underrun_samples" in failed(played(long_read.SCENE, 1))


def test_heard_ledger_notices_words_that_were_not_heard(monkeypatch):
    monkeypatch.setattr(ledger.Ledger, "heard_chars", lambda self, phrase, text, read_index: (len(text), True))
    assert {"mid_reply_words_off", "twice_words_off"} <= failed(played(heard_ledger.SCENE))


def test_slow_client_notices_lost_audio(monkeypatch):
    plain = playout.Playout.fill

    def loses(self, block, device_ns):
        self.ring.consume(min(3, self.ring.queued))
        plain(self, block, device_ns)

    monkeypatch.setattr(playout.Playout, "fill", loses)
    assert failed(played(slow_client.SCENE))


def test_two_sessions_notices_a_shared_voice(monkeypatch):
    monkeypatch.setattr(two_sessions, "aloud", lambda seconds, first: "One. " * 40 if first else "Two. " * 40)
    monkeypatch.setattr(two_sessions, "said", lambda simulator: ["Two."])
    assert {"foreign_words", "heard_whole_undisturbed"} <= failed(played(two_sessions.SCENE))


def test_throttle_notices_an_engine_that_is_not_named(monkeypatch):
    monkeypatch.setattr(rate.Ladder, "keeps_up", True)
    assert "said_before_dry_ms" in failed(played(throttle_and_recover.SCENE))


def test_two_cores_notices_a_source_that_speaks_at_once_and_loses_words(monkeypatch):
    monkeypatch.setattr(floor, "BREATH_MS", 0)
    monkeypatch.setattr(floor.Floor, "_drop", lambda self, report, why, unsaid="": self._done(report))
    found = set().union(*(failed(played(two_cores.SCENE, seed)) for seed in range(4)))
    assert {"without_a_breath", "stale_words_lost"} <= found


def test_cold_start_notices_an_engine_that_is_always_cold(monkeypatch):
    from adapters.tts.trouble import Troubled, wait

    monkeypatch.setattr(Troubled, "_heat", lambda self: wait(self.clock, self.trouble.cold_ms * 1e6))
    assert "warming_ms_off" in failed(played(cold_start.SCENE))


def test_full_disk_notices_that_nothing_was_full(monkeypatch):
    monkeypatch.setattr(full_disk, "ROOM_BYTES", (10**9, 10**9))
    assert {"said_so", "records_share"} <= failed(played(full_disk.SCENE))


def test_rough_weather_notices_a_session_that_is_stuck(monkeypatch):
    monkeypatch.setattr(rendering.Rendering, "stalled", lambda self, now_ns: None)
    monkeypatch.setattr(rough_weather, "troubles", lambda draw: rough_weather.Trouble(stall_at=0, stall_ms=10**9))
    with pytest.raises(AssertionError, match="round in circles"):
        played(rough_weather.SCENE)


def test_rough_weather_does_not_take_a_request_that_was_spoken_last_for_the_answer():
    stage = played(rough_weather.SCENE, 2161)
    spoken = [fact for _, fact in stage.held[0].simulator.of(act.Remember) if fact.role == "assistant"]
    assert spoken[-1].source == "" and stage.passed


def test_persona_script_notices_a_pace_that_is_not_kept(monkeypatch):
    plain = ToneTts.open
    monkeypatch.setattr(ToneTts, "open", lambda self, span: plain(self, dataclasses.replace(span, voice=Voice())))
    assert "pace_off_most" in failed(played(persona_script.SCENE))


def test_persona_script_notices_a_level_that_was_said_to_be_ignored():
    class Shouting(ToneTts):
        def open(self, span):
            synthesis = super().open(span)
            tone = synthesis._tone
            gain = 10 ** (span.voice.prosody.level_db / 20)
            synthesis._tone = lambda start, end: (tone(start, end) * gain).astype("float32")
            return synthesis

    assert "level_off_db_most" in failed(played(persona_script.SCENE, make_tts=lambda name: Shouting()))


def test_any_scene_notices_an_engine_that_is_not_deterministic():
    class Fickle(ToneTts):
        count = 0

        def open(self, span):
            Fickle.count += 1
            return super().open(dataclasses.replace(span, seed=span.seed + Fickle.count))

    assert "replay_differences" in failed(played(breathing_room.SCENE, make_tts=lambda name: Fickle()))
