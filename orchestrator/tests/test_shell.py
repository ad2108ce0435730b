"""The shell on a real event loop, with devices that play when they are told to: no thread of theirs, no waiting."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from adapters.base import AdapterError, Transcript
from adapters.registry import Context
from adapters.tts.null import NullTts
from orchestrator import actions as act
from orchestrator.bus import Bus
from orchestrator.core import Core
from orchestrator.settings import CoreSettings, SourceSettings
from orchestrator.shell import Parts, Shell
from stitcher.pcm import frame_samples
from timeline import events as ev
from timeline.clock import NS_PER_S, VirtualClock

PATIENCE_S = 30
RATE_HZ = 24_000
EAR_HZ = 16_000


class Devices:
    """Speaker and microphone of one virtual clock: `step` is 20 ms of both."""

    paced = True

    def __init__(self, rate_hz, clock, fault=None):
        self.rate_hz, self.clock, self._fault, self.stopped = rate_hz, clock, fault, False
        self.says = np.zeros(0, np.int16)
        self.heard = []
        self.lose = None

    def start(self, stream, notify, on_fault):
        if self._fault is not None:
            raise self._fault
        self.stream, self.notify, self.lose = stream, notify, on_fault

    def kick(self):
        pass

    def stop(self):
        self.stopped = True

    def play(self):
        block = np.zeros(frame_samples(self.rate_hz), np.int16)
        self.stream.fill(block, self.clock.now_ns())
        self.heard.append(block)
        self.notify()

    def listen(self):
        size = frame_samples(self.rate_hz)
        block = np.zeros(size, np.int16)
        said, self.says = self.says[:size], self.says[size:]
        block[: said.size] = said
        self.stream.take(block, self.clock.now_ns())
        self.notify()


class LoudIsSpeech:
    window_samples = 512

    def probability(self, window):
        return float(np.abs(window.astype(float)).mean() > 1000)

    def reset(self):
        pass


class Scripted:
    """Recognizer and reply source in one."""

    def __init__(self):
        self.prepared = 0

    def prepare(self):
        self.prepared += 1

    def transcribe(self, pcm, provisional, expected=""):
        return Transcript("what is it")

    def word_times(self):
        return ()

    async def reply(self, messages):
        for word in ("It ", "is ", "a ", "duck."):
            yield word


class Searcher:
    """A second source, which takes its time: it writes when it is told to."""

    def __init__(self):
        self.found, self.asked = asyncio.Event(), []

    async def reply(self, messages):
        self.asked.append(messages[-1].text)
        await self.found.wait()
        yield "Found it."


class Stage:
    """A session, its devices, and what was written of it."""

    def __init__(self, speaker_fault=None, tasks=None, **engine):
        self.clock = VirtualClock()
        self.speaker = Devices(RATE_HZ, self.clock, speaker_fault)
        self.microphone = Devices(EAR_HZ, self.clock)
        tts = NullTts(NullTts.Options(**engine), Context(None, self.clock, None))
        self.scripted = scripted = Scripted()
        parts = Parts(self.clock, tts, self.speaker, self.microphone, LoudIsSpeech(), scripted, scripted)
        self.records, self.audio = [], b""
        parts.tasks = tasks or {}
        settings = CoreSettings(
            tts=tts.describe(), tasks=tuple(SourceSettings(name, address="") for name in parts.tasks)
        )
        core = Core(settings)
        self.shell = Shell(core, Bus(RATE_HZ), parts, [lambda *record: self.records.append(record)])
        self.shell.on_audio = self.keep

    def keep(self, data):
        self.audio += data

    def of(self, kind):
        return [fact for _, _, fact in self.records if isinstance(fact, kind)]

    async def live(self, task, until=lambda: False):
        """Let time pass, 20 ms at a step, until it is so or the session has ended."""
        while not until() and not task.done():
            self.clock.sleep_until(self.clock.now_ns() + NS_PER_S // 50)
            if self.speaker.lose is not None:
                self.speaker.play()
                self.microphone.listen()
            await asyncio.sleep(0)
            while self.shell.core.replying.speech.in_flight is not None and not task.done():
                await asyncio.sleep(0)  # the engine's thread takes no virtual time, but some real

    def hold(self, scenario, first=()):
        async def run():
            task = asyncio.create_task(self.shell.run(list(first)))
            await scenario(task)
            return await task

        return asyncio.run(asyncio.wait_for(run(), PATIENCE_S))


def test_a_text_is_spoken_and_the_session_ends():
    stage = Stage()
    assert stage.hold(stage.live, [ev.SpeakRequested("alpha bravo charlie"), ev.InputEnded()]) == "finished"
    assert [fact.text for fact in stage.of(act.Remember)] == ["alpha bravo charlie"]
    played = np.concatenate(stage.speaker.heard)
    assert stage.audio == played.astype("<i2").tobytes() and np.any(played)
    assert stage.speaker.stopped and stage.microphone.stopped


def test_a_spoken_question_is_answered_aloud():
    stage = Stage()

    async def scenario(task):
        stage.microphone.says = np.tile(np.array([9000, -9000], np.int16), EAR_HZ // 2)
        await stage.live(task, until=lambda: len(stage.of(act.Remember)) == 2)
        stage.shell.post(ev.StopRequested())

    assert stage.hold(scenario) == "stopped"
    assert [(fact.role, fact.text) for fact in stage.of(act.Remember)] == [
        ("user", "what is it"), ("assistant", "It is a duck."),
    ]  # fmt: skip


def test_a_second_source_reports_aloud_when_it_has_found_something():
    searcher = Searcher()
    stage = Stage(tasks={"task": searcher})

    async def scenario(task):
        await stage.live(task, until=lambda: len(stage.of(act.Remember)) == 2)
        assert searcher.asked == ["what is it"]
        stage.shell.post(ev.InputEnded())
        assert not task.done(), "it ended without the report"
        searcher.found.set()
        await stage.live(task)

    assert stage.hold(scenario, [ev.UserTyped("what is it")]) == "finished"
    assert [(fact.source, fact.text) for fact in stage.of(act.Remember)] == [
        ("", "what is it"), ("llm", "It is a duck."), ("task", "Found it."),
    ]  # fmt: skip


def test_a_second_source_that_still_searches_is_closed_with_the_session():
    searcher = Searcher()
    stage = Stage(tasks={"task": searcher})

    async def scenario(task):
        await stage.live(task, until=lambda: len(stage.of(act.Remember)) == 2)
        stage.shell.post(ev.StopRequested())

    assert stage.hold(scenario, [ev.UserTyped("what is it")]) == "stopped"
    assert [fact.reply for fact in stage.of(act.CancelReply)] == [2]


def test_each_action_is_written_behind_its_event_and_before_what_follows_from_it():
    stage = Stage()
    stage.hold(stage.live, [ev.SpeakRequested("alpha"), ev.InputEnded()])
    stitches = [i for i, (_, _, fact) in enumerate(stage.records) if isinstance(fact, act.StitchChunk)]
    stitched = [i for i, (_, _, fact) in enumerate(stage.records) if isinstance(fact, ev.ChunkStitched)]
    ready = [i for i, (_, _, fact) in enumerate(stage.records) if isinstance(fact, ev.ChunkReady)]
    assert len(ready) == len(stitches) == len(stitched) > 1
    assert all(a < b < c for a, b, c in zip(ready, stitches, stitched, strict=True))
    assert [t_ns for t_ns, _, _ in stage.records] == sorted(t_ns for t_ns, _, _ in stage.records)


@pytest.mark.parametrize(("role", "reason"), [("speaker", "speaker lost"), ("microphone", "finished")])
def test_a_lost_device_is_told_and_ends_the_session(role, reason):
    stage = Stage()

    async def scenario(task):
        await stage.live(task, until=lambda: len(stage.speaker.heard) > 3)
        getattr(stage, role).lose(AdapterError("unplugged", f"the {role} is gone"))
        await stage.live(task)

    assert stage.hold(scenario) == reason
    assert [fact.text for fact in stage.of(act.Notice)] == [f"the {role} is gone"]


def test_a_speaker_that_does_not_start_is_the_callers_to_tell():
    stage = Stage(speaker_fault=AdapterError("missing", "no speaker"))

    async def scenario(task):
        await asyncio.wait({task})

    with pytest.raises(AdapterError, match="no speaker"):
        stage.hold(scenario)


def test_the_recognizer_is_told_as_soon_as_somebody_begins_to_speak():
    stage = Stage()

    async def scenario(task):
        await stage.live(task, until=lambda: len(stage.speaker.heard) > 20)
        assert stage.scripted.prepared == 0
        stage.microphone.says = np.tile(np.array([9000, -9000], np.int16), EAR_HZ // 2)
        await stage.live(task, until=lambda: stage.scripted.prepared)
        assert not stage.of(act.Transcribe), "it was told too late"
        stage.shell.post(ev.StopRequested())

    stage.hold(scenario)
    assert stage.scripted.prepared == 1
