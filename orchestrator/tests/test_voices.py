"""Who speaks, who rests, and how engines are made to sound like one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.base import Capability, Cost, Natural
from adapters.voice import PLAIN, Timbre, Voice
from orchestrator.opening import USUAL_CHARS, OpenCost
from orchestrator.settings import CoreSettings
from orchestrator.voices import (
    ASKED,
    BUSY_NS,
    FAILED,
    FORGIVEN_NS,
    GAIN_MOST_DB,
    QUIET_MOST_NS,
    QUIET_NS,
    RECOVERED,
    Voices,
    gain_db,
    matched,
)  # fmt: skip
from timeline.clock import NS_PER_S


def engine(name: str, natural: Natural | None = None) -> Capability:
    return Capability(
        name=name, version="1", role="tts", unit_samples=240, rate_hz=24_000, granularity=(8, 16), natural=natural
    )


def voices() -> Voices:
    return Voices(CoreSettings(tts=engine("a"), others=(engine("b"), engine("c")), fallback=("b",)))


def test_one_that_failed_rests_longer_each_time_and_is_forgiven_in_the_end() -> None:
    band, now_ns = voices(), 0
    for failures in range(8):
        band.failed("a", FAILED, now_ns)
        quiet_ns = min(QUIET_MOST_NS, QUIET_NS * 2**failures)
        assert band.best(now_ns + quiet_ns - 1, "b") == "b"
        now_ns += quiet_ns
        assert band.best(now_ns, "b") == "a" and band.reason("b", "a") == RECOVERED
    band.failed("a", FAILED, now_ns + FORGIVEN_NS)
    assert band.best(now_ns + FORGIVEN_NS + QUIET_NS, "b") == "a"


def test_one_that_is_only_busy_is_charged_nothing() -> None:
    band = voices()
    band.failed("a", FAILED, 0, counts=False)
    assert band.rests("a", BUSY_NS - 1) and not band.rests("a", BUSY_NS)
    band.failed("a", FAILED, BUSY_NS)
    assert not band.rests("a", BUSY_NS + QUIET_NS), "its first failure"


def test_nobody_stands_in_but_those_who_were_named_and_do_not_rest() -> None:
    band = voices()
    assert band.stand_in("a", 0) == "b" and band.stand_in("c", 0) == "a"
    band.failed("b", FAILED, 0)
    assert band.stand_in("a", 1) is None and band.best(1, "a") == "a"


def test_who_is_asked_for_comes_first_and_may_speak_at_once() -> None:
    band = voices()
    band.failed("c", FAILED, 0)
    band.prefer("c")
    assert band.best(1, "a") == "c" and band.reason("a", "c") == ASKED
    assert band.stand_in("c", 1) == "a"


def test_another_engine_is_asked_to_be_as_fast_and_as_high_and_made_as_loud() -> None:
    first, other = Natural(20.0, 100.0, -20.0), Natural(16.0, 180.0, -26.5)
    voice = matched(PLAIN, first, other)
    assert (voice.pace, voice.timbre.pitch_hz) == (1.25, 100.0)
    assert gain_db(first, other) == 6.5
    assert gain_db(first, Natural(16.0, 180.0, -60.0)) == GAIN_MOST_DB


@pytest.mark.parametrize("unknown", [None, Natural()])
def test_what_was_never_measured_is_left_alone(unknown: Natural | None) -> None:
    asked = Voice(pace=1.2, timbre=Timbre(pitch_hz=150.0))
    assert matched(asked, Natural(20.0, 100.0, -20.0), unknown) == asked
    assert gain_db(Natural(20.0, 100.0, -20.0), unknown) == 0.0


def test_a_persona_of_its_own_pitch_keeps_it() -> None:
    asked = Voice(timbre=Timbre(pitch_hz=150.0))
    assert matched(asked, Natural(20.0, 100.0, -20.0), Natural(20.0, 180.0, -20.0)).timbre.pitch_hz == 150.0
    assert QUIET_NS == 30 * NS_PER_S, "README says half a minute"


def test_what_opening_costs_by_the_character_has_a_margin_as_what_it_costs_at_once():
    text = "a" * USUAL_CHARS
    at_once, by_char = (
        OpenCost(replace(engine("a"), cost=Cost(0, open_ns, char_ns, 0, 0)))
        for open_ns, char_ns in ((USUAL_CHARS * 10**6, 0), (0, 10**6))
    )
    assert by_char.safe_ns(text) == at_once.safe_ns(text) > 2 * USUAL_CHARS * 10**6
