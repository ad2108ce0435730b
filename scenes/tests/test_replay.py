"""Replay: a session that was recorded gives the same decisions and the same samples; one that was changed does not."""

from __future__ import annotations

import dataclasses

import orjson
import pytest

from adapters.base import AdapterError
from orchestrator import actions as act
from orchestrator.recording import Recording, describe_manifest
from orchestrator.settings import SourceSettings
from scenes.replay import replay
from scenes.tests.worlds import WORDS, held, null_tts
from scenes.world import Speech, World
from timeline import events as ev
from timeline.journal import JOURNAL

USER = (Speech(500, 1500, "what is it"), Speech(4200, 5000, "stop"))
WORLD = World(user=USER, replies=(f"{WORDS}. {WORDS}.", "Understood."), events=[(9000, ev.StopRequested())])


def make(name, options):
    assert name == "null"
    return null_tts(**options)[0]


def recorded(folder, engine=None, world=WORLD, **settings):
    """A simulated session, written down as the shell would have."""
    simulator = held(world, engine, **settings)
    manifest = describe_manifest(settings=simulator.settings, tts=[{"name": "null", "options": engine or {}}])
    recording = Recording(folder, manifest, simulator.settings.rate_hz)
    for t_ns, what, fact in simulator.records:
        recording.watch(t_ns, what, fact)
    recording.on_audio(simulator.audio().astype("<i2").tobytes())
    recording.close(simulator.now_ns(), {})
    assert recording.problem == ""
    return simulator


def lines(folder):
    return (folder / JOURNAL).read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize(
    "engine",
    [{}, {"rtf": 0.5, "jitter": 0.2}, {"fail_at": 1}, {"fail_at": 2, "fail_times": 9}, {"markers": False}],
)
def test_a_session_replays_identically(tmp_path, engine):
    simulator = recorded(tmp_path / "run", engine)
    assert simulator.of(act.Flush) or engine.get("fail_times"), "nothing was interrupted"
    verdict = replay(tmp_path / "run", make)
    assert verdict.differences == [] and verdict.identical and verdict.whole
    assert verdict.samples == simulator.audio().size
    assert verdict.chunks == len(simulator.of(ev.ChunkReady))


def test_a_dithered_session_replays_identically(tmp_path):
    plain = recorded(tmp_path / "plain").audio()
    simulator = recorded(tmp_path / "run", dither_dbfs=-70.0, seed=5)
    verdict = replay(tmp_path / "run", make)
    assert verdict.identical and verdict.samples == simulator.audio().size
    gaps = (plain == 0) & (simulator.audio() != 0)
    assert gaps.sum() > 5000, "the pauses between words are still black"


def test_a_session_of_two_sources_replays_identically(tmp_path):
    """Reports given, cut, shortened, overtaken, and one that cuts the conversation."""
    tasks = (
        SourceSettings("task", address="", shorten_after_ms=2000),
        SourceSettings("alarm", address="", priority=1, hand_over=""),
    )
    world = dataclasses.replace(
        WORLD, user=(*USER, Speech(20_000, 20_500, "and")), task_replies=(f"{WORDS}. " * 6, "Fire."),
        task_delay_ms=1500, task_word_ms=5, events=[(40_000, ev.StopRequested())],
    )  # fmt: skip
    simulator = recorded(tmp_path / "run", {"rtf": 0.2}, world, tasks=tasks)
    assert {str(fact.ruling) for _, fact in simulator.of(act.ShowFloor)} >= {"waits", "given", "heard", "dropped"}
    verdict = replay(tmp_path / "run", make)
    assert verdict.differences == [] and verdict.identical and verdict.whole


@pytest.mark.parametrize("kind", [*ev.EVENTS.values(), *act.ACTIONS.values()])
def test_no_field_of_a_record_hides_its_kind(kind):
    assert "kind" not in {field.name for field in dataclasses.fields(kind)}


def test_the_same_world_twice_gives_the_same_records_and_samples():
    one, other = (held(WORLD, {"rtf": 0.4, "jitter": 0.3}) for _ in range(2))
    assert one.records == other.records
    assert one.audio().tobytes() == other.audio().tobytes()


def test_a_journal_cut_at_any_line_replays_as_far_as_it_goes(tmp_path):
    recorded(tmp_path / "run", {"rtf": 0.3})
    whole = lines(tmp_path / "run")
    for cut in range(2, len(whole), 97):
        (tmp_path / "run" / JOURNAL).write_bytes(b"".join(whole[:cut]) + whole[cut][: len(whole[cut]) // 2])
        verdict = replay(tmp_path / "run", make)
        assert verdict.identical, (cut, verdict.differences)
        assert not verdict.whole


@pytest.mark.parametrize("kind", ["EndSession", "Flush", "StartReply", "Remember"])
def test_an_action_that_is_missing_from_the_journal_is_found(tmp_path, kind):
    recorded(tmp_path / "run")
    found = [line for line in lines(tmp_path / "run") if (orjson.loads(line).get("action") or {}).get("kind") != kind]
    assert len(found) < len(lines(tmp_path / "run"))
    (tmp_path / "run" / JOURNAL).write_bytes(b"".join(found))
    assert not replay(tmp_path / "run", make).identical


def test_a_voice_that_sounds_different_is_found_in_the_samples(tmp_path):
    recorded(tmp_path / "run")
    tts = make("null", {})
    open_one = tts.open
    tts.open = lambda span: open_one(dataclasses.replace(span, seed=span.seed + 1))
    verdict = replay(tmp_path / "run", lambda name, options: tts)
    assert not verdict.identical and verdict.audio_recorded != verdict.audio_replayed
    assert all("rendered differently" in line for line in verdict.differences)


def test_an_engine_that_refuses_now_says_why(tmp_path):
    recorded(tmp_path / "run")
    tts = make("null", {})

    def refuse(span):
        raise AdapterError("missing", "the voice is gone")

    tts.open = refuse
    with pytest.raises(AdapterError, match="the voice is gone"):
        replay(tmp_path / "run", lambda name, options: tts)


def test_what_is_no_journal_is_said_to_be_none(tmp_path):
    (tmp_path / JOURNAL).write_text("hello\n")
    with pytest.raises(ValueError, match="no journal"):
        replay(tmp_path, make)
