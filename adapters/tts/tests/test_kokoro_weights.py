"""Kokoro with its real weights."""

from __future__ import annotations

import re
import threading
from typing import Any

import numpy as np
import pytest

from adapters.base import EAR_RATE_HZ, AdapterError, Span
from adapters.registry import Context, create
from adapters.tts.tests import make, pull_all
from adapters.tts.tests.kokoro_graph import sound
from adapters.tts.whole import speak_whole
from adapters.voice import Voice, named
from adapters.weights import Weights, default_cache
from timeline.clock import VirtualClock


@pytest.fixture(scope="module")
def kokoro(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make("kokoro", tmp_path_factory.mktemp("kokoro"))


@pytest.mark.engines
def test_the_seed_changes_nothing(kokoro):
    np.testing.assert_array_equal(sound(kokoro, "Hello.", seed=1), sound(kokoro, "Hello.", seed=2))


@pytest.mark.engines
def test_two_threads_at_once_and_one_core_give_the_same_bytes(kokoro, tmp_path):
    alone = sound(kokoro, "Hello there.")
    found: dict[int, np.ndarray] = {}
    threads = [threading.Thread(target=lambda k=k: found.update({k: sound(kokoro, "Hello there.")})) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(found[0], alone)
    np.testing.assert_array_equal(found[1], alone)
    np.testing.assert_array_equal(sound(make("kokoro", tmp_path, threads=1), "Hello there."), alone)


@pytest.mark.engines
@pytest.mark.parametrize("pace", [0.7, 1.1, 1.3])
def test_a_pace_is_heard_as_it_was_asked(kokoro, pace):
    """The graph's own speed gives 1.06 for 1.1, and no value of it 1.3."""

    def spoken_samples(voice: Voice) -> int:
        synthesis = kokoro.open(Span("Nobody remembers who built the old mill by the river", voice, 1))
        marks = [mark for chunk in pull_all(synthesis, 64) for mark in chunk.markers]
        return marks[-1].end_sample - marks[0].start_sample

    assert spoken_samples(Voice()) / spoken_samples(Voice(pace=pace)) == pytest.approx(pace, rel=0.02)


@pytest.mark.engines
def test_nobody_waits_for_silence(kokoro):
    """The model begins with a third of a second of it, and ends a run with half a second."""
    pcm = sound(kokoro, "Hello there, my good friend.")
    loud = np.flatnonzero(np.abs(pcm) > 0.02)
    assert loud[0] < 0.1 * 24_000
    assert pcm.size - loud[-1] < 0.5 * 24_000
    assert np.diff(loud).max() < 0.4 * 24_000  # at the comma, where two runs meet


@pytest.mark.engines
def test_every_voice_of_the_catalogue_speaks(kokoro):
    sounds = [sound(kokoro, "Good evening.", named("kokoro", name)) for name in kokoro.describe().voices]
    assert len(sounds) == 6
    assert all(0.2 < np.abs(pcm).max() <= 1 for pcm in sounds)
    assert len({pcm.tobytes() for pcm in sounds}) == 6


@pytest.mark.engines
def test_a_recognizer_understands_it(kokoro):
    jiwer = pytest.importorskip("jiwer")
    weights = Weights(default_cache())
    try:
        stt = create("stt", "whisper", {}, Context(weights, VirtualClock(), default_cache()))
        stt.warm_up()
    except AdapterError as error:
        pytest.skip(error.detail)
    text = "Could you tell me when the last train to the city leaves?"
    pcm = np.pad(speak_whole(kokoro, text, EAR_RATE_HZ), EAR_RATE_HZ // 5)
    heard = stt.transcribe(pcm, False).text
    words = [" ".join(re.findall(r"[a-z']+", said.lower())) for said in (text, heard)]
    assert jiwer.wer(*words) <= 0.1, heard
