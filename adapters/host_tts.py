"""A voice that lives in a process of its own, seen as any other.

Every synthesis that is open when the process dies is lost and says so (crashed, not retryable); a span spoken to its
end shows that the process works.
"""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import CancelledError, Future

import numpy as np

from adapters.base import AdapterError, AudioChunk, Span
from adapters.host import Host, Recipe
from adapters.remote import Remote
from adapters.voice import PLAIN, Projection, Voice
from adapters.wire import Message, pack, unpack, unpack_chunk


class HostedTts(Host):
    def __init__(self, recipe: Recipe) -> None:
        self._numbers = itertools.count()
        super().__init__(recipe)

    def warm_up(self, voice: Voice = PLAIN) -> None:
        self._warm_up_with(voice=pack(voice))

    def project(self, voice: Voice) -> Projection:
        answer = self._alive().call("project", self.limit_s, voice=pack(voice))
        projection: Projection = unpack(answer)
        return projection

    def open(self, span: Span) -> HostedSynthesis:
        remote = self._alive()
        number = next(self._numbers)
        answer = remote.call("open", self.limit_s, synthesis=number, span=pack(span))
        return HostedSynthesis(self, remote, number, answer["in_all"])


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
            self._host.did_its_work()
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
