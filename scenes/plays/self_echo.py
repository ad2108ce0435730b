"""Self-Echo: what our voice said comes back through whatever cancels it, and the recognizer writes it down with errors;
and users repeat words of ours, a while after them. We pause for both, go on where it was ourselves, and answer nobody
but the user.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from random import Random

from adapters.tts.trouble import Trouble
from orchestrator import actions as act
from orchestrator.self_echo import LETTERS_LEAST
from orchestrator.turns import Cause, State
from scenes.script import aloud
from scenes.simulator import Simulator
from scenes.stage import Scene, Stage
from scenes.world import World
from timeline import events as ev
from timeline.clock import NS_PER_MS

SEEDS = 60
SOUNDS = 8  # a seed: half of them are echoes
ECHO_MS = (250, 1100)  # short ones are over before there are words, long ones would take the floor by length
USER_MS = (700, 1400)
AGO_MS = 2000  # after the words that a user repeats: sooner they cannot be told from an echo
PAUSE_MS = (3000, 5000)  # between one and the next
LOST_MOST = 2  # letters of so short an echo: what is shorter than LETTERS_LEAST is taken for a user's
NEVER = 2**63
ERRORS = 0.2  # of the letters of an echo, at most: half suppressed, to a small recognizer


def play(stage: Stage) -> None:
    world = World(events=((300, ev.UserTyped("go on")),), stt_cost_ms=stage.random.uniform(60, 250),
                  replies=tuple(aloud(60, first) for first in range(SOUNDS)))  # fmt: skip
    simulator = stage.session(world, Trouble())
    repeater = Repeater(stage.random, simulator)
    simulator.watchers.append(repeater.watch)
    simulator.run(SOUNDS * 20_000)
    echoes = [sound for sound in repeater.sounds if sound.echo]
    users = [sound for sound in repeater.sounds if not sound.echo]
    answered = {fact.text for _, fact in simulator.of(act.Remember) if fact.role == "user"}
    interruptions = [t_ns for t_ns, fact in simulator.of(act.ShowTurn) if fact.cause == Cause.BARGE_IN]
    stage.exactly("sounds", len(repeater.sounds), SOUNDS)
    stage.exactly("self_interruptions", sum(sound.holds(at) for sound in echoes for at in interruptions), 0)
    stage.exactly("echoes_answered", sum(sound.text in answered for sound in echoes), 0)
    stage.exactly("users_lost", sum(sound.text not in answered for sound in users), 0)
    stage.measure("own_words_told", len(simulator.of(act.OwnWords)))


@dataclass(frozen=True, slots=True)
class Sound:
    """Something that is heard while our voice speaks, and until when it is looked at."""

    echo: bool
    text: str
    begin_ns: int
    end_ns: int

    def holds(self, t_ns: int) -> bool:
        return self.begin_ns <= t_ns < self.end_ns


class Repeater:
    """Has our own words heard again: at once, by ourselves; later, by a user."""

    def __init__(self, draw: Random, simulator: Simulator) -> None:
        self.sounds: list[Sound] = []
        self._draw = draw
        self._simulator = simulator
        self._kinds = [True, False] * (SOUNDS // 2)
        draw.shuffle(self._kinds)
        self._due_ns = NEVER
        self._said: list[tuple[int, str]] = []  # what of the reply had sounded, and when

    def watch(self, fact: object) -> None:
        if isinstance(fact, act.ShowTurn) and fact.cause == Cause.AUDIO_STARTED:
            self._said = []
            self._wait()
        elif isinstance(fact, act.ShowTurn) and fact.cause == Cause.BARGE_IN:
            self._due_ns = NEVER
        elif isinstance(fact, ev.SinkTick) and self._simulator.core.turns.state is State.SPEAKING:
            replying = self._simulator.core.replying
            said, _ = replying.speech.script.heard(replying.ledger, replying.read_index)
            self._said.append((self._simulator.now_ns(), said))
            if self._simulator.now_ns() >= self._due_ns:
                self._sound(said)

    def _wait(self, after_ms: float = 0.0) -> None:
        self._due_ns = self._simulator.now_ns() + int((after_ms + self._draw.uniform(*PAUSE_MS)) * NS_PER_MS)

    def _sound(self, said: str) -> None:
        if len(self.sounds) == SOUNDS:
            self._simulator.post(ev.StopRequested())
            return
        echo = self._kinds[len(self.sounds)]
        text = garbled(last_words(said), self._draw) if echo else last_words(self._said_ago(), 2)
        for_ms = self._draw.uniform(*(ECHO_MS if echo else USER_MS))
        self._simulator.say(text, 0, for_ms)
        self._wait(for_ms)
        self.sounds.append(Sound(echo, text, self._simulator.now_ns(), self._due_ns))

    def _said_ago(self) -> str:
        until_ns = self._simulator.now_ns() - AGO_MS * NS_PER_MS
        return [said for _, said in takewhile(lambda one: one[0] <= until_ns, self._said)][-1]


def last_words(said: str, least: int = 1) -> str:
    """The last `least` words, or more, until they are enough to tell whose they are."""
    words = said.split()
    for count in range(least, len(words) + 1):
        text = " ".join(words[-count:])
        if sum(map(str.isalnum, text)) >= LETTERS_LEAST + LOST_MOST:
            return text
    return said


def garbled(text: str, draw: Random) -> str:
    """As a recognizer may write it: some letters wrong, lost or too many."""
    letters = list(text.lower())
    for at in draw.sample(range(len(letters)), int(ERRORS * len(letters))):
        letters[at] = draw.choice(("", letters[at] * 2, draw.choice("aeiounrst")))
    return "".join(letters)


SCENE = Scene("self-echo", "our own words are heard again: not an interruption from us, one from the user", play,
              seeds=SEEDS, seeds_most=2000)  # fmt: skip
