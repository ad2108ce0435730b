"""Workers, engines and the recording: what goes wrong in a thread or on a disk arrives as a fact or as one line."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest

from adapters.base import AdapterError, AudioChunk, Capability, Limits, Transcript
from adapters.registry import Context
from adapters.tts.null import NullTts
from adapters.voice import Voice
from orchestrator import actions as act
from orchestrator.bus import Bus
from orchestrator.engines import ReplyTask, SpeechEngine, SttEngine
from orchestrator.recording import RECORDING, Recording, new_folder
from orchestrator.workers import Worker
from stitcher.wav import read_wav
from timeline import events as ev
from timeline.clock import NS_PER_S, VirtualClock
from timeline.journal import JOURNAL, read_journal
from timeline.words import WordTime

PATIENCE_S = 20  # before a test takes its awaited fact for lost


def on_loop(scenario):
    return asyncio.run(asyncio.wait_for(scenario(), PATIENCE_S))


class Inbox:
    """What was posted, awaited one by one."""

    def __init__(self):
        self._queue = asyncio.Queue()

    def post(self, event):
        self._queue.put_nowait(event)

    def done(self, result, error):
        self._queue.put_nowait((result, error))

    async def take(self):
        return await self._queue.get()


def fail(error):
    raise error


def test_calls_run_in_order_in_one_other_thread():
    async def scenario():
        inbox, worker = Inbox(), Worker("test", asyncio.get_running_loop())
        for number in range(5):
            worker.submit(lambda number=number: (number, threading.get_ident()), inbox.done)
        results = [(await inbox.take())[0] for _ in range(5)]
        worker.close()
        assert [number for number, _ in results] == list(range(5))
        assert len({thread for _, thread in results} - {threading.get_ident()}) == 1

    on_loop(scenario)


def test_whatever_an_engine_raises_comes_back_and_the_thread_lives_on():
    async def scenario():
        inbox, worker = Inbox(), Worker("test", asyncio.get_running_loop())
        fault = AdapterError("garbage", "one line")
        worker.submit(lambda: fail(fault), inbox.done)
        worker.submit(lambda: fail(ValueError("two\nlines")), inbox.done)
        worker.submit(lambda: "fine", inbox.done)
        assert (await inbox.take())[1] is fault
        error = (await inbox.take())[1]
        assert (error.kind, error.detail, error.retryable) == ("crashed", "ValueError: two", True)
        assert await inbox.take() == ("fine", None)
        worker.close()

    on_loop(scenario)


def test_an_exception_without_words_is_named_too():
    async def scenario():
        inbox, worker = Inbox(), Worker("test", asyncio.get_running_loop())
        worker.submit(lambda: fail(ValueError("")), inbox.done)
        assert "ValueError" in (await inbox.take())[1].detail
        worker.close()

    on_loop(scenario)


def test_a_hanging_call_is_left_behind():
    async def scenario():
        inbox, worker, release = Inbox(), Worker("test", asyncio.get_running_loop()), threading.Event()
        worker.submit(lambda: release.wait(PATIENCE_S) and "late", inbox.done)
        worker.replace()
        worker.submit(lambda: "at once", inbox.done)
        assert (await inbox.take())[0] == "at once"
        release.set()
        assert (await inbox.take())[0] == "late"
        worker.close()

    on_loop(scenario)


def open_phrase(generation=0, phrase=0, text="alpha bravo"):
    return act.OpenPhrase(generation, 1, phrase, text, Voice(), 0)


def speech_engine(inbox, tts=None, clock=None):
    clock = clock or VirtualClock()
    tts = tts or NullTts(NullTts.Options(call_ms=5, fail_at=1, fail_times=1), Context(None, clock, None))
    return SpeechEngine(tts, clock, asyncio.get_running_loop(), Bus(24_000), inbox.post)


def test_the_speech_engine_tells_what_was_opened_rendered_and_what_failed():
    async def scenario():
        inbox = Inbox()
        engine = speech_engine(inbox)
        engine.carry_out(open_phrase())
        opened = await inbox.take()
        assert isinstance(opened, ev.PhraseOpened) and opened.units > 0
        engine.carry_out(act.RequestChunk(0, 1, 0, 0, 8, True))
        ready = await inbox.take()
        assert isinstance(ready, ev.ChunkReady) and ready.units == 8 and ready.render_ns == 5_000_000
        engine.carry_out(act.RequestChunk(0, 1, 0, 1, 8, True))
        failed = await inbox.take()
        assert isinstance(failed, ev.AdapterFailed) and failed.retryable
        assert (failed.generation, failed.phrase, failed.seq) == (0, 0, 1)
        engine.close()

    on_loop(scenario)


class Closable:
    units = 3

    def __init__(self):
        self.closed = threading.Event()

    def close(self):
        self.closed.set()


class Gate:
    """An engine whose opening waits for `release`; the first time only, if `once`."""

    def __init__(self):
        self.release, self.entered, self.opened = threading.Event(), threading.Event(), []
        self._waits = True

    def describe(self):
        return Capability("gate", "1", "tts", rate_hz=24_000, limits=Limits(timeout_ms=1000))

    def open(self, span):
        if self._waits:
            self._waits = False
            self.entered.set()
            assert self.release.wait(PATIENCE_S)
        self.opened.append(Closable())
        return self.opened[-1]


def test_what_is_opened_after_a_flush_is_closed():
    async def scenario():
        inbox, gate = Inbox(), Gate()
        engine = speech_engine(inbox, gate)
        engine.carry_out(open_phrase())
        engine.carry_out(act.Flush(1))
        gate.release.set()
        assert isinstance(await inbox.take(), ev.PhraseOpened)
        assert gate.opened[0].closed.wait(5)
        engine.close()

    on_loop(scenario)


@pytest.mark.parametrize("late_ns", [0, 1, NS_PER_S])
def test_a_call_that_was_taken_for_stalled_does_not_hold_up_the_next(late_ns):
    """As soon as the core gives it up: at the timeout itself, not only after it."""

    async def scenario():
        inbox, gate, clock = Inbox(), Gate(), VirtualClock()
        engine = speech_engine(inbox, gate, clock)
        engine.carry_out(open_phrase(phrase=0))
        assert gate.entered.wait(PATIENCE_S)
        clock.sleep_until(1000 * 1_000_000 + late_ns)
        engine.carry_out(open_phrase(phrase=1))
        opened = await inbox.take()
        assert opened.phrase == 1
        gate.release.set()
        assert (await inbox.take()).phrase == 0
        engine.close()

    on_loop(scenario)


class Endless:
    """A synthesis whose pull lasts until it is closed; then it brings what the contract allows."""

    units = 3

    def __init__(self, after_close):
        self.pulled, self.closed, self._after_close = threading.Event(), threading.Event(), after_close

    def pull(self, units, low_latency):
        self.pulled.set()
        assert self.closed.wait(PATIENCE_S)
        if isinstance(self._after_close, AdapterError):
            raise self._after_close
        return self._after_close

    def close(self):
        self.closed.set()


class EndlessTts(Gate):
    def __init__(self, after_close):
        super().__init__()
        self.synthesis = Endless(after_close)

    def open(self, span):
        return self.synthesis


@pytest.mark.parametrize(
    "after_close",
    [AudioChunk(np.zeros(0, np.float32), 0, (), True), AudioChunk(np.ones(240, np.float32), 1, (), False),
     AdapterError("crashed", "it was closed", retryable=True)],
    ids=["an end", "audio", "a fault"],
)  # fmt: skip
@pytest.mark.parametrize("close", [act.ClosePhrase(0, 0), act.Flush(1)], ids=["closed", "flushed"])
def test_closing_ends_a_pull_that_is_under_way_and_nothing_of_it_is_told(close, after_close):
    async def scenario():
        inbox, tts = Inbox(), EndlessTts(after_close)
        engine = speech_engine(inbox, tts)
        engine.carry_out(open_phrase())
        assert isinstance(await inbox.take(), ev.PhraseOpened)
        engine.carry_out(act.RequestChunk(0, 1, 0, 0, 8, True))
        assert tts.synthesis.pulled.wait(PATIENCE_S)
        engine.carry_out(close)
        assert await inbox.take() == ev.PullCancelled(0, 0, 0)
        engine.close()

    on_loop(scenario)


def test_an_engine_that_is_slow_to_close_holds_up_neither_the_session_nor_its_next_phrase():
    async def scenario():
        inbox, gate = Inbox(), Gate()
        gate.release.set()
        engine = speech_engine(inbox, gate)
        engine.carry_out(open_phrase(phrase=0))
        await inbox.take()
        closing, go_on, closed = threading.Event(), threading.Event(), threading.Event()
        gate.opened[0].close = lambda: (closing.set(), go_on.wait(PATIENCE_S), closed.set())
        engine.carry_out(act.ClosePhrase(0, 0))
        assert closing.wait(PATIENCE_S)
        engine.carry_out(open_phrase(phrase=1))
        assert (await inbox.take()).phrase == 1
        assert not closed.is_set()
        go_on.set()
        engine.close()

    on_loop(scenario)


class Deaf:
    def __init__(self, error=None):
        self._error = error

    def transcribe(self, pcm, provisional, expected=""):
        if self._error is not None:
            raise self._error
        return Transcript(f"{pcm.size} {provisional}")

    def word_times(self):
        if self._error is not None:
            raise self._error
        return (WordTime("heard", 1, 5, 0.123456),)


def test_the_recognizer_tells_what_it_heard_and_what_failed():
    async def scenario():
        inbox, clock, loop = Inbox(), VirtualClock(), asyncio.get_running_loop()
        engine = SttEngine(Deaf(), clock, loop, inbox.post)
        engine.transcribe(act.Transcribe(4, 2, 100, 900, True), np.zeros(800, np.float32))
        engine.transcribe(act.Transcribe(4, 2, 100, 900, False), np.zeros(800, np.float32))
        assert await inbox.take() == ev.Transcribed(4, 2, True, "800 False", 100, 900, 0)
        assert await inbox.take() == ev.WordsTimed(4, 2, (WordTime("heard", 101, 105, 0.1235),))
        assert await inbox.take() == ev.Transcribed(4, 2, False, "800 True", 100, 900, 0)
        engine.close()
        engine = SttEngine(Deaf(MemoryError("full")), clock, loop, inbox.post)
        for segment in (5, 6):  # words that cannot be told are told by nobody: the second text's failure comes next
            engine.transcribe(act.Transcribe(segment, 1, 0, 1, True), np.zeros(1, np.float32))
            failed = await inbox.take()
            assert (failed.role, failed.ticket, failed.fault, failed.retryable) == ("stt", segment, "crashed", True)
        engine.close()

    on_loop(scenario)


class Talker:
    """Replies: words, then the error if there is one; `closed` is set when it is cancelled."""

    def __init__(self, words, error=None, hangs=False):
        self._words, self._error, self._hangs, self.closed = words, error, hangs, asyncio.Event()

    async def reply(self, messages):
        try:
            for word in self._words:
                yield word
            if self._hangs:
                await asyncio.Event().wait()
            if self._error is not None:
                raise self._error
        finally:
            self.closed.set()


@pytest.mark.parametrize(
    ("error", "fault", "detail"),
    [(AdapterError("refused", "start it"), "refused", "start it"), (KeyError("x"), "crashed", "llm: KeyError: 'x'")],
)
def test_a_reply_that_dies_is_told(error, fault, detail):
    async def scenario():
        inbox = Inbox()
        task = ReplyTask(Talker(["a ", "b "], error), inbox.post)
        task.carry_out(act.StartReply(7, ()))
        assert [(await inbox.take()).text for _ in range(2)] == ["a ", "b "]
        failed = await inbox.take()
        assert (failed.role, failed.fault, failed.detail, failed.ticket) == ("llm", fault, detail, 7)

    on_loop(scenario)


def test_a_cancelled_reply_is_closed_and_says_no_more():
    async def scenario():
        inbox, talker = Inbox(), Talker(["a "], hangs=True)
        task = ReplyTask(talker, inbox.post)
        task.carry_out(act.StartReply(1, ()))
        assert await inbox.take() == ev.ReplyDelta(1, "a ")
        task.carry_out(act.CancelReply(1))
        await talker.closed.wait()
        assert inbox._queue.empty()

    on_loop(scenario)


def test_each_source_minds_its_own_wishes():
    async def scenario():
        inbox, talker, other = Inbox(), Talker(["a "], hangs=True), Talker(["b "], hangs=True)
        tasks = [ReplyTask(talker, inbox.post), ReplyTask(other, inbox.post, "task")]
        for action in (act.StartReply(1, ()), act.StartReply(2, (), "task")):
            for task in tasks:
                task.carry_out(action)
        assert [await inbox.take(), await inbox.take()] == [ev.ReplyDelta(1, "a "), ev.ReplyDelta(2, "b ")]
        for task in tasks:
            task.carry_out(act.CancelReply(1))
        await talker.closed.wait()
        assert not other.closed.is_set()
        for task in tasks:
            task.carry_out(act.StartReply(3, (), "task"))
        await other.closed.wait()

    on_loop(scenario)


def test_a_fault_names_the_setting_where_the_person_made_it():
    async def scenario():
        inbox = Inbox()
        error = AdapterError("refused", "llm.openai.url x refused the connection: set llm.openai.url")
        ReplyTask(Talker([], error), inbox.post, "task").carry_out(act.StartReply(7, (), "task"))
        failed = await inbox.take()
        assert (failed.role, failed.name, failed.ticket) == ("llm", "task", 7)
        assert failed.detail == "task.openai.url x refused the connection: set task.openai.url"

    on_loop(scenario)


# -- recording --------------------------------------------------------------------------------


def test_a_recording_holds_what_was_played(tmp_path):
    recording = Recording(tmp_path / "runs" / "one", {"made": "now"}, 24_000)
    recording.watch(5, "event", ev.UserTyped("hi"))
    pcm = np.arange(-500, 500, dtype=np.int16)
    recording.on_audio(pcm.astype("<i2").tobytes())
    recording.close(9, {})
    assert recording.problem == "" and recording.samples == 1000
    records = list(read_journal(tmp_path / "runs" / "one" / JOURNAL))
    assert records[1] == {"t": 5, "event": {"kind": "UserTyped", "text": "hi"}}
    assert records[-1]["note"]["end"]["digest"] == recording.digest
    heard, rate_hz = read_wav((tmp_path / "runs" / "one" / RECORDING).read_bytes())
    assert heard.size == 1000 and rate_hz == 24_000


def test_a_folder_that_cannot_be_made_is_one_line_and_the_session_goes_on(tmp_path):
    (tmp_path / "file").write_text("")
    recording = Recording(tmp_path / "file" / "run", {}, 24_000)
    recording.watch(0, "event", ev.UserTyped("hi"))
    recording.on_audio(b"\0\0" * 10)
    recording.close(1, {})
    assert recording.folder is None and recording.samples == 10
    assert "cannot be written" in recording.problem and "\n" not in recording.problem


def test_nothing_is_kept_where_nothing_is_to_be_kept():
    recording = Recording(None, {}, 24_000)
    recording.on_audio(b"\1\0")
    recording.close(1, {})
    assert recording.problem == "" and recording.samples == 1


def test_two_runs_of_a_second_have_two_folders(tmp_path):
    names = []
    for _ in range(3):
        folder = new_folder(tmp_path, "20000101T000000", "talk")
        folder.mkdir()
        names.append(Path(folder).name)
    assert names == ["20000101T000000-talk", "20000101T000000-talk-2", "20000101T000000-talk-3"]
