"""Ears that really hear, on the virtual clock: sound, the real voice activity detector, the real recognizer.

The detector takes no time; the recognizer takes what its call really took on this machine, one call after the other.
Positions are samples at EAR_RATE_HZ.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from adapters.base import EAR_RATE_HZ, Stt
from adapters.ears.base import Vad
from orchestrator import actions as act
from scenes.agenda import Agenda
from stitcher.pcm import Float32, dbfs, to_float32, to_int16
from timeline import events as ev
from timeline.clock import NS_PER_S, Clock

Post = Callable[[Any], None]
PLAY_SECONDS = 120  # more is heard in no case
HISS_DBFS = -75.0  # no microphone is digitally silent


class RealEars:
    """Hears what `play` lays into the room, a window at a time."""

    def __init__(self, vad: Vad, agenda: Agenda, now_ns: Callable[[], int], post: Post) -> None:
        self._vad = vad
        self._agenda = agenda
        self._now_ns = now_ns
        self._post = post
        self.position = 0
        rng = np.random.default_rng(0)
        hiss = rng.normal(0, 10 ** (HISS_DBFS / 20), PLAY_SECONDS * EAR_RATE_HZ)
        self._room = hiss.astype(np.float32)
        self._window = vad.window_samples
        self._period_ns = self._window * NS_PER_S // EAR_RATE_HZ
        vad.reset()
        agenda.later(self._period_ns, self._on_window)

    def play(self, pcm: Float32, after_ms: float = 0.0) -> int:
        """float32[n] sounds from now on; returns the position of its first sample."""
        start = self.position + int(after_ms * EAR_RATE_HZ / 1000)
        part = self._room[start : start + pcm.size]
        part += pcm[: part.size]
        return start

    def slice(self, start: int, end: int) -> Float32:
        return to_float32(to_int16(self._room[max(0, start) : end]))

    def _on_window(self) -> None:
        self.position += self._window
        window = to_int16(self._room[self.position - self._window : self.position])
        self._agenda.later(self._period_ns, self._on_window)
        probability = round(float(self._vad.probability(window)), 4)
        level_dbfs = round(dbfs(window), 1)
        self._post(ev.EarFrame(self.position, self._window, probability, level_dbfs, self._now_ns()))


class RealRecognizer:
    """Hears `ears` through `stt`; `known`: texts of the first segments, which need not be recognized."""

    def __init__(
        self, stt: Stt, clock: Clock, known: tuple[str, ...], ears: RealEars, agenda: Agenda, post: Post
    ) -> None:
        self._stt = stt
        self._clock = clock
        self._known = known
        self._ears = ears
        self._agenda = agenda
        self._post = post
        self._free_ns = 0  # virtual time at which it can begin

    def carry_out(self, action: act.Transcribe) -> None:
        begin_ns = self._clock.now_ns()
        if action.segment < len(self._known):
            text = self._known[action.segment]
        else:
            pcm = self._ears.slice(action.start_position, action.end_position)
            text = self._stt.transcribe(pcm, not action.final, action.expected).text
        cost_ns, now_ns = self._clock.now_ns() - begin_ns, self._agenda.clock.now_ns()
        self._free_ns = max(self._free_ns, now_ns) + cost_ns
        answer = ev.Transcribed(action.segment, action.attempt, action.final, text, action.start_position,
                                action.end_position, cost_ns)  # fmt: skip
        self._agenda.later(self._free_ns - now_ns, partial(self._post, answer))
