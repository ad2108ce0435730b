"""The microphone's health: what a person must be told who talks to a microphone that does not hear.

    EarFrame -> dead for ten seconds?   notice, and one more when it is heard again
             -> clips while they speak? notice
    lost, back                          a notice each

Rules. Only a device is judged: a file or a program may be silent for as long as it likes. Dead is what no room is (see
stitcher.input_meter), never what is only quiet. Noise gates deliver the same zeros as a muted microphone, but open when
somebody speaks: each time that a silence was told and ended, the next one is waited for twice as long. Time is counted
in windows heard, so it is the same live, on a virtual clock and in a replay.
"""

from __future__ import annotations

from orchestrator.actions import Action, Notice
from stitcher.input_meter import DEAD_SWING
from timeline.events import EarFrame

DEAD_MS = 10_000  # so long nobody waits for an answer before they look at the microphone
DEAD_MOST_MS = 320_000  # where a gate opens and closes all day
ALIVE_MS = 320  # in a row, until it counts as heard: a mute switch clicks
SPEECH = 0.5  # probability that counts as speech, as listen.speech_threshold
CLIPPED = 0.02  # of a window's samples: at the right gain none is, 10 dB above it every third window of speech has more
CLIPPED_OVER_MS = 2000  # of speech; shares are averaged over so much: one shout stays below
CLIPPED_HIGH = 0.2  # of those windows: two voices reach it at 6 and 8 dB too much
CLIPPED_LOW = 0.02  # the gain was lowered: what comes now is told anew
CHOOSE = "choose one with audio.microphone (`duckbill devices` lists them)"


class MicrophoneHealth:
    """`name`: of the device; empty where there is none."""

    def __init__(self, name: str, rate_hz: int) -> None:
        self._name = name
        self._per_ms = rate_hz / 1000
        self._patience_ms = DEAD_MS
        self._dead_ms = 0.0
        self._alive_ms = 0.0
        self._dead = False  # and that was told
        self._clipped = 0.0  # share of the windows of speech, lately
        self._clips = False  # and that was told
        self._gone = False

    def hear(self, frame: EarFrame) -> list[Action]:
        """Take in one window."""
        if not self._name or frame.swing < 0:
            return []
        window_ms = frame.window_samples / self._per_ms
        return self._life(frame.swing > DEAD_SWING, window_ms) + self._clipping(frame, window_ms)

    def lost(self, why: str) -> list[Action]:
        """It is gone, and looked for."""
        known, self._gone = self._gone, True
        return [] if known else [Notice(why)]

    def back(self, name: str) -> list[Action]:
        """It, or another one, is heard again; whether it is alive is another question."""
        self._gone = self._dead = False
        self._dead_ms = self._alive_ms = 0.0
        other = bool(self._name and name) and name != self._name
        self._name = name if other else self._name
        return [Notice(f"the microphone is back: it is {name!r} now" if other else "the microphone is back")]

    def _life(self, alive: bool, window_ms: float) -> list[Action]:
        self._alive_ms = self._alive_ms + window_ms if alive else 0.0
        self._dead_ms = 0.0 if alive else self._dead_ms + window_ms
        if self._dead and self._alive_ms >= ALIVE_MS:
            self._dead = False
            self._patience_ms = min(DEAD_MOST_MS, 2 * self._patience_ms)
            return [Notice("the microphone is heard again")]
        if self._dead or self._dead_ms < self._patience_ms:
            return []
        self._dead = True
        for_s = self._patience_ms // 1000
        why = f"{self._name!r} has delivered nothing but silence for {for_s} s; is it muted? Else {CHOOSE}"
        return [Notice(f"check the microphone: {why}")]

    def _clipping(self, frame: EarFrame, window_ms: float) -> list[Action]:
        if frame.speech_prob < SPEECH:
            return []
        clipped = float(frame.clipped_share >= CLIPPED)
        self._clipped += min(1.0, window_ms / CLIPPED_OVER_MS) * (clipped - self._clipped)
        if self._clips or self._clipped < CLIPPED_HIGH:
            self._clips = self._clips and self._clipped > CLIPPED_LOW
            return []
        self._clips = True
        return [Notice(f"the microphone clips: lower the input gain of {self._name!r} in your system's sound settings")]
