"""The session's record: what it notes of the speaker's clock, and what of it goes into the settings."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from adapters.registry import Context
from adapters.tts.null import NullTts
from orchestrator.config import load_config
from orchestrator.session import Session
from orchestrator.shell import Parts
from timeline.clock import NS_PER_S, VirtualClock
from timeline.events import SinkTick
from timeline.journal import JOURNAL, read_journal

RATE_HZ = 24_000
BLOCK = 480


def made(folder, paced=True, **flags) -> Session:
    clock = VirtualClock()
    tts = NullTts(NullTts.Options(), Context(None, clock, None))
    config = load_config(None, {}, {"artifacts": str(folder), "tts.adapter": "null", **flags})
    return Session(config, Parts(clock, tts, SimpleNamespace(rate_hz=RATE_HZ, paced=paced)), "test", [])


def play(session: Session, first: int, count: int, drift_ppm: float, at_ns: float = 0) -> None:
    period_ns = BLOCK * NS_PER_S / RATE_HZ / (1 + drift_ppm * 1e-6)
    for number in range(first, first + count):
        tick = SinkTick(BLOCK, 0, 0, 0, False, int(number * period_ns + at_ns), number * BLOCK, 0, 0, -1, 0, -1)
        session._watch(tick.device_ns, "event", tick)


def noted(session: Session) -> list[dict]:
    session.recording.close(0, session._drift())
    assert session.recording.folder is not None
    return [record["note"] for record in read_journal(session.recording.folder / JOURNAL) if "note" in record]


def test_the_speaker_s_clock_is_noted_with_its_jumps(tmp_path):
    session = made(tmp_path)
    play(session, 0, 1500, 80)
    play(session, 1500, 1500, 80, at_ns=2 * NS_PER_S)
    jump, end = noted(session)
    assert jump["clock_jump"]["ahead_ns"] == pytest.approx(-2 * NS_PER_S, rel=0.001)
    assert end["end"]["sink_drift_ppm"] == pytest.approx(80, abs=0.2)


def test_of_a_speaker_that_takes_what_is_there_no_clock_is_told(tmp_path):
    session = made(tmp_path, paced=False)
    play(session, 0, 1500, 80)
    (end,) = noted(session)
    assert "sink_drift_ppm" not in end["end"]


def test_dither_is_off_unless_asked_for_and_goes_into_the_manifest(tmp_path):
    assert made(tmp_path).settings.dither_dbfs is None
    asked = made(tmp_path, **{"audio.dither_dbfs": -80.0})
    assert asked.settings.dither_dbfs == -80.0
    asked.recording.close(0, {})
    head = next(read_journal(asked.recording.folder / JOURNAL))
    assert head["manifest"]["settings"]["dither_dbfs"] == -80.0
