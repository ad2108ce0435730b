"""Bad Microphone: one that is muted for a while, clips, comes in bursts, and is pulled out and plugged in again: in
mid-utterance, in mid-reply or in a pause. People are told of each once, the voice goes on, and whatever is said to it
when it hears is answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any

import numpy as np

from adapters.audio.returning import MOST_MS
from adapters.audio.watch import STILL_MOST, WATCH_MS
from adapters.tts.trouble import Trouble
from orchestrator import actions as act
from orchestrator.microphone_health import DEAD_MS
from orchestrator.turns import Cause
from scenes.actors import EAR_WINDOW
from scenes.bad_ears import BLOCK, BLOCK_NS, NAME, BadEars
from scenes.script import aloud
from scenes.simulator import Simulator
from scenes.stage import Scene, Stage
from scenes.world import World
from stitcher.pcm import Int16
from timeline import events as ev
from timeline.clock import NS_PER_MS

SAYS_MS = 1400
BREATH_MS = 600  # before somebody speaks
GONE_MOST_MS = 9000
BACK_MOST_MS = GONE_MOST_MS + WATCH_MS * (STILL_MOST + 2) + 2 * MOST_MS  # and it is noticed, and looked for
LATE_MOST_MS = WATCH_MS * (STILL_MOST + 2)  # until a turn is taken for over: the microphone may be gone
OFF_MOST_MS = EAR_WINDOW / 16 + BLOCK_NS / NS_PER_MS  # a window, and the block that completes it
TOLD = {"gone": "the microphone is gone", "back": "the microphone is back", "dead": "check the microphone",
        "alive": "the microphone is heard again", "clips": "the microphone clips"}  # fmt: skip
HOURS_MS = 600_000

Wait = Iterator[Callable[[], bool]]
"""A part of the script: whatever it yields has to come true before it goes on."""


def play(stage: Stage) -> None:
    draw = stage.random
    world = World(replies=tuple(aloud(draw.uniform(3, 8), first) for first in range(12)),
                  ears=lambda simulator: BadEars(simulator, np.random.default_rng(stage.seed)))  # fmt: skip
    trouble = Trouble(open_ms=draw.uniform(0, 60), call_ms=draw.uniform(0, 30), rtf=draw.uniform(0, 0.3))
    simulator = stage.session(world, trouble, microphone=NAME)
    user = User(simulator, draw)
    simulator.watchers.append(user.watch)
    simulator.run(HOURS_MS)
    told = Counter(name for _, notice in simulator.of(act.Notice) for name, line in TOLD.items()
                   if notice.text.startswith(line))  # fmt: skip
    for name in TOLD:
        stage.exactly(f"told_{name}", told[name], 1)
    stage.exactly("told_in_all", len(simulator.of(act.Notice)), len(TOLD))
    kept = [fact for _, fact in simulator.of(act.Remember)]
    heard = [fact.text for fact in kept if fact.role == "user"]
    stage.exactly("heard_as_said", int(heard == user.asked), 1)
    replies = [(fact.text, fact.interrupted) for fact in kept if fact.role == "assistant"]
    stage.exactly("replies_whole", int(replies == [(text, False) for text in world.replies[: len(heard)]]), 1)
    stage.exactly("flushes", len(simulator.of(act.Flush)), 0)
    stage.exactly("underrun_samples", simulator.underrun_samples(), 0)
    stage.exactly("lost_samples", simulator.ears.ears.capture.lost_samples, 0)
    stage.at_most("turn_end_off_ms", user.off_ms_most, OFF_MOST_MS)
    stage.at_most("turn_end_late_ms", user.late_ms_most, LATE_MOST_MS)
    stage.exactly("ended", int(simulator.core.ended), 1)


class User:
    """Asks, waits for the answer, and has a bad microphone. `asked`: what must have been heard."""

    def __init__(self, simulator: Simulator, draw: Random) -> None:
        self.asked: list[str] = []
        self.off_ms_most = 0.0  # between where a turn ended and where it is said to have ended
        self.late_ms_most = 0.0  # from there until that was known
        self._simulator = simulator
        self._ears: BadEars = simulator.ears
        self._draw = draw
        self._causes: Counter[str] = Counter()
        self._back = 0
        self._ends_ms = 0.0  # of what is being said, as far as it can be heard
        self._script = self._all()
        self._wanted = next(self._script)

    def watch(self, fact: Any) -> None:
        if isinstance(fact, act.ShowTurn):
            self._causes[fact.cause] += 1
            if fact.cause == Cause.TURN_COMMITTED:
                self.late_ms_most = max(self.late_ms_most, self._now_ms() - self._ends_ms)
                self.off_ms_most = max(self.off_ms_most, abs(fact.at_ns / NS_PER_MS - self._ends_ms))
        self._back += isinstance(fact, ev.MicrophoneBack)
        while self._wanted():
            self._wanted = next(self._script, lambda: False)

    # -- the script -----------------------------------------------------------------------

    def _all(self) -> Wait:
        draw = self._draw
        lose = draw.choice((self._lose_while_speaking, self._lose_while_spoken_to, self._lose_in_a_pause))
        acts = [lose, self._mute, self._clip, self._burst]
        draw.shuffle(acts)
        yield from self._ask("to begin with")
        for number, part in enumerate(acts):
            yield from part()
            yield from self._ask(f"number {number}")
        self._simulator.later(0, ev.InputEnded())

    def _ask(self, text: str, for_ms: float = SAYS_MS) -> Wait:
        """Say it and hear the answer out."""
        self._say(text, for_ms)
        yield self._answered()

    def _lose_while_speaking(self) -> Wait:
        """What was said until then is a turn."""
        answered = self._answered()
        self._say("as long as it", SAYS_MS)
        after_ms = self._draw.uniform(500, SAYS_MS)
        self._ends_ms += after_ms - SAYS_MS
        yield from self._lose(BREATH_MS + after_ms)
        yield answered

    def _lose_while_spoken_to(self) -> Wait:
        answered, sounding = self._answered(), self._more(Cause.AUDIO_STARTED)
        self._say("tell me", SAYS_MS)
        yield sounding
        yield from self._lose(self._draw.uniform(0, 2500))
        yield answered

    def _lose_in_a_pause(self) -> Wait:
        yield from self._lose(self._draw.uniform(100, 3000))

    def _lose(self, after_ms: float) -> Wait:
        """Pull it out, and wait until it is back."""
        backs, latest_ms = self._back, self._now_ms() + after_ms + BACK_MOST_MS
        pull = partial(self._ears.pull, self._draw.uniform(300, GONE_MOST_MS), self._draw.random() < 0.5)
        self._simulator.agenda.later(int(after_ms * NS_PER_MS), pull)
        yield lambda: self._back > backs or self._now_ms() > latest_ms

    def _mute(self) -> Wait:
        """A quiet room for as long as it takes, then hardware that is muted, into which somebody speaks."""
        yield from self._wait(DEAD_MS + 2000)
        self._ears.dead = self._draw.choice((zeros, constant, partial(dither, self._draw.randrange(99))))
        self._simulator.say("nobody hears this", 3000, 1500)
        yield from self._wait(DEAD_MS + self._draw.uniform(1000, 8000))
        self._ears.dead = None
        yield from self._wait(1000)

    def _clip(self) -> Wait:
        self._ears.clips = True
        yield from self._ask("much too loud", 2500)
        self._ears.clips = False

    def _burst(self) -> Wait:
        self._ears.bursts = True
        yield from self._wait(self._draw.uniform(0, 1000))
        yield from self._ask("in bursts")
        self._ears.bursts = False

    # -- its words ------------------------------------------------------------------------

    def _say(self, text: str, for_ms: float) -> None:
        self.asked.append(text)
        self._ends_ms = self._now_ms() + BREATH_MS + for_ms
        self._simulator.say(text, BREATH_MS, for_ms)

    def _answered(self) -> Callable[[], bool]:
        return self._more(Cause.REPLY_FINISHED)

    def _more(self, cause: Cause) -> Callable[[], bool]:
        """It has come about once more than by now."""
        before = self._causes[cause]
        return lambda: self._causes[cause] > before

    def _wait(self, for_ms: float) -> Wait:
        until_ms = self._now_ms() + for_ms
        yield lambda: self._now_ms() >= until_ms

    def _now_ms(self) -> float:
        return self._simulator.agenda.clock.now_ns() / NS_PER_MS


def zeros() -> Int16:
    return np.zeros(BLOCK, np.int16)


def constant() -> Int16:
    return np.full(BLOCK, -37, np.int16)


def dither(seed: int) -> Int16:
    return np.random.default_rng(seed).integers(-1, 2, BLOCK).astype(np.int16)


SCENE = Scene("bad-microphone", "muted, clipping, in bursts, gone and back: each is told once, the talk goes on", play,
              seeds=20, seeds_most=500)  # fmt: skip
