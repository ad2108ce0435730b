"""Echo Room: our own voice comes back, louder than the user, from dry rooms and reverberant ones, with clocks that
drift and delays that jump in mid-talk. Real canceller, real detector. We never interrupt ourselves, and whoever speaks
over us is heard. Without a canceller the same room interrupts us: a scene that cannot fail proves nothing.

One seed is one room; more seeds go round them.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from adapters import registry
from adapters.base import EAR_RATE_HZ
from adapters.registry import Context
from adapters.tts.trouble import Trouble
from adapters.tts.whole import speak_whole
from adapters.weights import Weights, default_cache
from orchestrator import actions as act
from orchestrator.echo import EchoPath
from orchestrator.turns import Cause
from scenes.demonstration import speak
from scenes.room import Room, RoomClass
from scenes.room_ears import RoomEars, Speak, echo_path
from scenes.script import CLEAR, REPLY, aloud
from scenes.simulator import Simulator
from scenes.stage import Scene, Stage
from scenes.world import Sink, World
from stitcher.pcm import Float32
from timeline import events as ev
from timeline.clock import NS_PER_MS, SystemClock

ALONE_S = 60  # of own speech a seed; thirty seeds are thirty minutes, five in each room
BARE_S = 10
ROUNDS = 6  # interruptions a seed
HEARD_WITHIN_MS = 1000  # of the user's first sound, few of which are vowels
HEARD_LEAST = 0.8  # of a seed's six: one may be late
LEARNED_MS = (5000, 8000)  # after our voice began: the first interruption,
LATER_MS = (1500, 6000)  # those into the next replies,
SOON_MS = (300, 2000)  # and one into a first reply, while the canceller hardly knows the room
SOON_WITHIN_MS = 2000  # of such a user's first sound: whole sentences take longer
SELF_PAUSES_MOST = 1  # in ALONE_S: none was seen in thirty seeds; a delay that jumps may sound like a syllable
JITTER_MS = 1.0

ROOMS = (
    RoomClass("dry", 30, echo_db=0),
    RoomClass("office", 200, echo_db=0),
    RoomClass("living room", 400, echo_db=0),
    RoomClass("late", 200, delay_ms=280, echo_db=0),
    RoomClass("drifting", 300, drift_ppm=100, echo_db=0),
    RoomClass("jumping", 200, echo_db=0, jumps=((15_000, 160), (30_000, 60), (45_000, 110))),
)
LINES = [line for line in CLEAR if "," not in line]  # nobody pauses in the middle
OVER_USER_DB = (0.0, 3.0, 6.0)  # the echo above the user


def play(stage: Stage) -> None:
    kind = ROOMS[stage.seed % len(ROOMS)]
    alone = speaking(stage, kind, ALONE_S)
    alone.run((ALONE_S + 5) * 1000)
    stage.exactly("self_interruptions", len(moments(alone, Cause.BARGE_IN)), 0)
    stage.at_most("self_pauses", len(moments(alone, Cause.YIELDED)), SELF_PAUSES_MOST)
    bare = speaking(stage, kind, BARE_S, cancels=False)
    bare.run((BARE_S + 5) * 1000)
    stage.at_least("self_interruptions_without_canceller", len(moments(bare, Cause.YIELDED)), 1)
    (soon_ms,) = _over_us(stage, kind, SOON_MS, 1)
    stage.at_most("heard_soon_ms", np.inf if soon_ms is None else soon_ms, SOON_WITHIN_MS)
    late_ms = _over_us(stage, kind, LEARNED_MS, ROUNDS)
    heard = [ms for ms in late_ms if ms is not None and ms <= HEARD_WITHIN_MS]
    stage.at_least("double_talk_heard", len(heard) / max(1, len(late_ms)), HEARD_LEAST)
    stage.measure("double_talk_heard_ms_median", float(np.median(heard)) if heard else 0.0)
    path: EchoPath = alone.ears.ears.echo
    stage.measure("latency_ms", path.latency_ms or 0.0)
    stage.measure("reference_drift_ppm", path.reference.line.drift_ppm)


def _over_us(stage: Stage, kind: RoomClass, first_ms: tuple[float, float], rounds: int) -> list[float | None]:
    """How soon each of so many interruptions is heard, the first one begun so long after our voice."""
    talk = speaking(stage, kind, 20, rounds)
    user = Overtalker(stage, talk, first_ms, rounds)
    talk.watchers.append(user.watch)
    talk.run(rounds * 30_000)
    return user.heard_after_ms(moments(talk, Cause.BARGE_IN))


class Overtalker:
    """A user who lets each reply sound for a while and then speaks over it, `rounds` times."""

    def __init__(self, stage: Stage, simulator: Simulator, first_ms: tuple[float, float], rounds: int) -> None:
        self._draw = stage.random
        self._simulator = simulator
        self._first_ms = first_ms
        self._rounds = rounds
        self._begins_ns: list[int] = []  # of the user's sentences

    def watch(self, fact: object) -> None:
        if not isinstance(fact, act.ShowTurn) or fact.cause != Cause.AUDIO_STARTED:
            return
        if len(self._begins_ns) == self._rounds:
            self._simulator.later(0, ev.StopRequested())
            return
        after_ms = self._draw.uniform(*(LATER_MS if self._begins_ns else self._first_ms))
        self._begins_ns.append(int(self._simulator.now_ns() + after_ms * NS_PER_MS))
        self._simulator.say(self._draw.choice(LINES), after_ms, 2500)

    def heard_after_ms(self, interruptions: list[int]) -> list[float | None]:
        """From the beginning of each sentence to the interruption; None: there was none."""
        ends = [*self._begins_ns[1:], self._simulator.now_ns() + 1]
        spans = zip(self._begins_ns, ends, strict=True)
        found = (next((at for at in interruptions if begin <= at < end), None) for begin, end in spans)
        return [None if at is None else (at - begin) / NS_PER_MS
                for at, begin in zip(found, self._begins_ns, strict=True)]  # fmt: skip


def speaking(stage: Stage, kind: RoomClass, reply_s: float, rounds: int = 0, cancels: bool = True) -> Simulator:
    """A question is typed, and answered aloud in the room."""
    random = np.random.default_rng(stage.random.getrandbits(32))
    user = _user(stage, kind, stage.random.choice(OVER_USER_DB))
    replies = tuple(aloud(reply_s, first) for first in range(max(1, rounds + 1)))
    world = World(events=((300, ev.UserTyped("go on")),), replies=replies,
                  sink=Sink(drift_ppm=kind.drift_ppm, jitter_ms=JITTER_MS),
                  ears=partial(_ears, kind, random, cancels, user))  # fmt: skip
    return stage.session(world, Trouble())


def _ears(kind: RoomClass, random: Any, cancels: bool, user: Speak, simulator: Any) -> RoomEars:
    context = Context(Weights(default_cache()), SystemClock(), default_cache())
    vad = registry.create("ears", "silero", {}, context)
    canceller = registry.create("echo", "webrtc", {}, context) if cancels else None
    path = echo_path(canceller, simulator.settings.rate_hz) if cancels else None
    return RoomEars(simulator, Room(kind, random), vad, path, user)


def _user(stage: Stage, kind: RoomClass, over_db: float) -> Speak:
    """Another voice than ours, so many dB below our echo."""
    own = stage.make_tts(stage.adapter)
    echo_rms = _rms(speak_whole(own, REPLY, EAR_RATE_HZ)) * 10 ** (kind.echo_db / 20)
    voice = stage.make_tts("espeak")

    def say(text: str) -> Float32:
        pcm = speak(voice, text)
        return (pcm * np.float32(echo_rms / _rms(pcm) * 10 ** (-over_db / 20))).astype(np.float32)

    return say


def _rms(pcm: Float32) -> float:
    return float(np.sqrt(np.mean(np.square(pcm))))


def moments(simulator: Simulator, cause: Cause) -> list[int]:
    """When the turn moved for that reason."""
    return [t_ns for t_ns, fact in simulator.of(act.ShowTurn) if fact.cause == cause]


SCENE = Scene("echo-room", "our own voice comes back, louder than the user: it is not heard, the user is", play,
              seeds=len(ROOMS), adapters=("espeak", "piper"))  # fmt: skip
