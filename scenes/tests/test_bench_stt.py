"""The benchmark of the recognizer: its noise, its errors, its fairness; with voices of our own making."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.base import EAR_RATE_HZ, AdapterError
from adapters.registry import Context
from adapters.voice import PLAIN
from adapters.weights import Weights
from scenes.bench import utterances as heard
from scenes.bench.stt import Listener, by_kind, word_error_rate
from scenes.bench.utterances import CASTS, KINDS, NOISES, SENTENCES, Cast, Utterance, in_noise
from timeline.clock import VirtualClock

TONE = np.sin(np.arange(EAR_RATE_HZ) * 0.1).astype(np.float32) * 0.2


def power(pcm) -> float:
    return float(np.mean(np.square(pcm, dtype=np.float64)))


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("snr_db", [20.0, 0.0])
def test_noise_is_as_loud_as_it_is_said_to_be_and_the_same_every_time(name, snr_db):
    def make():
        return in_noise(TONE, NOISES[name](np.random.default_rng(3), TONE.size), snr_db)

    mixed = make()
    np.testing.assert_array_equal(mixed, make())
    assert mixed.dtype == np.float32
    assert 10 * np.log10(power(TONE) / power(mixed - TONE)) == pytest.approx(snr_db, abs=0.1)


def test_full_scale_is_not_exceeded_and_the_ratio_stays():
    loud = in_noise(TONE * 4.9, NOISES["white"](np.random.default_rng(0), TONE.size), 6.0)
    assert np.abs(loud).max() == pytest.approx(1.0)


def test_pink_noise_has_as_much_power_in_each_octave():
    spectrum = np.abs(np.fft.rfft(NOISES["pink"](np.random.default_rng(1), 20 * EAR_RATE_HZ))) ** 2
    octaves = [spectrum[20 * low : 40 * low].sum() for low in (100, 400, 1600, 3200)]
    assert max(octaves) < 1.2 * min(octaves)


@pytest.fixture
def context(tmp_path):
    return Context(Weights(tmp_path), VirtualClock(), tmp_path)


def test_every_sentence_is_said_by_each_cast_in_changing_noise(context, monkeypatch):
    monkeypatch.setattr(heard, "CASTS", (Cast("null", (PLAIN,), 4),))
    said = list(heard.utterances(context))
    assert [one.text for one in said] == list(SENTENCES) * 4
    for text in SENTENCES:
        assert len({one.kind for one in said if one.text == text}) == len(KINDS)
    again = list(heard.utterances(context))
    assert all(np.array_equal(a.pcm, b.pcm) for a, b in zip(said, again, strict=True))


def test_a_voice_that_is_missing_is_left_out_and_none_at_all_is_told(context, monkeypatch):
    monkeypatch.setattr(heard, "CASTS", (Cast("nobody", (PLAIN,), 1), Cast("null", (PLAIN,), 1)))
    assert len(list(heard.utterances(context))) == len(SENTENCES)
    monkeypatch.setattr(heard, "CASTS", (Cast("nobody", (PLAIN,), 1),))
    with pytest.raises(AdapterError, match="needs a voice"):
        list(heard.utterances(context))


def test_other_voices_than_pipers_own_speak():
    assert {cast.adapter for cast in CASTS} == {"espeak", "kokoro", "piper"}
    assert PLAIN not in next(cast.voices for cast in CASTS if cast.adapter == "piper")


def test_case_and_punctuation_are_no_errors_and_words_are():
    pytest.importorskip("jiwer")
    assert word_error_rate(["He told the children."], ["he told, THE children"]) == 0.0
    assert word_error_rate(["one two three four"], ["one two tree four"]) == 0.25
    assert word_error_rate(["one two", "three four"], ["", "three four"]) == 0.5


def test_each_side_hears_the_utterances_in_order_and_is_counted_by_kind():
    pytest.importorskip("jiwer")
    said = [Utterance("a b", TONE, "clean"), Utterance("c d", TONE, "noise")]
    side = Listener(lambda pcm: "a b", said)
    side()
    side()
    table = by_kind(said, side.heard, ["a b", "c d"])
    assert table.rows == (
        ("clean", "1", "0.000", "0.000"), ("noise", "1", "1.000", "0.000"), ("all", "2", "0.500", "0.000"),
    )  # fmt: skip
