"""The judge of turns at work: asks the end-of-turn model in a thread of its own and posts what it thinks.

    JudgeTurn(start, end) + audio -> worker thread -> TurnJudged(end, probability)

Whoever asked compares `end_position` with the silence that it waits in: an answer to an earlier one is stale. A fault
is posted as AdapterFailed; then the turn ends by plain silence, so nothing is asked twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from adapters.base import AdapterError
from adapters.ears.base import EndOfTurn
from orchestrator.actions import JudgeTurn
from orchestrator.workers import Worker
from stitcher.pcm import Float32
from timeline.clock import NS_PER_MS, Clock
from timeline.events import AdapterFailed, TurnJudged

JUDGE_TIMEOUT_MS = 2_000  # a call takes a tenth of a second; by then the turn has ended by plain silence
PROBABILITY_DIGITS = 4  # as the windows' probabilities are written down


class TurnJudge:
    """The end-of-turn model in its worker thread. A call that hangs is left behind with its thread."""

    def __init__(
        self, model: EndOfTurn, clock: Clock, loop: asyncio.AbstractEventLoop, post: Callable[[Any], None]
    ) -> None:
        self._model = model
        self._clock = clock
        self._post = post
        self._worker = Worker("end of turn", loop)
        self._busy_since_ns = -1

    def judge(self, action: JudgeTurn, pcm: Float32) -> None:
        clock, now_ns = self._clock, self._clock.now_ns()
        if 0 <= self._busy_since_ns <= now_ns - JUDGE_TIMEOUT_MS * NS_PER_MS:
            self._worker.replace()
            self._busy_since_ns = -1
        if self._busy_since_ns < 0:
            self._busy_since_ns = now_ns

        def timed() -> tuple[float, int]:
            start_ns = clock.now_ns()
            return self._model.probability(pcm), clock.now_ns() - start_ns

        self._worker.submit(timed, lambda result, error: self._on_done(action, result, error))

    def _on_done(self, action: JudgeTurn, result: Any, error: AdapterError | None) -> None:
        self._busy_since_ns = -1
        if error is not None:
            self._post(AdapterFailed("ears", "turn", error.kind, error.detail, error.retryable))
            return
        probability, render_ns = result
        rounded = round(probability, PROBABILITY_DIGITS)
        self._post(TurnJudged(action.start_position, action.end_position, rounded, render_ns))

    def close(self) -> None:
        self._worker.close()
