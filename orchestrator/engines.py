"""Engines at work: the shell's hands. They carry out wishes that take time and post what comes of it.

Everything that an engine does wrong is posted as AdapterFailed with the key of the work, never raised.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from adapters.base import AdapterError, AudioChunk, Replies, Span, Stt, Synthesis, Transcript, Tts
from orchestrator import actions as act
from orchestrator.bus import Bus, chunk_ready
from orchestrator.hearing import TRANSCRIBE_TIMEOUT_MS
from orchestrator.workers import Worker
from stitcher.pcm import Float32
from timeline import events as ev
from timeline.clock import NS_PER_MS, Clock

SLACK_NS = 50 * NS_PER_MS  # the core's patience began a moment before the call: what it gave up counts as stalled here

Post = Callable[[Any], None]


class SpeechEngine:
    """The text-to-speech engine in its worker thread, and the syntheses that are open. They are closed in a thread of
    their own, for that ends a pull that is under way. What such a pull brings is told to nobody: how much it had
    rendered by then is chance, and a replay could not find it again."""

    def __init__(self, tts: Tts, clock: Clock, loop: asyncio.AbstractEventLoop, bus: Bus, post: Post) -> None:
        self._tts = tts
        self._clock = clock
        self._bus = bus
        self._post = post
        self._capability = tts.describe()
        self._worker = Worker(f"tts.{self._capability.name}", loop)
        self._closer = Worker(f"tts.{self._capability.name} closing", loop)
        self._open: dict[tuple[int, int], Synthesis] = {}  # (generation, phrase)
        self._generation = 0
        self._busy_since_ns = -1

    def carry_out(self, action: act.Action) -> None:
        if isinstance(action, act.OpenPhrase):
            self._submit(action, lambda: self._tts.open(Span(action.text, action.voice, action.seed)))
        elif isinstance(action, act.RequestChunk):
            synthesis = self._open[action.generation, action.phrase]
            self._submit(action, lambda: synthesis.pull(action.units, action.low_latency))
        elif isinstance(action, act.ClosePhrase):
            self._close_one((action.generation, action.phrase))
        elif isinstance(action, act.Flush):
            self._generation = action.generation
            for place in [place for place in self._open if place[0] < action.generation]:
                self._close_one(place)

    def _submit(self, action: act.OpenPhrase | act.RequestChunk, call: Callable[[], Any]) -> None:
        now_ns = self._clock.now_ns()
        if 0 <= self._busy_since_ns <= now_ns - self._capability.limits.timeout_ms * NS_PER_MS + SLACK_NS:
            self._worker.replace()
        self._busy_since_ns = now_ns
        clock = self._clock

        def timed() -> tuple[Any, int]:
            start_ns = clock.now_ns()
            return call(), clock.now_ns() - start_ns

        self._worker.submit(timed, lambda result, error: self._on_done(action, result, error))

    def _on_done(self, action: act.OpenPhrase | act.RequestChunk, result: Any, error: AdapterError | None) -> None:
        self._busy_since_ns = -1
        if isinstance(action, act.RequestChunk) and (action.generation, action.phrase) not in self._open:
            self._post(ev.PullCancelled(action.generation, action.phrase, action.seq))
            return
        if error is not None:
            seq = action.seq if isinstance(action, act.RequestChunk) else -1
            self._post(ev.AdapterFailed("tts", self._capability.name, error.kind, error.detail, error.retryable,
                                        action.generation, action.phrase, seq))  # fmt: skip
            return
        answer, render_ns = result
        if isinstance(action, act.RequestChunk):
            self._on_chunk(action, answer, render_ns)
            return
        self._open[action.generation, action.phrase] = answer
        self._post(ev.PhraseOpened(action.generation, action.utterance, action.phrase, render_ns, answer.units))
        if action.generation < self._generation:
            self._close_one((action.generation, action.phrase))

    def _on_chunk(self, action: act.RequestChunk, chunk: AudioChunk, render_ns: int) -> None:
        key = (action.generation, action.phrase, action.seq)
        rate_hz = self._capability.rate_hz
        self._bus.arrived(key, chunk, rate_hz)
        self._post(chunk_ready(key, action.utterance, chunk, rate_hz, render_ns))

    def _close_one(self, place: tuple[int, int]) -> None:
        synthesis = self._open.pop(place, None)
        if synthesis is not None:
            self._closer.submit(synthesis.close, lambda result, error: None)

    def close(self) -> None:
        for place in list(self._open):
            self._close_one(place)
        self._closer.close()
        self._worker.close()


class SpeechEngines:
    """All engines of a session, each in a worker of its own. A phrase is the engine's that was asked to open it."""

    def __init__(self, all_tts: Mapping[str, Tts], clock: Clock, loop: asyncio.AbstractEventLoop, bus: Bus,
                 post: Post) -> None:  # fmt: skip
        self._engines = {name: SpeechEngine(tts, clock, loop, bus, post) for name, tts in all_tts.items()}
        self._first = next(iter(self._engines))
        self._of: dict[int, str] = {}  # phrase -> engine

    def carry_out(self, action: act.Action) -> None:
        if isinstance(action, act.Flush):
            self._of.clear()
            for engine in self._engines.values():
                engine.carry_out(action)
        elif isinstance(action, act.OpenPhrase):
            name = self._of[action.phrase] = action.engine or self._first
            self._engines[name].carry_out(action)
        elif isinstance(action, act.RequestChunk):
            self._engines[self._of[action.phrase]].carry_out(action)
        elif isinstance(action, act.ClosePhrase) and action.phrase in self._of:
            self._engines[self._of.pop(action.phrase)].carry_out(action)

    def close(self) -> None:
        for engine in self._engines.values():
            engine.close()


