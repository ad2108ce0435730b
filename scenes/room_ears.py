"""Ears in a room: instead of a script's probabilities, what the simulated sink played comes back through the air, the
echo canceller and the detector, all of them real. To the session it is an EarActor.

    SinkTick and its block --> Air --> Room --> Capture --> Ears (EchoPath, Vad) --> EarFrame
    the user's voice, spoken -----------^                         ^-- reference: the block, at the tick's time
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adapters.base import EAR_RATE_HZ
from adapters.ears.base import EchoCanceller, Vad
from orchestrator import actions as act
from orchestrator.ears import Ears
from orchestrator.echo import EchoPath
from scenes.actors import EAR_WINDOW, EarActor
from scenes.room import Room
from scenes.world import Speech
from stitcher.capture import Capture
from stitcher.echo_reference import EchoReference
from stitcher.pcm import Float32, Int16, to_float32
from stitcher.sinc import Sinc
from timeline import events as ev

AIR_S = 2  # of what was played: more than any delay

Speak = Callable[[str], Float32]
"""A text as the user says it, at EAR_RATE_HZ, as loud as it reaches the microphone."""


class Air:
    """What the sink played, to be read at any moment of its clock."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._sinc = Sinc(rate_hz / EAR_RATE_HZ)
        self._kept = np.zeros(AIR_S * rate_hz, np.float32)
        self._end = 0

    def push(self, block: Int16) -> None:
        self._kept[np.arange(self._end, self._end + block.size) % self._kept.size] = to_float32(block)
        self._end += block.size

    def at(self, seconds: np.ndarray) -> Float32:
        """What sounds at these moments, which ascend."""
        places = seconds * self._rate_hz
        first = int(np.floor(places[0])) - self._sinc.behind
        wanted = np.arange(first, int(np.floor(places[-1])) + self._sinc.ahead + 1)
        there = (wanted >= 0) & (wanted < self._end)
        pcm = np.where(there, self._kept[wanted % self._kept.size], np.float32(0.0))
        return self._sinc.read(pcm, places - first - self._sinc.behind)


class RoomEars(EarActor):
    """`simulator`: the session whose ears they are. `echo`: None hears the room as it is."""

    def __init__(self, simulator: Any, room: Room, vad: Vad, echo: EchoPath | None, speak: Speak) -> None:
        self._room = room
        self._speak = speak
        self._sink = simulator.sink
        self._air = Air(simulator.settings.rate_hz)
        self._voices: list[tuple[int, Float32]] = []  # what the user says, and from which sample on
        self.ears = Ears(Capture(EAR_RATE_HZ), vad, echo)
        super().__init__(simulator.world, simulator.agenda, simulator.now_ns, simulator.post)
        for speech in self.said:
            self._utter(speech)
        simulator.watchers.append(self._watch)

    def say(self, speech: Speech) -> None:
        super().say(speech)
        self._utter(speech)

    def _utter(self, speech: Speech) -> None:
        self._voices.append((int(speech.start_ms * EAR_RATE_HZ / 1000), self._speak(speech.text)))

    def _watch(self, fact: Any) -> None:
        if isinstance(fact, ev.SinkTick):
            block = self._sink.played[-1]
            self._air.push(block)
            if self.ears.echo is not None:
                self.ears.echo.reference.played(block, fact.device_ns)
        elif isinstance(fact, act.OwnWords) and self.ears.echo is not None:
            self.ears.echo.guard.own_words(self._now_ns())

    def _on_window(self) -> None:
        self._agenda.later(self._period_ns, self._on_window)
        played = self._air.at(self._room.sounding(EAR_WINDOW))
        self.ears.capture.take(self._room.hear(played, self._said_now()), self._now_ns())
        for frame in self.ears.listen():
            self._post(frame)

    def _said_now(self) -> Float32:
        """The user's voice in the next window."""
        now = np.zeros(EAR_WINDOW, np.float32)
        begin = self._room.position
        self._voices = [(start, pcm) for start, pcm in self._voices if start + pcm.size > begin]
        for start, pcm in self._voices:
            at = np.arange(begin, begin + EAR_WINDOW) - start
            inside = (at >= 0) & (at < pcm.size)
            now[inside] += pcm[at[inside]]
        return now


def echo_path(canceller: EchoCanceller | None, rate_hz: int) -> EchoPath:
    """For a sink at `rate_hz`."""
    return EchoPath(canceller, EchoReference(rate_hz, EAR_RATE_HZ))
