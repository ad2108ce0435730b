"""A voice whose process is killed in a live session: another goes on at the word, and it comes back once it is warm.

The real shell, session and recording, and a real process; only the devices and the clock are the test's. A tone a word
tells in the sound itself which words were heard. Time passes 20 ms at a step, whenever nobody is at work.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.base import AudioChunk, Span, Tts
from adapters.registry import Context, create
from adapters.tts.null import CHARS_PER_S, ToneSynthesis, ToneTts
from adapters.tts.trouble import Trouble, Troubled
from adapters.weights import Weights
from orchestrator import actions as act
from orchestrator.config import load_config
from orchestrator.session import Outcome, Session
from orchestrator.shell import Parts
from orchestrator.tests.test_shell import Devices
from orchestrator.voices import FAILED, RECOVERED
from scenes.plays.mid_stream_swap import phrase_ends, seams
from scenes.replay import replay
from scenes.sound import tones
from scenes.spoken import Spoken
from scenes.tests.worlds import WORDS
from stitcher.pcm import Int16
from timeline import events as ev
from timeline.clock import NS_PER_MS, VirtualClock

PATIENCE_S = 60  # of a test, for what comes at once: reached only where it fails
RATE_HZ = 24_000
STEP_MS = 20
SENTENCE = f"{WORDS.capitalize()}."
LONG = " ".join([SENTENCE] * 10)  # a minute: beyond the rest of an engine that has failed
FOR_EVER_MS = 1e9
BEGUN_STEPS = 100  # of two seconds: the first phrase is not the only one any more
PAUSE_MOST_MS = 100.0  # at a change: a space is 67 ms, and 30 are kept before the first sound


class Live:
    """A session with the engines `voices`, the first of which speaks as long as it can; and what is written of it."""

    def __init__(self, folder: Path, clock: VirtualClock, voices: Mapping[str, Tts], **parts: Any) -> None:
        self.clock = clock
        self.speaker = Devices(RATE_HZ, clock)
        (first, tts), *others = voices.items()
        flags = {"artifacts": str(folder), "tts.adapter": first, "tts.fallback": [name for name, _ in others]}
        made = Parts(clock, tts, self.speaker, others=dict(others), **parts)  # type: ignore[arg-type]
        self.records: list[tuple[int, str, Any]] = []
        watch = lambda *record: self.records.append(record)  # noqa: E731
        self.session = Session(load_config(None, {}, flags), made, "live", [watch])
        self.settings = self.session.settings

    @property
    def speech(self) -> Any:
        return self.session.shell.core.replying.speech

    def of(self, kind: type) -> list[tuple[int, Any]]:
        return [(t_ns, fact) for t_ns, _, fact in self.records if isinstance(fact, kind)]

    def hold(self, first: list[Any], scenario: Callable[[], Awaitable[None]]) -> Outcome:
        async def run() -> Outcome:
            self.task = asyncio.create_task(self.session.hold(first))
            await scenario()
            return await self.task

        return asyncio.run(asyncio.wait_for(run(), PATIENCE_S))

    async def live(self, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass until it is so, or the session has ended."""
        while not until() and not self.task.done():
            self.clock.sleep_until(self.clock.now_ns() + STEP_MS * NS_PER_MS)
            if self.speaker.lose is not None:
                self.speaker.play()
            await asyncio.sleep(0)
            while self.speech.in_flight is not None and not until() and not self.task.done():
                await asyncio.sleep(0)  # an engine is at work: it takes no virtual time, but some real

    def in_mid_word(self) -> bool:
        """A word sounds, and the phrase is open that is being rendered."""
        current, heard = self.speech.script.current, self.speaker.heard
        open_ = current is not None and current.opened and current.seq > 0
        return len(heard) > BEGUN_STEPS and open_ and bool(np.any(heard[-1][:8]) and np.any(heard[-1][-8:]))

    def audio(self) -> Int16:
        return np.concatenate(self.speaker.heard)

    def swaps(self) -> list[tuple[str, str]]:
        return [(swap.engine, swap.reason) for _, swap in self.of(act.ShowSwap)]

    def kept(self) -> list[str]:
        return [fact.text for _, fact in self.of(act.Remember) if fact.role == "assistant"]


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(Weights(tmp_path), VirtualClock(), tmp_path)


@pytest.fixture(params=["null", "espeak"])
def hosted(request: pytest.FixtureRequest, context: Context) -> Iterator[Any]:
    """A voice in a process of its own, and warm."""
    tts = create("tts", request.param, {"isolation": "process"}, context)
    tts.warm_up()
    yield tts
    tts.close()


def stand_in() -> Tts:
    return Troubled(ToneTts(), Trouble(), VirtualClock(), "stand-in")


def kill(tts: Any) -> None:
    """Its process dies, and our side has seen it."""
    process = tts._remote
    os.kill(process._child._process.pid, signal.SIGKILL)
    assert process.join(PATIENCE_S)


