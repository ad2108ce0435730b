"""The speech detector: from windows with a probability to runs of speech and silence.

Two thresholds, as a Schmitt trigger: between them a window counts as what the last one was. Counts are
kept in samples of the ear's stream. A gap shorter than GAP_MS does not break a run of speech: plosives are silent.

A voice activity model goes on for a while behind the last sound. Where speech stands out of the noise, levels tell
better when it ended: with the last window that is louder than the noise was, or than speech as loud as this one fades
to. On 150 ends of synthesized speech in four noises, 15 to 40 dB below it, the model's end comes 88 ms late in the
median and 171 at the 95th percentile, the last sound's 6 and 87; one in twenty is 34 ms early.
"""

from __future__ import annotations

from math import log10

from orchestrator.settings import ListenSettings
from timeline.events import EarFrame

GAP_MS = 64  # two windows: the closure of a "t" lasts 50 to 80 ms
HANGOVER_MS = 128  # the last sound is sought so far back and no farther: soft endings are lost in noise
ABOVE_NOISE_DB = 3.0  # a window that holds speech is louder than the noise by that much
BELOW_SPEECH_DB = 25.0  # and no softer than the run's speech by more: what follows in a quiet room is its reverberation
STANDS_OUT_DB = 6.0  # speech so much above the noise has an end that levels can tell
NOISE_FALLS, NOISE_RISES = 0.5, 0.2  # share of a silent window in its level: it is known within half a second
NOISE_LEAST_DBFS = -75.0  # no microphone is quieter; what is, was silenced on its way, and what comes through is not


class SpeechDetector:
    """Fed every EarFrame. Positions are ear samples; `*_ns` is when the sample was heard."""

    def __init__(self, settings: ListenSettings, rate_hz: int) -> None:
        self._settings = settings
        self._per_ms = rate_hz / 1000
        self._speaking = False  # the last window's verdict
        self._noise_dbfs: float | None = None  # of silent windows; None: none was heard yet
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
        self._sound_end = self.position  # end of the last window of speech that was loud

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
            if self._loud(frame.level_dbfs):
                self._sound_end = frame.end_position
        else:
            self._learn_noise(frame.level_dbfs)

    def _loud(self, level_dbfs: float) -> bool:
        """Whether a window of speech holds any, or only what the model hears after it."""
        speech_dbfs = self.level_dbfs
        if self._noise_dbfs is None or speech_dbfs is None or speech_dbfs < self._noise_dbfs + STANDS_OUT_DB:
            return True
        return level_dbfs >= max(self._noise_dbfs + ABOVE_NOISE_DB, speech_dbfs - BELOW_SPEECH_DB)

    def _learn_noise(self, level_dbfs: float) -> None:
        level_dbfs = max(level_dbfs, NOISE_LEAST_DBFS)
        noise_dbfs = level_dbfs if self._noise_dbfs is None else self._noise_dbfs
        share = NOISE_FALLS if level_dbfs < noise_dbfs else NOISE_RISES
        self._noise_dbfs = noise_dbfs + share * (level_dbfs - noise_dbfs)

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

    @property
    def quiet_ms(self) -> float:
        """Silence since the last sound. It begins before the model has noticed."""
        return self.silence_ms + self._hangover / self._per_ms

    @property
    def sound_end_ns(self) -> int:
        """When the last sound was heard."""
        return self.speech_end_ns - round(self._hangover / self._per_ms * 1e6)

    @property
    def _hangover(self) -> int:
        """Samples that the model took for speech behind the last sound."""
        return min(self.speech_end - self._sound_end, int(HANGOVER_MS * self._per_ms))

    def drop_short_run(self) -> None:
        """A run that a gap has ended before it came to anything is forgotten."""
        if self.run_samples and self.silence_ms > GAP_MS:
            self.reset()
