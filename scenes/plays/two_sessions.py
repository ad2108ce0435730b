"""Two Sessions: two talks at once, one engine between them. Neither is heard in the other, neither waits for the other
for long, and an interruption in one is none in the other."""

from __future__ import annotations

from adapters.tts.trouble import Trouble
from orchestrator import actions as act
from scenes.agenda import Agenda
from scenes.script import aloud
from scenes.simulator import Simulator
from scenes.stage import Scene, Stage
from scenes.world import Speech, World
from timeline import events as ev
from timeline.clock import NS_PER_MS

END_MS = 45_000


def play(stage: Stage) -> None:
    draw = stage.random
    trouble = Trouble(open_ms=draw.uniform(0, 30), call_ms=draw.uniform(0, 5), rtf=draw.uniform(0.05, 0.3), jitter=0.05)
    agenda = Agenda()
    texts = (aloud(30, 0), aloud(30, 6))
    at_ms = draw.uniform(6000, 12_000)
    worlds = (
        World(user=(Speech(500, 1300, "what is it"),), replies=(texts[0],), events=[(END_MS, ev.StopRequested())]),
        World(user=(Speech(draw.uniform(400, 2000), 2400, "and who"),), replies=(texts[1], "Understood."),
              events=[(at_ms, ev.UserTyped("stop")), (END_MS, ev.StopRequested())]),
    )  # fmt: skip
    one = stage.session(worlds[0], trouble, agenda=agenda)
    other = stage.session(worlds[1], trouble, agenda=agenda, machine=one.machine, seed=stage.seed + 500_000)
    agenda.run(2 * END_MS * NS_PER_MS, lambda: one.core.ended and other.core.ended)
    stage.exactly("heard_whole_undisturbed", int(said(one) == [texts[0]]), 1)
    stage.exactly("flushes_undisturbed", len(flushes_before_end(one)), 0)
    stage.exactly("flushes_disturbed", len(flushes_before_end(other)), 1)
    stage.exactly("foreign_words", int(foreign(said(one), texts[0]) or foreign(said(other), texts[1])), 0)
    stage.exactly("underrun_samples", underruns(one) + underruns(other), 0)


def said(simulator: Simulator) -> list[str]:
    return [fact.text for _, fact in simulator.of(act.Remember) if fact.role == "assistant"]


def foreign(lines: list[str], text: str) -> bool:
    return any(not text.startswith(line) and line != "Understood." for line in lines)


def flushes_before_end(simulator: Simulator) -> list[act.Flush]:
    return [flush for t_ns, flush in simulator.of(act.Flush) if t_ns < END_MS * NS_PER_MS]


def underruns(simulator: Simulator) -> int:
    return sum(tick.underrun_samples for _, tick in simulator.of(ev.SinkTick))


SCENE = Scene("two-sessions", "two talks, one engine: neither is heard in the other, neither is held up", play)
