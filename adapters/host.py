"""The host: a text-to-speech adapter that lives in a process of its own, seen as any other.

    [tts.piper]
    isolation = "process"
    python = "~/xtts/bin/python"      # another interpreter, with packages of its own; left out: ours

Rules. What the engine says, its faults too, is passed on as it is. When its process dies, whoever waits hears of it at
once (crashed, retryable), and every synthesis that was open is lost and says so (crashed, not retryable). The next open
starts another process, warmed up as the last was; a few times in a row, then no more until it is warmed up again.
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from adapters.base import AdapterError, AudioChunk, Capability, Span
from adapters.child import Child
from adapters.registry import Context
from adapters.voice import PLAIN, Projection, Voice
from adapters.wire import Message, pack, unpack, unpack_chunk

LOAD_TIMEOUT_S = 300.0  # to make an adapter or to warm it up: gigabytes of weights from a slow disk
RESTARTS_MOST = 3  # in a row, with no span spoken to its end between them: what killed it is still there
MS_PER_S = 1000


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a process needs in order to make the adapter, and to make it again."""

    adapter: str  # as its settings are named: tts.piper
    target: str  # the entry point: module:Class
    options: Mapping[str, Any]
    context: Context
    python: str = ""  # the interpreter; empty: ours


class HostedTts:
    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._turn = threading.Lock()  # one call at a time, from whatever thread
        self._numbers = itertools.count()
        self._voice: Voice | None = None  # it was warmed up in
        self._restarts = 0
        self._closed = False
        self._start()

    def describe(self) -> Capability:
        return self._capability

    def warm_up(self, voice: Voice = PLAIN) -> None:
        with self._turn:
            self._restarts = 0
            self._voice = None
            self._heat(self._alive(), voice)
            self._voice = voice

    def project(self, voice: Voice) -> Projection:
        with self._turn:
            answer = self._alive().call("project", self._limit_s, voice=pack(voice))
        projection: Projection = unpack(answer)
        return projection

    def open(self, span: Span) -> HostedSynthesis:
        with self._turn:
            child = self._alive()
            number = next(self._numbers)
            answer = child.call("open", self._limit_s, synthesis=number, span=pack(span))
        return HostedSynthesis(self, child, number, answer["in_all"])

    def close(self) -> None:
        """At any moment, from any thread: a call that is under way fails."""
        self._closed = True
        self._child.end()

    # -- for its syntheses ----------------------------------------------------------------

    def pull(self, child: Child, ask: Callable[[float], Future[Message]]) -> Message:
        """Wait for what is asked of `child`. Raises AdapterError; CancelledError where the synthesis was closed."""
        with self._turn:
            if (fault := child.fault) is not None:
                raise AdapterError("crashed", f"this synthesis is lost with its process; {fault.detail}")
            answer = child.wait(ask(self._limit_s), self._limit_s, "pull")
        if answer["eos"]:
            self._restarts = 0
        return answer

    # -- the process ----------------------------------------------------------------------

    def _alive(self) -> Child:
        """The process, or another where that has died."""
        fault = self._child.fault
        if fault is None or self._closed:
            return self._child
        if self._restarts >= RESTARTS_MOST:
            cure = f"mend what it died of, or choose another tts.adapter; {RESTARTS_MOST} restarts did not help"
            raise AdapterError("crashed", f"{fault.detail}; {cure}")
        self._restarts += 1
        self._start()
        if self._voice is not None:
            self._heat(self._child, self._voice)
        return self._child

    def _start(self) -> None:
        recipe, context = self._recipe, self._recipe.context
        self._child = child = Child(recipe.adapter, recipe.python)
        weakref.finalize(self, child.hang_up)  # whoever forgets to close us
        try:
            made = child.call(
                "make", LOAD_TIMEOUT_S, adapter=recipe.adapter, target=recipe.target, options=dict(recipe.options),
                cache=str(context.cache), weights=str(context.weights.cache),
                overrides={name: str(path) for name, path in context.weights.overrides.items()},
            )  # fmt: skip
            self._describe(made)
        except AdapterError:
            child.end()
            raise

    def _heat(self, child: Child, voice: Voice) -> None:
        self._describe(child.call("warm_up", LOAD_TIMEOUT_S, voice=pack(voice)))

    def _describe(self, record: Message) -> None:
        self._capability: Capability = dataclasses.replace(unpack(record), isolation="process")

    @property
    def _limit_s(self) -> float:
        return self._capability.limits.timeout_ms / MS_PER_S


class HostedSynthesis:
    """A span that is spoken elsewhere."""

    def __init__(self, host: HostedTts, child: Child, number: int, units: int) -> None:
        self._host = host
        self._child = child
        self._number = number
        self._lock = threading.Lock()
        self._under_way: Future[Message] = Future()
        self._ended = False
        self.units = units

    def pull(self, units: int, low_latency: bool) -> AudioChunk:
        def ask(limit_s: float) -> Future[Message]:
            with self._lock:
                if self._ended:
                    raise CancelledError
                self._under_way = self._child.ask(
                    "pull", limit_s, synthesis=self._number, units=units, low_latency=low_latency
                )
                return self._under_way

        if self._ended:
            return _nothing()
        try:
            answer = self._host.pull(self._child, ask)
        except CancelledError:
            return _nothing()
        with self._lock:
            if self._ended:
                return _nothing()
            self._ended = answer["eos"]
        self.units = answer["in_all"]
        return unpack_chunk(answer)

    def close(self) -> None:
        """Returns at once; who waits in `pull` gets the end."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
            self._under_way.cancel()
        self._child.tell("close", synthesis=self._number)


def _nothing() -> AudioChunk:
    return AudioChunk(np.zeros(0, np.float32), 0, (), True)
