"""The host: an adapter that lives in a process of its own, whatever its role; roles add what they are asked.

    [tts.piper]
    isolation = "process"
    python = "~/xtts/bin/python"      # another interpreter, with packages of its own; left out: ours

Rules. What the engine says, its faults too, is passed on as it is. When its process dies, whoever waits hears of it at
once (crashed, retryable). In place of one that was warm another is started and warmed up at once, on a thread of its
own: who can do without it meanwhile finds it warm again, and who cannot waits for it in the next call. So a few times
in a row, then no more until it is warmed up again. See host_tts.py and host_stt.py.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.base import AdapterError, Capability
from adapters.registry import Context
from adapters.remote import Remote
from adapters.wire import Message, unpack

LOAD_TIMEOUT_S = 300.0  # to make an adapter or to warm it up: gigabytes of weights from a slow disk
RESTARTS_MOST = 3  # in a row, with no work done between them: what killed it is still there
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

    @property
    def role(self) -> str:
        return self.adapter.split(".", 1)[0]


class Host:
    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._change = threading.RLock()  # held by whoever replaces the process, or warms it up
        self._warmth: Message | None = None  # what it was warmed up with
        self._restarts = 0
        self._closed = False
        self._restarting: threading.Thread | None = None
        self._start()

    def describe(self) -> Capability:
        return self._capability

    def close(self) -> None:
        """At any moment, from any thread: a call that is under way fails."""
        self._closed = True
        self._remote.end()
        if self._restarting is not None:
            self._restarting.join(CLOSE_WAIT_S)

    # -- for its roles --------------------------------------------------------------------

    @property
    def limit_s(self) -> float:
        """Of a call."""
        return self._capability.limits.timeout_ms / MS_PER_S

    def did_its_work(self) -> None:
        """What killed it before is not there any more."""
        self._restarts = 0

    def _warm_up_with(self, **inputs: Any) -> None:
        with self._change:
            self._restarts = 0
            self._warmth = None
            self._heat(self._alive(), inputs)
            self._warmth = inputs

    # -- the process ----------------------------------------------------------------------

    def _alive(self) -> Remote:
        """The process, or another where that has died."""
        with self._change:
            fault = self._remote.fault
            if fault is None or self._closed:
                return self._remote
            if self._restarts >= RESTARTS_MOST:
                other = f"{self._recipe.role}.adapter"
                cure = f"{RESTARTS_MOST} restarts did not help: mend what it died of, or choose another {other}"
                raise AdapterError("crashed", f"{fault.detail}; {cure}")
            self._restarts += 1
            self._start()
            if self._warmth is not None:
                self._heat_again(self._warmth)
            return self._remote

    def _heat_again(self, inputs: Message) -> None:
        """A process that could not be warmed up is none to work with: the next call starts another."""
        try:
            self._heat(self._remote, inputs)
        except AdapterError:
            self._remote.end()
            raise

    def _on_death(self) -> None:
        """Of the process, told on a thread of its own."""
        if self._warmth is not None and not self._closed:
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
                "make", LOAD_TIMEOUT_S, role=recipe.role, adapter=recipe.adapter, target=recipe.target,
                options=dict(recipe.options),
                cache=str(context.cache), weights=str(context.weights.cache),
                overrides={name: str(path) for name, path in context.weights.overrides.items()},
            )  # fmt: skip
        except AdapterError:
            remote.end()
            raise
        self._describe(made)

    def _heat(self, remote: Remote, inputs: Message) -> None:
        self._describe(remote.call("warm_up", LOAD_TIMEOUT_S, **inputs))

    def _describe(self, record: Message) -> None:
        self._capability: Capability = dataclasses.replace(unpack(record), isolation="process")
