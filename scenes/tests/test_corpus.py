"""The corpus tells the truth: where it is silent, where it is loud and how loud; and it is the same each time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from adapters.base import EAR_RATE_HZ
from adapters.registry import Context
from adapters.weights import Weights
from scenes.corpus import rooms, texts
from scenes.corpus.cast import SPEAKERS, SPOKEN_DBFS, Cast
from scenes.corpus.levels import active_dbfs, loud_range, quietest, set_active_dbfs
from scenes.corpus.noises import beneath, make_noise
from scenes.corpus.overlaps import COUNTS, LEAD_MS, LEVEL_DB, NOISES, cases
from scenes.corpus.turns import PAUSE_LEAST_MS, PAUSE_MOST_MS, Turn, drawn_apart, kind_of, parted, turns
from stitcher.pcm import Float32
from timeline.clock import VirtualClock

MS_SAMPLES = EAR_RATE_HZ // 1000
FEW = dict.fromkeys(COUNTS, 4)


def tone(ms: int, dbfs: float = -20.0) -> Float32:
    time = np.arange(ms * MS_SAMPLES) / EAR_RATE_HZ
    return (np.sqrt(2) * 10 ** (dbfs / 20) * np.sin(2 * np.pi * 400 * time)).astype(np.float32)


def silence(ms: int) -> Float32:
    return np.zeros(ms * MS_SAMPLES, np.float32)


def cast_in(folder: Path) -> Cast:
    """Of eSpeak alone: quick, and it needs no weights."""
    pytest.importorskip("espeakng_loader")
    return Cast(Context(Weights(folder), VirtualClock(), folder), ("espeak",))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpus")


@pytest.fixture(scope="module")
def some_turns(folder: Path) -> list[Turn]:
    return list(turns(cast_in(folder), 0, 4))


# -- levels, noises, rooms ----------------------------------------------------------------


def test_pauses_do_not_make_a_speaker_softer():
    assert active_dbfs(np.concatenate([tone(300), silence(900), tone(300)])) == pytest.approx(-20, abs=0.1)
    assert active_dbfs(silence(100)) == -120.0


def test_a_level_is_what_was_asked_for():
    assert active_dbfs(set_active_dbfs(tone(500), -33.0)) == pytest.approx(-33, abs=0.1)
    assert not set_active_dbfs(silence(100), -33.0).any()


def test_the_loud_range_leaves_out_what_is_quiet():
    pcm = np.concatenate([silence(250), tone(300), silence(120), tone(100), silence(90)])
    assert loud_range(pcm) == (250 * MS_SAMPLES, 770 * MS_SAMPLES)
    assert loud_range(silence(50)) == (0, 0)


def test_the_quietest_place_lies_in_the_pause():
    pcm = np.concatenate([tone(300), silence(40), tone(300)])
    assert 300 * MS_SAMPLES <= quietest(pcm, 200 * MS_SAMPLES, 500 * MS_SAMPLES) <= 340 * MS_SAMPLES


@pytest.mark.parametrize("kind", NOISES)
def test_a_noise_is_as_loud_as_asked_and_the_same_from_the_same_seed(kind: str):
    noise = make_noise(kind, 2 * EAR_RATE_HZ, -40.0, 7)
    assert noise.size == 2 * EAR_RATE_HZ
    assert 10 * np.log10(np.mean(np.square(noise, dtype=np.float64))) == pytest.approx(-40, abs=0.1)
    assert np.array_equal(noise, make_noise(kind, 2 * EAR_RATE_HZ, -40.0, 7))
    assert not np.array_equal(noise, make_noise(kind, 2 * EAR_RATE_HZ, -40.0, 8))


def test_a_noise_beneath_speech_has_its_distance_from_it():
    speech = np.concatenate([tone(500), silence(500)])
    under = beneath(speech, "white", 20.0, 0)[500 * MS_SAMPLES :]
    assert 10 * np.log10(np.mean(np.square(under))) == pytest.approx(-40, abs=0.5)


def test_who_is_turned_away_sounds_dull_and_dies_away():
    voice = np.random.default_rng(1).standard_normal(EAR_RATE_HZ).astype(np.float32)
    away = rooms.turned_away(voice, np.random.default_rng(2))
    assert away.size == voice.size + round(rooms.DECAY_60_S * EAR_RATE_HZ)
    assert high_share(away) < 0.1 * high_share(voice)
    tail = np.square(away[voice.size :])
    assert 0 < tail[-800:].mean() < 1e-3 * tail[:800].mean()


def high_share(pcm: Float32) -> float:
    """Of the energy, what lies above 4 kHz."""
    power = np.square(np.abs(np.fft.rfft(pcm)))
    return float(power[power.size // 2 :].sum() / power.sum())


# -- turns --------------------------------------------------------------------------------


def test_a_text_is_parted_at_its_bars():
    text, places = parted("Well, | I am not sure | why.")
    assert text == "Well, I am not sure why."
    assert [text[place:].split()[0] for place in places] == ["I", "why."]
    assert parted("Good morning.") == ("Good morning.", [])


def test_a_pause_is_of_the_kind_that_the_word_before_it_says():
    assert [kind_of(before) for before in ("So, um, ", "If it rains, ", "a table for ")] == [
        "filler", "clause", "hesitation",
    ]  # fmt: skip


def test_words_drawn_apart_lie_around_silences_of_exactly_those_lengths(folder: Path):
    cast = cast_in(folder)
    text, places = parted("Set a timer for | ten minutes | and wait.")
    lengths = [5000, 8123]
    pcm, gaps = drawn_apart(cast.speak(cast.speakers[0], text), places, lengths)
    assert [end - start for start, end in gaps] == lengths
    for start, end in gaps:
        assert not pcm[start:end].any()
        assert active_dbfs(pcm[start - 1600 : start]) > -40 and active_dbfs(pcm[end : end + 1600]) > -40


def test_a_turn_is_loud_where_it_says_and_quiet_where_it_says(some_turns: list[Turn]):
    assert any(len(turn.pauses) > 1 for turn in some_turns) and any(not turn.pauses for turn in some_turns)
    for turn in some_turns:
        room_dbfs = SPOKEN_DBFS - turn.snr_db
        quiet = [(0, turn.begin), *((pause.start, pause.end) for pause in turn.pauses), (turn.end, turn.pcm.size)]
        for start, end in quiet:
            assert level(turn.pcm[start:end]) < room_dbfs + 6, turn.text
        for at in (turn.begin, *(pause.end for pause in turn.pauses)):
            assert level(turn.pcm[at : at + 3200]) > room_dbfs + 6, turn.text
        assert level(turn.pcm[turn.end - 3200 : turn.end]) > room_dbfs + 6, turn.text


def level(pcm: Float32) -> float:
    return 10 * float(np.log10(np.mean(np.square(pcm, dtype=np.float64))))


def test_pauses_last_as_long_as_people_s(some_turns: list[Turn]):
    lasting = [(pause.end - pause.start) // MS_SAMPLES for turn in some_turns for pause in turn.pauses]
    assert all(PAUSE_LEAST_MS <= ms <= PAUSE_MOST_MS for ms in lasting)
    assert len(set(lasting)) > len(lasting) // 2


def test_the_same_seed_gives_the_same_turns_whether_they_are_kept_or_spoken_anew(
    some_turns: list[Turn], folder: Path, tmp_path: Path
):
    for other in (folder, tmp_path):
        again = list(turns(cast_in(other), 0, 4))
        assert [turn.text for turn in again] == [turn.text for turn in some_turns]
        assert all(np.array_equal(a.pcm, b.pcm) for a, b in zip(again, some_turns, strict=True))
    assert [turn.text for turn in turns(cast_in(folder), 1, 4)] != [turn.text for turn in some_turns]


# -- overlaps -----------------------------------------------------------------------------


def test_two_hundred_cases_of_six_kinds():
    assert sum(COUNTS.values()) == 200
    assert set(LEVEL_DB) == set(COUNTS) - {"silence"}


def test_a_case_sounds_where_it_says_and_as_loud_as_it_says(folder: Path):
    found = list(cases(cast_in(folder), 0, FEW))
    assert Counter(case.kind for case in found) == Counter(FEW)
    assert [case.number for case in found] == list(range(len(found)))
    for case in found:
        assert case.begin == LEAD_MS * MS_SAMPLES
        assert case.takes_floor == (case.kind == "interruption")
        if case.kind == "silence":
            assert case.begin == case.end and active_dbfs(case.pcm) < -45
        else:
            sound = case.pcm[case.begin : case.end]
            low_db, high_db = LEVEL_DB[case.kind]
            assert low_db <= case.dbfs - SPOKEN_DBFS <= high_db
            assert active_dbfs(sound) == pytest.approx(case.dbfs, abs=4), case.what  # the room is beneath it too
        assert np.abs(case.pcm).max() < 1.0


def test_the_same_seed_gives_the_same_cases(folder: Path):
    first, again = (list(cases(cast_in(folder), 3, FEW)) for _ in range(2))
    assert all(np.array_equal(a.pcm, b.pcm) and a.what == b.what for a, b in zip(first, again, strict=True))


def test_many_speak_and_no_engine_alone():
    engines = Counter(who.engine for who in SPEAKERS)
    assert set(engines) == {"espeak", "kokoro", "piper"} and max(engines.values()) < len(SPEAKERS) / 2
    assert len(set(map(str, SPEAKERS))) == len(SPEAKERS)
    assert all(len(set(said)) == len(said) for said in (texts.TURNS, texts.INTERRUPTIONS, texts.BACKCHANNELS))
