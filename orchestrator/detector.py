"""The speech detector: from windows with a probability to runs of speech and silence.

Two thresholds, as a Schmitt trigger: between them a window counts as what the last one was. Counts are
kept in samples of the ear's stream. A gap shorter than GAP_MS does not break a run of speech: plosives are silent.
"""

from __future__ import annotations

from math import log10

from orchestrator.settings import ListenSettings
from timeline.events import EarFrame

GAP_MS = 64  # two windows: the closure of a "t" lasts 50 to 80 ms


class SpeechDetector:
    """Fed every EarFrame. Positions are ear samples; `*_ns` is when the sample was heard."""

    def __init__(self, settings: ListenSettings, rate_hz: int) -> None:
        self._settings = settings
        self._per_ms = rate_hz / 1000
        self._speaking = False  # the last window's verdict
        self.position = 0
        self.reset()

    def reset(self) -> None:
        """Forget the run: what follows is new."""
        self.run_samples = 0  # speech in the present run, its gaps not counted
        self.run_start = self.position
        self.speech_end = self.position  # end of the last window of speech
        self.speech_end_ns = 0
        self.run_start_ns = 0
        self._energy = 0.0  # of the run's speech: its power, summed over its samples

    def feed(self, frame: EarFrame) -> None:
        if frame.speech_prob >= self._settings.speech_threshold:
            self._speaking = True
        elif frame.speech_prob < self._settings.silence_threshold:
            self._speaking = False
        self.position = frame.end_position
        if self._speaking:
            if self.run_samples == 0:
                self.run_start = frame.end_position - frame.window_samples
                self.run_start_ns = frame.device_ns - round(frame.window_samples / self._per_ms * 1e6)
            self.run_samples += frame.window_samples
            self._energy += 10 ** (frame.level_dbfs / 10) * frame.window_samples
            self.speech_end = frame.end_position
            self.speech_end_ns = frame.device_ns

    @property
    def speech_ms(self) -> float:
        """Speech in the present run."""
        return self.run_samples / self._per_ms

    @property
    def level_dbfs(self) -> float | None:
        """Level of the run's speech: of its mean power, so that its loud vowels count, as soon as one was said; None
        where there is none."""
        return 10 * log10(self._energy / self.run_samples) if self._energy > 0 else None

    @property
    def silence_ms(self) -> float:
        """Silence since the last window of speech."""
        return (self.position - self.speech_end) / self._per_ms

    def drop_short_run(self) -> None:
        """A run that a gap has ended before it came to anything is forgotten."""
        if self.run_samples and self.silence_ms > GAP_MS:
            self.reset()
