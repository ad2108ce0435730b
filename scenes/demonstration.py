"""The demonstration: a user who is not there. Another voice asks, interrupts, and asks again, in real time.

The user speaks into a queued microphone, so it is known to the sample when each question ends: the gap that the
session measures from its own ears can be held against the truth. Everything else is the session of `duckbill talk`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adapters.audio.queued import QueuedMicrophone, Saying
from adapters.base import EAR_RATE_HZ, Tts
from adapters.tts.whole import speak_whole
from adapters.voice import named
from stitcher.pcm import Float32
from timeline.clock import NS_PER_MS
from timeline.events import InputEnded

USER_VOICE = named("espeak", "en-us+f3", 0.85)
AUDIBLE = 0.003  # amplitude, -50 dB: the question ends with its last sample above
THINK_MS = 900  # before the user speaks again; people leave about this much when they have to think
FIRST_WAIT_MS = 500


@dataclass(frozen=True, slots=True)
class Line:
    """`interrupt_ms`: said when that much of what is being said has been heard; None: when it is finished.
    `report`: that is a report of the second source, which the user waits for; else it is the answer."""

    text: str
    interrupt_ms: int | None = None
    report: bool = False


# In one breath each: of this voice the model of turns cannot tell a pause from an end. In words that the recognizer
# is sure of: where it is not, it listens a second time, and an answer takes a second more.
LINES = (
    Line("What is the strangest animal that you know?"),
    Line("Wait and tell me how far away the moon is.", interrupt_ms=4500),
    Line("How long does it take to travel there?"),
    Line("Stop and tell me what the weather is like today.", interrupt_ms=3000),
)
REPLIES = (
    "The platypus. It is a mammal that lays eggs, and it lives in the rivers of eastern Australia. "
    "It hunts under water with its eyes closed, and it finds its food with its bill, which feels the faint electric "
    "fields of small animals. When the first one was sent to London, people looked for the stitches.",
    "About a light second. In kilometers, that is three hundred and eighty four thousand.",
    "Three days, at least. The first crew flew in a cabin no larger than a car, and they slept in turns, while the "
    "earth grew smaller in the window behind them and the moon grew larger in front.",
    "I cannot tell, for I have no window. But I hope that the sun is shining.",
)
"""What the script answers, in the order of the questions."""


@dataclass(frozen=True, slots=True)
class TwoSources:
    """The demonstration of a conversation with a second source behind it."""

    lines: tuple[Line, ...]
    replies: tuple[str, ...]
    reports: tuple[str, ...]
    work_ms: int  # that a report takes


TWO_SOURCES = TwoSources(
    lines=(
        Line("Computer, how many stars can I see at night?"),
        Line("How far away is the moon?"),
        Line("Stop and tell me what the weather is like today.", interrupt_ms=6500, report=True),
        Line("Computer, how far away is the nearest star?"),
    ),
    replies=(
        "I have passed that on. What else would you like to know?",
        "About a light second. In kilometers, that is three hundred and eighty four thousand, and it is growing.",
        "I cannot tell, for I have no window.",
        "Somebody is looking that up for you.",
    ),
    reports=(
        "With the naked eye, and far from any town, you can see about two and a half thousand stars at once. In the "
        "middle of a large city it is fewer than a hundred, because the sky is brighter than most of them.",
        "The nearest star is the sun. The next one is four light years away.",
    ),
    work_ms=9000,
)
"""The first report becomes ready while the moon is being talked about, waits, and is interrupted."""

REPORT_WAIT_MS = 30_000  # a user who waits for a report that does not come goes on then


def speak(tts: Tts, text: str) -> Float32:
    """The text as the user says it, float32 at EAR_RATE_HZ, without silence at its ends."""
    pcm = speak_whole(tts, text, EAR_RATE_HZ, USER_VOICE)
    loud = np.flatnonzero(np.abs(pcm) > AUDIBLE)
    return pcm[loud[0] : loud[-1] + 1]


class User:
    """Speaks the lines into `microphone`; a watcher of the session, and driven by its ticks alone."""

    def __init__(self, microphone: QueuedMicrophone, tts: Tts, lines: Sequence[Line] = LINES) -> None:
        self.microphone = microphone
        self.post: Callable[[Any], None] = lambda event: None  # set once the session is there
        self.true_gaps_ms: list[float] = []
        self._lines = [(line, speak(tts, line.text)) for line in lines]
        self._next = 0
        self._due_ns = FIRST_WAIT_MS * NS_PER_MS
        self._reporting = False  # what sounds, or sounded last, is a report
        self._saying: Saying | None = None

    def watch(self, t_ns: int, what: str, fact: Any) -> None:
        kind = type(fact).__name__
        if kind == "SinkTick":
            if 0 <= self._due_ns <= t_ns:
                self._speak()
        elif kind == "ShowTurn":
            self._follow(t_ns, fact)

    def _follow(self, t_ns: int, shown: Any) -> None:
        """The turn moved: when is the next line due?"""
        line = self._lines[self._next][0] if self._next < len(self._lines) else None
        if shown.state == "thinking":
            self._reporting = shown.cause == "floor_granted"
            self._due_ns = -1
        elif shown.cause == "audio_started":
            if not self._reporting:
                self._note_gap(shown.at_ns)
            if line is not None and line.interrupt_ms is not None and line.report == self._reporting:
                self._due_ns = shown.at_ns + line.interrupt_ms * NS_PER_MS
        elif shown.state == "listening":
            waits = line is not None and line.report and not self._reporting
            self._due_ns = t_ns + (REPORT_WAIT_MS if waits else THINK_MS) * NS_PER_MS

    def _speak(self) -> None:
        self._due_ns = -1
        if self._next < len(self._lines):
            self._saying = self.microphone.say(self._lines[self._next][1])
            self._next += 1
        else:
            self.post(InputEnded())

    def _note_gap(self, audible_ns: int) -> None:
        ends_ns = self._saying.ends_ns if self._saying is not None else None
        if ends_ns is not None:
            self.true_gaps_ms.append(round((audible_ns - ends_ns) / NS_PER_MS, 1))
