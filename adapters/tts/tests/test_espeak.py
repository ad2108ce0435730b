"""eSpeak NG: words where its events say, and nothing left over from one text to the next."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import AdapterError, Span
from adapters.registry import Context
from adapters.tts import calibrate
from adapters.tts.espeak import UNIT_SAMPLES, EspeakTts
from adapters.tts.tests import make
from adapters.voice import Prosody, named
from timeline.clock import SystemClock

BREATHY = "en-us+f3"


@pytest.fixture(scope="module")
def espeak(tmp_path_factory):
    pytest.importorskip("espeakng_loader")
    return make("espeak", tmp_path_factory.mktemp("cache"))


def say(tts, text, seed=1, timbre=""):
    return tts.open(Span(text, named("espeak", timbre), seed)).pull(100_000, False)


@settings(deadline=None, max_examples=60)
@given(text=st.text(max_size=60))
def test_any_text_at_all(espeak, text):
    chunk = say(espeak, text)
    assert chunk.eos and chunk.pcm.size <= chunk.units * UNIT_SAMPLES
    for mark in chunk.markers:
        assert 0 <= mark.text_start < mark.text_end <= len(text)
        assert 0 <= mark.start_sample <= mark.end_sample <= chunk.pcm.size
    for a, b in pairwise(chunk.markers):
        assert a.text_end <= b.text_start and a.end_sample == b.start_sample


def test_control_characters_are_no_commands(espeak):
    """To eSpeak, Control-A begins a command that changes pitch, speed or volume."""
    text = "\x0199P high \x01450S fast"
    np.testing.assert_array_equal(say(espeak, text).pcm, say(espeak, text.replace("\x01", " ")).pcm)


def test_tokens_that_are_spoken_as_one_word_share_a_mark(espeak):
    text = "The end of the story is 1,234 pages long."
    marks = say(espeak, text).markers
    spoken = " ".join(text[mark.text_start : mark.text_end] for mark in marks)
    assert spoken == text
    assert "1,234" in [text[mark.text_start : mark.text_end] for mark in marks]


def test_positions_are_characters_whatever_their_bytes(espeak):
    text = "Größe für zwölf Äpfel"
    marks = say(espeak, text, timbre="de").markers
    assert [text[mark.text_start : mark.text_end] for mark in marks] == text.split()


def test_a_fault_leaves_nothing_behind(espeak):
    first = say(espeak, "Hello there.").pcm
    for _ in range(20):
        with pytest.raises(AdapterError, match="nobody"):
            say(espeak, "Hello.", timbre="nobody")
    np.testing.assert_array_equal(say(espeak, "Hello there.").pcm, first)


def test_the_breath_of_a_voice_is_drawn_from_the_seed_alone(espeak):
    """f3 breathes. The library draws that from a seed of its own, which it takes from the clock unless told."""
    first, other = (say(espeak, "Hello there.", seed, BREATHY).pcm for seed in (1, 2))
    assert first.size == other.size and (first != other).any()
    np.testing.assert_array_equal(say(espeak, "Hello there.", 1, BREATHY).pcm, first)


@pytest.mark.parametrize("timbre", ["", "de+m3", BREATHY, "en-us+adam"])
def test_a_span_is_the_same_whatever_was_spoken_and_projected_before(espeak, tmp_path, timbre):
    voice = replace(named("espeak", timbre), prosody=Prosody(pitch_semitones=2.0, pauses=1.5))
    span = Span("Hello there, whoever you are.", voice, 1)
    first = espeak.open(span).pull(100_000, False).pcm
    fresh = make("espeak", tmp_path)
    for name in ("en-gb+f2", "de", timbre):
        say(fresh, "Something quite different!", 7, name)
        fresh.project(replace(named("espeak", name), prosody=Prosody(pitch_semitones=-5.0)))
        calibrate.natural(fresh, named("espeak", name, 1.4))
    np.testing.assert_array_equal(fresh.open(span).pull(100_000, False).pcm, first)


def test_threads_take_turns(espeak):
    texts = ["Hello there.", "Something quite different.", "One more."]
    expected = [say(espeak, text).pcm for text in texts]
    got: dict[int, np.ndarray] = {}
    threads = [threading.Thread(target=lambda k=k: got.__setitem__(k, say(espeak, texts[k % 3]).pcm)) for k in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(9):
        np.testing.assert_array_equal(got[k], expected[k % 3])


def test_without_its_package_it_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    espeak = EspeakTts(EspeakTts.Options(), Context(None, SystemClock(), tmp_path))
    with pytest.raises(AdapterError, match=r"duckbill\[espeak\]"):
        say(espeak, "Hello.")