class SttEngine:
    """The speech recognizer in its worker thread."""

    def __init__(self, stt: Stt, clock: Clock, loop: asyncio.AbstractEventLoop, post: Post) -> None:
        self._stt = stt
        self._clock = clock
        self._post = post
        self._worker = Worker("stt", loop)
        self._busy_since_ns = -1

    def prepare(self) -> None:
        """The user begins to speak."""
        self._stt.prepare()

    def transcribe(self, action: act.Transcribe, pcm: Float32) -> None:
        clock = self._clock
        now_ns = clock.now_ns()
        if 0 <= self._busy_since_ns <= now_ns - TRANSCRIBE_TIMEOUT_MS * NS_PER_MS:
            self._worker.replace()
            self._busy_since_ns = -1
        if self._busy_since_ns < 0:
            self._busy_since_ns = now_ns

        def timed() -> tuple[Transcript, int]:
            start_ns = clock.now_ns()
            return self._stt.transcribe(pcm, not action.final, action.expected), clock.now_ns() - start_ns

        self._worker.submit(timed, lambda result, error: self._on_done(action, result, error))
        if action.final:  # behind it, and before whatever is asked next
            self._worker.submit(self._stt.word_times, lambda result, error: self._on_words(action, result, error))

    def _on_done(self, action: act.Transcribe, result: Any, error: AdapterError | None) -> None:
        self._busy_since_ns = -1
        if error is not None:
            ticket = action.segment if action.final else -1  # a provisional answer that fails is not missed
            self._post(ev.AdapterFailed("stt", "stt", error.kind, error.detail, error.retryable, ticket=ticket))
            return
        transcript, render_ns = result
        self._post(ev.Transcribed(action.segment, action.attempt, action.final, transcript.text,
                                  action.start_position, action.end_position, render_ns,
                                  transcript.notice))  # fmt: skip

    def _on_words(self, action: act.Transcribe, words: Any, error: AdapterError | None) -> None:
        """Those that are lost with the recognizer's process are not missed."""
        if error is not None or not words:
            return
        begin = action.start_position
        timed = tuple(
            replace(word, start_sample=word.start_sample + begin, end_sample=word.end_sample + begin,
                    probability=round(word.probability, 4))
            for word in words
        )  # fmt: skip
        self._post(ev.WordsTimed(action.segment, action.attempt, timed))

    def close(self) -> None:
        self._worker.close()


def name_setting(detail: str, source: str) -> str:
    """An adapter of the role llm names its settings llm.NAME.X; for a task source they are in that one's section."""
    return re.sub(r"\bllm\.(?=\w)", f"{source}.", detail)


class ReplyTask:
    """The reply that one source is streaming; one at a time. It looks only at the wishes that concern its source."""

    def __init__(self, replies: Replies, post: Post, source: str = ev.CONVERSATION) -> None:
        self._replies = replies
        self._post = post
        self._source = source
        self._reply = -1  # its number
        self._task: asyncio.Task[None] | None = None

    def carry_out(self, action: act.StartReply | act.CancelReply) -> None:
        starts = isinstance(action, act.StartReply) and action.source == self._source
        if self._task is not None and (starts or action.reply == self._reply):
            self._task.cancel()
            self._task = None
        if isinstance(action, act.StartReply) and starts:
            self._reply = action.reply
            self._task = asyncio.get_running_loop().create_task(self._stream(action))

    async def _stream(self, action: act.StartReply) -> None:
        try:
            async for delta in self._replies.reply(action.messages):
                self._post(ev.ReplyDelta(action.reply, delta.encode("utf-8", "replace").decode()))
            self._post(ev.ReplyEnded(action.reply))
        except AdapterError as fault:
            self._fail(action, fault.kind, fault.detail)
        except Exception as fault:  # a reply source's bug must not leave the user waiting
            self._fail(action, "crashed", f"{self._source}: {type(fault).__name__}: {fault}".splitlines()[0])

    def _fail(self, action: act.StartReply, kind: str, detail: str) -> None:
        detail = name_setting(detail, self._source)
        self._post(ev.AdapterFailed("llm", self._source, kind, detail, False, ticket=action.reply))

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
