"""What keeps our own voice out is an event of every session that hears, and what came through reaches the canceller."""

from __future__ import annotations

import pytest

from adapters.base import EAR_RATE_HZ
from orchestrator import actions as act
from orchestrator.echo import EchoPath
from orchestrator.tests.test_shell import RATE_HZ, Stage
from stitcher.echo_reference import EchoReference
from timeline import events as ev

FINISH = [ev.SpeakRequested("alpha bravo charlie"), ev.InputEnded()]


@pytest.mark.parametrize("layer", ["client", "none"])
def test_a_session_with_nothing_to_cancel_says_why(layer):
    stage = Stage()
    stage.shell.parts.layer = layer
    assert stage.hold(stage.live, FINISH) == "finished"
    assert stage.of(ev.EchoState) == [ev.EchoState(layer)]


def test_a_session_that_cancels_says_by_what():
    stage = Stage()
    stage.shell.parts.echo = EchoPath(None, EchoReference(RATE_HZ, EAR_RATE_HZ))
    assert stage.hold(stage.live, FINISH) == "finished"
    (state,) = stage.of(ev.EchoState)
    assert (state.layer, state.warming_up, state.half_duplex) == ("linear", True, False)


def test_our_own_words_come_to_the_guard_and_twice_end_in_half_duplex():
    stage = Stage()
    stage.shell.parts.echo = echo = EchoPath(None, EchoReference(RATE_HZ, EAR_RATE_HZ))

    async def scenario(task):
        await stage.live(task, until=lambda: stage.of(ev.EchoState))
        for _ in range(2):
            stage.shell._carry_out(act.OwnWords())
        await stage.live(task, until=lambda: len(stage.of(ev.EchoState)) == 2)
        stage.shell.post(ev.StopRequested())

    assert stage.hold(scenario) == "stopped"
    assert echo.guard.half_duplex and stage.of(ev.EchoState)[-1].reason == "our own words were heard"
    assert "half duplex" in stage.of(act.Notice)[0].text
