"""Gap: voice to voice, from the user's last sample to the first audible one of the reply, and what it costs in haste.

Held in real time with the script as reply source. Users of several voices say turns with pauses in mid-sentence
(scenes.corpus.turns); their true last sample is known, and the gap that the session measures from its own ears stands
beside it. `false_start_rate`: turns into which the reply began to sound before that sample; they have no gap. Turns
that were said without a pause are shown apart from those with one or more.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Callable, Sequence
from statistics import mean, median
from typing import Any, NamedTuple

import numpy as np

from adapters import registry
from adapters.audio.queued import QueuedMicrophone, Saying
from adapters.audio.silent import SilentSpeaker
from adapters.registry import Context
from orchestrator.config import Config
from orchestrator.session import Session
from orchestrator.shell import Parts
from scenes.bench.report import Report, at_most, machine, shown
from scenes.corpus.cast import Cast
from scenes.corpus.turns import Turn as SpokenTurn
from scenes.corpus.turns import turns as spoken_turns
from timeline.clock import NS_PER_MS
from timeline.events import InputEnded
from timeline.measures import STAGES

GAP_P50_MOST_MS, GAP_P95_MOST_MS = 500, 800  # two cores
TURNS = 42  # of which three in four pause: with 21, one turn that was misheard is the 95th percentile
REPLIES = ("All right. I have written that down for you.", "Yes, I can do that for you.", "Good. Then that is settled.")
THINK_MS = 600  # before the next turn


class Answered(NamedTuple):
    """What became of a turn. `gap_ms`: None where the reply began before its end."""

    turn: SpokenTurn
    gap_ms: float | None


class Asker:
    """Says one turn after the other into `microphone`; a watcher of the session."""

    def __init__(self, microphone: QueuedMicrophone, turns: Sequence[SpokenTurn]) -> None:
        self.microphone = microphone
        self.post: Callable[[Any], None] = lambda event: None  # set once the session is there
        self.answers: list[Answered] = []
        self._turns = list(turns)
        self._next = 0
        self._due_ns = THINK_MS * NS_PER_MS
        self._saying: Saying | None = None
        self._answered = True

    def watch(self, t_ns: int, what: str, fact: Any) -> None:
        kind = type(fact).__name__
        if kind == "SinkTick" and 0 <= self._due_ns <= t_ns and (self._saying is None or self._saying.spoken):
            self._speak()
        elif kind == "ShowTurn" and fact.cause == "audio_started":
            self._note(fact.at_ns)
        elif kind == "ShowTurn":
            self._due_ns = t_ns + THINK_MS * NS_PER_MS if fact.state == "listening" else -1

    def _speak(self) -> None:
        self._due_ns = -1
        if self._next == len(self._turns):
            self.post(InputEnded())
            return
        self._saying = self.microphone.say(self._turns[self._next].pcm)
        self._next, self._answered = self._next + 1, False

    def _note(self, audible_ns: int) -> None:
        """The reply sounds: after the turn's end, or into it."""
        if self._saying is None or self._answered:
            return
        ends_ns = self.microphone.heard_ns(self._saying.first_sample + self._turns[self._next - 1].end)
        assert ends_ns is not None, "a reply before the microphone heard anything"
        self._answered = True
        gap_ms = (audible_ns - ends_ns) / NS_PER_MS if audible_ns >= ends_ns else None
        self.answers.append(Answered(self._turns[self._next - 1], gap_ms))


def run(context: Context) -> Report:
    """Raises AdapterError."""
    parts, asker = conversation(context)
    with tempfile.TemporaryDirectory() as folder:
        session = Session(Config(artifacts=folder), parts, "gap", [asker.watch])
        asker.post = session.shell.post_from_thread
        outcome = asyncio.run(session.hold([]))
    for part in (parts.tts, parts.stt, parts.turn):
        part.close()  # type: ignore[union-attr]
    turns = [turn for turn in outcome.turns if turn.gap_ms is not None]
    paused, whole = ([one for one in asker.answers if bool(one.turn.pauses) == pauses] for pauses in (True, False))
    metrics = (
        at_most("gap_ms_p50", _percentile(asker.answers, 50), "ms", GAP_P50_MOST_MS),
        at_most("gap_ms_p95", _percentile(asker.answers, 95), "ms", GAP_P95_MOST_MS),
        shown("false_start_rate", _false_starts(asker.answers), ""),
        shown("paused_gap_ms_p50", _percentile(paused, 50), "ms"),
        shown("paused_false_start_rate", _false_starts(paused), ""),
        shown("whole_gap_ms_p50", _percentile(whole, 50), "ms"),
        shown("whole_false_start_rate", _false_starts(whole), ""),
        shown("gap_measured_ms_p50", median(turn.gap_ms or 0 for turn in turns), "ms"),
        *(shown(f"stage_{name}_ms_p50", median(turn.stages[name] for turn in turns), "ms") for name in STAGES),
        shown("guesses_per_turn", sum(turn.guesses for turn in outcome.turns) / TURNS, ""),
        shown("wasted_ms_per_turn", sum(turn.wasted_ms for turn in outcome.turns) / TURNS, "ms"),
        at_most("underruns", outcome.meter.underruns, "", 0),
    )
    return Report("gap", machine(), metrics, len(asker.answers))


def _percentile(answers: Sequence[Answered], percent: int) -> float:
    return float(np.percentile([one.gap_ms for one in answers if one.gap_ms is not None], percent))


def _false_starts(answers: Sequence[Answered]) -> float:
    return mean(one.gap_ms is None for one in answers)


def conversation(context: Context) -> tuple[Parts, Asker]:
    """Everybody who takes part, loaded and warm."""
    cast = Cast(context, ("kokoro", "piper"))  # the model of turns hears no tune in eSpeak's voices
    microphone = QueuedMicrophone(context.clock)
    asker = Asker(microphone, list(itertools.islice(spoken_turns(cast), TURNS)))
    cast.close()
    tts = registry.create("tts", "piper", {}, context)
    stt = registry.create("stt", "whisper", {}, context)
    vad = registry.create("ears", "silero", {}, context)
    turn = registry.create("ears", "smart_turn", {}, context)
    replies = registry.create("llm", "script", {"lines": list(REPLIES)}, context)
    for part in (tts, stt, turn):
        part.warm_up()
    speaker = SilentSpeaker(context.clock, Config().audio.rate_hz)
    return Parts(context.clock, tts, speaker, microphone, vad, stt, replies, turn=turn), asker
