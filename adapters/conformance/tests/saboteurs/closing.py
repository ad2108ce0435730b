"""They cannot be closed as they should; and one that can in mid-pull, as the tone cannot."""

from __future__ import annotations

import threading

from adapters.base import AudioChunk, Span
from adapters.conformance.tests.saboteurs.honest import GUARD_S, Saboteur, Synthesis


class ClosesAtAnyMoment(Saboteur):
    class kind(Synthesis):  # noqa: N801
        def close(self) -> None:
            if self.closed.is_set():
                raise RuntimeError("closed already")
            super().close()


class NothingAfterClose(Saboteur):
    class kind(Synthesis):  # noqa: N801
        def close(self) -> None:
            pass


class CloseDoesNotWait(Saboteur):
    """A pull of the largest rung holds the lock that closing wants, until closing wants it."""

    class kind(Synthesis):  # noqa: N801
        def __init__(self, engine: Saboteur, span: Span) -> None:
            super().__init__(engine, span)
            self.lock, self.wanted = threading.Lock(), threading.Event()

        def pull(self, units: int, low_latency: bool) -> AudioChunk:
            with self.lock:
                if threading.current_thread() is not threading.main_thread() and units == 64:
                    self.wanted.wait(GUARD_S)
                return super().pull(units, low_latency)

        def close(self) -> None:
            self.wanted.set()
            with self.lock:
                super().close()


class EndsWhereItIsClosed(Saboteur):
    """A pull of the smallest rung that is under way when it is closed falls over."""

    def pulled(self, synthesis: Synthesis, units: int) -> AudioChunk:
        if threading.current_thread() is not threading.main_thread() and units == 8:
            synthesis.closed.wait(GUARD_S)
            raise ValueError("the buffer is gone")
        return super().pulled(synthesis, units)


class ClosesDuringAPull(Saboteur):
    """A pull of the largest rung, in another thread, lasts until it is closed; closing does not wait for it."""

    def pulled(self, synthesis: Synthesis, units: int) -> AudioChunk:
        if threading.current_thread() is not threading.main_thread() and units == 64:
            synthesis.closed.wait(GUARD_S)
        return super().pulled(synthesis, units)
