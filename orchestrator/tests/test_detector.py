"""The detector: where speech ended, though the model of voice activity goes on hearing it for a while."""

from __future__ import annotations

import pytest

from orchestrator.detector import HANGOVER_MS, SpeechDetector
from orchestrator.settings import ListenSettings
from timeline.clock import NS_PER_MS
from timeline.events import EarFrame

RATE_HZ = 16_000
WINDOW_MS = 32
WINDOW = WINDOW_MS * RATE_HZ // 1000
SPEECH_DBFS, NOISE_DBFS = -26.0, -50.0
WINDOWS = {
    "#": (0.9, SPEECH_DBFS),
    "~": (0.9, NOISE_DBFS),
    ".": (0.1, NOISE_DBFS),
    "'": (0.9, -40.0),
    "_": (0.1, -90.0),
}
"""Speech, what the model takes for it, silence, a soft ending, no noise at all."""


def heard(pattern: str, detector: SpeechDetector | None = None) -> SpeechDetector:
    detector = detector or SpeechDetector(ListenSettings(), RATE_HZ)
    for mark in pattern:
        probability, level_dbfs = WINDOWS[mark]
        end = detector.position + WINDOW
        detector.feed(EarFrame(end, WINDOW, probability, level_dbfs, end * 1000 * NS_PER_MS // RATE_HZ))
    return detector


def test_silence_counts_from_the_last_sound_while_the_model_still_hears_speech():
    detector = heard("....####~~")
    assert detector.silence_ms == 0 and detector.quiet_ms == 2 * WINDOW_MS
    heard("..", detector)
    assert detector.silence_ms == 2 * WINDOW_MS and detector.quiet_ms == 4 * WINDOW_MS
    assert detector.sound_end_ns == 8 * WINDOW_MS * NS_PER_MS


def test_speech_goes_on_with_its_next_sound():
    assert heard("....####~~..#").quiet_ms == 0


def test_a_soft_ending_is_speech():
    assert heard("....####''..").quiet_ms == 2 * WINDOW_MS


def test_the_last_sound_is_sought_only_so_far_back():
    assert heard("....########~~~~~~..").quiet_ms == HANGOVER_MS + 2 * WINDOW_MS


@pytest.mark.parametrize("pattern", ["####~~..", "~~~~~~..", "....~~~~.."])
def test_without_known_noise_or_above_it_by_little_the_model_is_believed(pattern):
    detector = heard(pattern)
    assert detector.quiet_ms == detector.silence_ms == 2 * WINDOW_MS


def test_noise_that_begins_is_known_within_half_a_second():
    detector = heard("_" * 100 + "." * 15 + "####~~..")
    assert detector.quiet_ms == 4 * WINDOW_MS


def test_the_noise_is_known_across_turns():
    detector = heard("....####....")
    detector.reset()
    assert detector.quiet_ms == 0
    assert heard("####~~.", detector).quiet_ms == 3 * WINDOW_MS


def test_what_the_model_hears_counts_whole_for_what_begins_and_interrupts():
    detector = heard("....####~~..")
    assert detector.speech_ms == 6 * WINDOW_MS and detector.silence_ms == 2 * WINDOW_MS