def test_another_goes_on_at_the_word_and_it_comes_back_with_a_phrase(
    hosted: Any, context: Context, tmp_path: Path
) -> None:
    name = hosted.describe().name
    live = Live(tmp_path, VirtualClock(), {name: hosted, "stand-in": stand_in()})

    async def scenario() -> None:
        await live.live(until=live.in_mid_word)
        assert live.speech.engine == name
        kill(hosted)
        hosted._restarting.join(PATIENCE_S)
        await live.live()

    outcome = live.hold([ev.SpeakRequested(LONG), ev.InputEnded()], scenario)
    assert live.swaps() == [("stand-in", FAILED), (name, RECOVERED)]
    phrase_ends_at = [chunk.end_index for _, chunk in live.of(ev.ChunkStitched) if chunk.eos]
    assert live.of(act.ShowSwap)[1][1].index in phrase_ends_at
    assert_seamless(live, outcome, LONG)
    if name == "null":  # its words can be counted in the sound
        assert len(tones(live.audio(), phrase_ends(live))) == len(LONG.split())
    assert_replays(live, outcome, {name: create("tts", name, {}, context), "stand-in": stand_in()})


def test_one_that_is_killed_in_a_pull_is_asked_no_more(context: Context, tmp_path: Path) -> None:
    text = " ".join(LONG.split()[:30])
    tts = create("tts", "null", {"isolation": "process", "stall_at": 3, "stall_ms": FOR_EVER_MS}, context)
    live = Live(tmp_path, VirtualClock(), {"null": tts, "stand-in": stand_in()})

    async def scenario() -> None:
        await live.live(until=lambda: getattr(live.speech.in_flight, "seq", 0) == 3)
        kill(tts)
        await live.live()

    outcome = live.hold([ev.SpeakRequested(text), ev.InputEnded()], scenario)
    tts.close()
    assert live.swaps() == [("stand-in", FAILED)]
    assert_seamless(live, outcome, text)
    assert len(tones(live.audio(), phrase_ends(live))) == len(text.split())
    assert_replays(live, outcome, {"null": create("tts", "null", {}, context), "stand-in": stand_in()})


def assert_seamless(live: Live, outcome: Outcome, text: str) -> None:
    assert (outcome.reason, live.kept()) == ("finished", [text])
    assert outcome.meter.underruns == 0
    assert Spoken(live.audio(), RATE_HZ, ()).pause_ms(seams(live)[0]) <= PAUSE_MOST_MS


def assert_replays(live: Live, outcome: Outcome, voices: Mapping[str, Tts]) -> None:
    """With engines of this process, which never died."""
    assert outcome.folder is not None
    verdict = replay(outcome.folder, lambda name, options: voices[name])
    assert verdict.differences == [] and verdict.identical and verdict.whole
    assert verdict.samples == live.audio().size


def test_alone_it_goes_on_at_the_word_in_its_next_process(context: Context, tmp_path: Path) -> None:
    tts = create("tts", "null", {"isolation": "process"}, context)
    tts.warm_up()
    live = Live(tmp_path, VirtualClock(), {"null": tts})

    async def scenario() -> None:
        await live.live(until=live.in_mid_word)
        kill(tts)
        await live.live()

    outcome = live.hold([ev.SpeakRequested(LONG), ev.InputEnded()], scenario)
    tts.close()
    assert outcome.reason == "finished" and live.kept() == [LONG]
    assert len(tones(live.audio(), phrase_ends(live))) == len(LONG.split())
    assert "lost with its process" in live.of(act.Notice)[0][1].text
    assert_replays(live, outcome, {"null": create("tts", "null", {}, context)})


class Endless(ToneSynthesis):
    """Its third pull lasts until it is closed, and brings what there is by then."""

    def __init__(self, span: Span) -> None:
        super().__init__(span, CHARS_PER_S)
        self._pulls = 0
        self.lasting, self._ended = threading.Event(), threading.Event()

    def pull(self, units: int, low_latency: bool) -> AudioChunk:
        self._pulls += 1
        if self._pulls < 3:
            return super().pull(units, low_latency)
        self.lasting.set()
        assert self._ended.wait(PATIENCE_S), "nobody has closed it"
        return AudioChunk(np.full(17, 0.5, np.float32), 1, (), False)

    def close(self) -> None:
        self._ended.set()


class EndlessOnce(ToneTts):
    def __init__(self) -> None:
        self.first: Endless | None = None

    def open(self, span: Span) -> ToneSynthesis:
        if self.first is None:
            self.first = Endless(span)
            return self.first
        return super().open(span)


def test_an_interruption_ends_the_pull_that_is_under_way_and_the_session_replays(
    context: Context, tmp_path: Path
) -> None:
    tts, replies = EndlessOnce(), create("llm", "script", {"lines": ["It is a duck."]}, context)
    live = Live(tmp_path, VirtualClock(), {"null": tts}, replies=replies)

    async def scenario() -> None:
        await live.live(until=lambda: tts.first is not None and tts.first.lasting.is_set())
        live.session.shell.post(ev.UserTyped("what is it"))
        live.session.shell.post(ev.InputEnded())
        await live.live()

    outcome = live.hold([ev.SpeakRequested(LONG)], scenario)
    ((_, cancelled),) = live.of(ev.PullCancelled)
    assert (cancelled.generation, cancelled.phrase, cancelled.seq) == (0, 0, 2)
    assert live.kept()[-1] == "It is a duck."
    assert_replays(live, outcome, {"null": ToneTts()})
