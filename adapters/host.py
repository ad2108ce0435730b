"""The host: a text-to-speech adapter that lives in a process of its own, seen as any other.

    [tts.piper]
    isolation = "process"
    python = "~/xtts/bin/python"      # another interpreter, with packages of its own; left out: ours

Rules. What the engine says, its faults too, is passed on as it is. When its process dies, whoever waits hears of it at
once (crashed, retryable), and every synthesis that was open is lost and says so (crashed, not retryable). In place of
one that was warm another is started and warmed up at once, on a thread of its own: who has another engine to speak with
meanwhile finds this one warm again, and who has none waits for it in open. So a few times in a row, then no more until
it is warmed up again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import threading
import weakref
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from adapters.base import AdapterError, AudioChunk, Capability, Span
from adapters.registry import Context
from adapters.remote import Remote
from adapters.voice import PLAIN, Projection, Voice
from adapters.wire import Message, pack, unpack, unpack_chunk

LOAD_TIMEOUT_S = 300.0  # to make an adapter or to warm it up: gigabytes of weights from a slow disk
RESTARTS_MOST = 3  # in a row, with no span spoken to its end between them: what killed it is still there
CLOSE_WAIT_S = 3.0  # for a restart that is under way: it ends as soon as its process can be ended
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
        self._change = threading.RLock()  # held by whoever replaces the process, or warms it up
        self._numbers = itertools.count()
        self._voice: Voice | None = None  # it was warmed up in
        self._restarts = 0
        self._closed = False
        self._restarting: threading.Thread | None = None
        self._start()

    def describe(self) -> Capability:
        return self._capability

    def warm_up(self, voice: Voice = PLAIN) -> None:
        with self._change:
            self._restarts = 0
            self._voice = None
            self._heat(self._alive(), voice)
            self._voice = voice

    def project(self, voice: Voice) -> Projection:
        answer = self._alive().call("project", self.limit_s, voice=pack(voice))
        projection: Projection = unpack(answer)
        return projection

    def open(self, span: Span) -> HostedSynthesis:
        remote = self._alive()
        number = next(self._numbers)
        answer = remote.call("open", self.limit_s, synthesis=number, span=pack(span))
        return HostedSynthesis(self, remote, number, answer["in_all"])

    def close(self) -> None:
        """At any moment, from any thread: a call that is under way fails."""
        self._closed = True
        self._remote.end()
        if self._restarting is not None:
            self._restarting.join(CLOSE_WAIT_S)

    # -- for its syntheses ----------------------------------------------------------------

    @property
    def limit_s(self) -> float:
        """Of a call."""
        return self._capability.limits.timeout_ms / MS_PER_S

    def spoken_to_the_end(self) -> None:
        self._restarts = 0

    # -- the process ----------------------------------------------------------------------

    def _alive(self) -> Remote:
        """The process, or another where that has died."""
        with self._change:
            fault = self._remote.fault
            if fault is None or self._closed:
                return self._remote
            if self._restarts >= RESTARTS_MOST:
                cure = f"{RESTARTS_MOST} restarts did not help: mend what it died of, or choose another tts.adapter"
                raise AdapterError("crashed", f"{fault.detail}; {cure}")
            self._restarts += 1
            self._start()
            if self._voice is not None:
                self._heat_again(self._voice)
            return self._remote

    def _heat_again(self, voice: Voice) -> None:
        """A process that could not be warmed up is none to speak with: the next call starts another."""
        try:
            self._heat(self._remote, voice)
        except AdapterError:
            self._remote.end()
            raise

    def _on_death(self) -> None:
        """Of the process, told on a thread of its own."""
        if self._voice is not None and not self._closed:
            thread = threading.Thread(target=self._restart, name=f"{self._recipe.adapter} restart", daemon=True)
            thread.start()
            self._restarting = thread

    def _restart(self) -> None:
        with contextlib.suppress(AdapterError):  # whoever asks next hears of it
            self._alive()

    def _start(self) -> None:
        recipe, context = self._recipe, self._recipe.context
        self._remote = remote = Remote(recipe.adapter, recipe.python, weakref.WeakMethod(self._on_death))
        weakref.finalize(self, remote.hang_up)  # where nobody closes us
        if self._closed:  # meanwhile
            remote.end()
        try:
            made = remote.call(
                "make", LOAD_TIMEOUT_S, adapter=recipe.adapter, target=recipe.target, options=dict(recipe.options),
                cache=str(context.cache), weights=str(context.weights.cache),
                overrides={name: str(path) for name, path in context.weights.overrides.items()},
            )  # fmt: skip
        except AdapterError:
            remote.end()
            raise
        self._describe(made)

    def _heat(self, remote: Remote, voice: Voice) -> None:
        self._describe(remote.call("warm_up", LOAD_TIMEOUT_S, voice=pack(voice)))

    def _describe(self, record: Message) -> None:
        self._capability: Capability = dataclasses.replace(unpack(record), isolation="process")


class HostedSynthesis:
    """A span that is spoken elsewhere."""

    def __init__(self, host: HostedTts, remote: Remote, number: int, units: int) -> None:
        self._host = host
        self._remote = remote
        self._number = number
        self._lock = threading.Lock()
        self._under_way: Future[Message] = Future()
        self._ended = False
        self.units = units

    def pull(self, units: int, low_latency: bool) -> AudioChunk:
        with self._remote.turn:
            answer = self._answer(units, low_latency)
        with self._lock:
            if answer is None or self._ended:
                return AudioChunk(np.zeros(0, np.float32), 0, (), True)
            self._ended = answer["eos"]
        if self._ended:
            self._host.spoken_to_the_end()
        self.units = answer["in_all"]
        return unpack_chunk(answer)

    def _answer(self, units: int, low_latency: bool) -> Message | None:
        """None: it was at its end already, or has been closed meanwhile."""
        limit_s = self._host.limit_s
        with self._lock:
            if self._ended:
                return None
            if (fault := self._remote.fault) is not None:
                raise AdapterError("crashed", f"this synthesis is lost with its process; {fault.detail}")
            self._under_way = self._remote.ask(
                "pull", limit_s, synthesis=self._number, units=units, low_latency=low_latency
            )
        try:
            return self._remote.wait(self._under_way, limit_s, "pull")
        except CancelledError:
            return None

    def close(self) -> None:
        """Returns at once; who waits in `pull` gets the end."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
            self._under_way.cancel()
        self._remote.tell("close", synthesis=self._number)
