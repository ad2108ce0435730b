"""The benchmark of endpointing counts what happened: turns that were over too early, and how late the others were."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.base import EAR_RATE_HZ
from orchestrator.settings import ListenSettings
from scenes.bench.endpointing import JUDGE_MS, WINDOW_MS, WORDS_MS, Ended, at_equal_latency, end_turn, summarize
from scenes.corpus.cast import SPEAKERS
from scenes.corpus.turns import Turn
from timeline.events import EarFrame

WINDOW = WINDOW_MS * EAR_RATE_HZ // 1000
SETTINGS = ListenSettings(
    speculate_ms=160, endpoint_ms=480, endpoint_sure_ms=320, endpoint_unsure_ms=960, endpoint_open_ms=1280,
    unsure_below=0.1, sure_above=0.9,
)  # fmt: skip


def heard(pattern: str) -> tuple[Turn, list[EarFrame]]:
    """`#` is a window of speech, `.` one of silence. The last of speech is the turn's."""
    frames = [
        EarFrame((n + 1) * WINDOW, WINDOW, 0.9 if mark == "#" else 0.1, -30.0, 0) for n, mark in enumerate(pattern)
    ]
    pcm = np.zeros(len(pattern) * WINDOW, np.float32)
    return Turn("", SPEAKERS[0], "white", 40.0, pcm, 0, (), (pattern.rindex("#") + 1) * WINDOW), frames


def test_plain_silence_ends_a_turn_after_just_that_long():
    turn, frames = heard("####" + "." * 40)
    assert end_turn(turn, frames, SETTINGS, None) == Ended(turn, (), 480.0)


def test_a_pause_that_outlasts_the_silence_is_a_cut_off_and_the_end_is_still_found():
    turn, frames = heard("####" + "." * 16 + "####" + "." * 40)
    assert end_turn(turn, frames, SETTINGS, None) == Ended(turn, (19 * WINDOW,), 480.0)


def test_a_model_that_is_right_neither_cuts_off_nor_keeps_one_waiting():
    turn, frames = heard("####" + "." * 16 + "#####" + "." * 40)
    answers = iter([0.0, 1.0])
    assert end_turn(turn, frames, SETTINGS, lambda pcm: next(answers)) == Ended(turn, (), 320.0)


def test_the_answer_comes_no_sooner_than_a_model_takes():
    turn, frames = heard("####" + "." * 40)
    hasty = ListenSettings(speculate_ms=160, endpoint_sure_ms=160)
    assert end_turn(turn, frames, hasty, lambda pcm: 1.0).latency_ms == 160 + JUDGE_MS


def test_words_that_want_others_keep_a_turn_that_the_model_would_end():
    turn, frames = heard("####" + "." * 16 + "#####" + "." * 50)
    texts = iter(["Set a timer for", "Set a timer for ten minutes."])
    ended = end_turn(turn, frames, SETTINGS, lambda pcm: 1.0, lambda pcm: next(texts))
    assert ended == Ended(turn, (), 160.0 + WORDS_MS)


def test_a_turn_that_never_ends_is_a_fault_of_the_corpus():
    turn, frames = heard("####" + "." * 5)
    with pytest.raises(AssertionError, match="never ends"):
        end_turn(turn, frames, SETTINGS, None)


def test_plain_silence_is_compared_at_the_same_mean_latency():
    turn, _ = heard("#")
    by_silence = {
        300: [Ended(turn, (1,), 300.0), Ended(turn, (1,), 300.0)],
        500: [Ended(turn, (1,), 500.0), Ended(turn, (), 500.0)],
    }
    assert at_equal_latency(400.0, by_silence) == pytest.approx(0.75)
    assert summarize(by_silence[500]).cutoff_rate == 0.5
