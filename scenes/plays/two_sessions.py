"""Two Sessions: two talks at once, one engine between them. Neither is heard in the other, neither waits for the other
for long, and an interruption in one is none in the other."""

from __future__ import annotations

from adapters.tts.trouble import Trouble
from orchestrator import actions as act
from orchestrator.turns import Cause
from scenes.agenda import Agenda
from scenes.script import aloud
from scenes.simulator import Simulator
from scenes.stage import Scene, Stage
from scenes.world import Speech, World
from timeline import events as ev
from timeline.clock import NS_PER_MS, NS_PER_S

END_MS = 45_000
LARGEST_CHUNK_MS = 640


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
    # Whoever begins may have to wait for one call of the other's, of the largest chunk, and sounds broken for as long.
    longest_call_ms = trouble.call_ms + trouble.rtf * LARGEST_CHUNK_MS
    for name, simulator in (("undisturbed", one), ("disturbed", other)):
        at_first, later = underruns(simulator)
        stage.at_most(f"gap_at_first_ms_{name}", at_first / simulator.settings.rate_hz * 1000, 1.3 * longest_call_ms)
        stage.exactly(f"underrun_samples_{name}", later, 0)


def said(simulator: Simulator) -> list[str]:
    return [fact.text for _, fact in simulator.of(act.Remember) if fact.role == "assistant"]


def foreign(lines: list[str], text: str) -> bool:
    return any(not text.startswith(line) and line != "Understood." for line in lines)


def flushes_before_end(simulator: Simulator) -> list[act.Flush]:
    return [flush for t_ns, flush in simulator.of(act.Flush) if t_ns < END_MS * NS_PER_MS]


def underruns(simulator: Simulator) -> tuple[int, int]:
    """Samples missing in the first second of an utterance, of the worst one, and in all of them afterwards."""
    began_ns, at_first, worst, later = 0, 0, 0, 0
    for t_ns, _, fact in simulator.records:
        if isinstance(fact, act.ShowTurn) and fact.cause == Cause.AUDIO_STARTED:
            began_ns, at_first = t_ns, 0
        elif isinstance(fact, ev.SinkTick) and t_ns < began_ns + NS_PER_S:
            at_first += fact.underrun_samples
            worst = max(worst, at_first)
        elif isinstance(fact, ev.SinkTick):
            later += fact.underrun_samples
    return worst, later


SCENE = Scene("two-sessions", "two talks, one engine: neither is heard in the other, neither is held up", play,
              seeds_most=300)  # fmt: skip
