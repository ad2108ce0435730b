"""The judge of turns: what it thinks comes back as a fact, and so does what goes wrong."""

from __future__ import annotations

import asyncio
import threading

import numpy as np

from adapters.base import AdapterError
from orchestrator.actions import JudgeTurn
from orchestrator.judging import JUDGE_TIMEOUT_MS, TurnJudge
from orchestrator.tests.test_workers import PATIENCE_S, Inbox, on_loop
from timeline.clock import NS_PER_MS, VirtualClock
from timeline.events import AdapterFailed, TurnJudged


class Model:
    """Thinks that a turn is over by how long it is; raises what it was given."""

    def __init__(self, error=None):
        self.error, self.closed = error, False

    def probability(self, pcm):
        if self.error is not None:
            raise self.error
        return pcm.size / 3e4


class Hanging(Model):
    """Its first call does not come back before it is let go."""

    def __init__(self):
        super().__init__()
        self.entered, self.let_go = threading.Event(), threading.Event()

    def probability(self, pcm):
        if not self.entered.is_set():
            self.entered.set()
            assert self.let_go.wait(PATIENCE_S)
        return super().probability(pcm)


def judge_of(model, clock=None):
    inbox = Inbox()
    return inbox, TurnJudge(model, clock or VirtualClock(), asyncio.get_running_loop(), inbox.post)


def test_the_answer_bears_the_positions_that_were_asked_for():
    async def scenario():
        inbox, judge = judge_of(Model())
        judge.judge(JudgeTurn(100, 900), np.zeros(10_000, np.float32))
        assert await inbox.take() == TurnJudged(100, 900, 0.3333, 0)
        judge.close()

    on_loop(scenario)


def test_a_fault_is_a_fact_with_its_line_and_the_next_turn_is_judged():
    async def scenario():
        model = Model(AdapterError("crashed", "one line", retryable=True))
        inbox, judge = judge_of(model)
        judge.judge(JudgeTurn(0, 10), np.zeros(10, np.float32))
        assert await inbox.take() == AdapterFailed("ears", "turn", "crashed", "one line", True)
        model.error = None
        judge.judge(JudgeTurn(0, 20), np.zeros(30_000, np.float32))
        assert (await inbox.take()).probability == 1.0
        judge.close()

    on_loop(scenario)


def test_a_call_that_hangs_is_left_behind():
    async def scenario():
        model, clock = Hanging(), VirtualClock()
        inbox, judge = judge_of(model, clock)
        judge.judge(JudgeTurn(0, 10), np.zeros(10, np.float32))
        await asyncio.get_running_loop().run_in_executor(None, model.entered.wait, PATIENCE_S)
        clock.sleep_until(JUDGE_TIMEOUT_MS * NS_PER_MS)
        judge.judge(JudgeTurn(0, 20), np.zeros(20, np.float32))
        assert (await inbox.take()).end_position == 20
        model.let_go.set()
        assert (await inbox.take()).end_position == 10
        judge.close()

    on_loop(scenario)
