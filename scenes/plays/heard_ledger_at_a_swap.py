"""Heard Ledger at a swap: interrupted while one engine takes over from another. What is kept is still what was heard:
before the change, within its crossfade, and while the other engine is being prepared."""

from __future__ import annotations

from adapters.tts.trouble import Trouble
from orchestrator import actions as act
from scenes.plays.heard_ledger import against_the_sound
from scenes.plays.mid_stream_swap import phrase_ends
from scenes.script import SENTENCES
from scenes.simulator import Simulator
from scenes.sound import TONES
from scenes.stage import Scene, Stage
from scenes.world import World
from timeline import events as ev

TEXT_SENTENCES = 3
FIRST_MS, LAST_MS = 600, 9000  # of an utterance of about fifteen seconds
NEAR_MS = 400  # around the seam: words last as long
PREPARED_MS = 1500  # before it: the other engine is at work


def play(stage: Stage) -> None:
    for other in stage.company or (f"{stage.adapter}#2",):
        draw = stage.random
        text = " ".join(draw.sample(SENTENCES, TEXT_SENTENCES))
        swap_ms = round(draw.uniform(FIRST_MS, LAST_MS))
        costs = [Trouble(open_ms=draw.uniform(5, 60), call_ms=3, rtf=draw.uniform(0.05, 0.3)) for _ in range(2)]
        seam_ms = sounding_ms(held(stage, other, text, swap_ms, costs))
        for case, early_ms, late_ms in (("at_the_seam", NEAR_MS, NEAR_MS), ("while_prepared", PREPARED_MS, 0)):
            at_ms = seam_ms + draw.uniform(-early_ms, late_ms)
            judge(stage, f"{case}_{other}", held(stage, other, text, swap_ms, costs, at_ms), text)


def held(
    stage: Stage, other: str, text: str, swap_ms: int, costs: list[Trouble], at_ms: float | None = None
) -> Simulator:
    """A session with one change of engines, interrupted or not."""
    own, others = costs
    events = [(0.0, ev.SpeakRequested(text)), (1.0, ev.SwapRequested(other, swap_ms))]
    events += [(at_ms, ev.UserTyped("stop"))] if at_ms is not None else []
    end_ms = 2.0 if at_ms is None else at_ms + 3000
    return stage.hold(World(events=[*events, (end_ms, ev.InputEnded())]), own, others={other: others})


def sounding_ms(simulator: Simulator) -> float:
    """When the seam sounds."""
    index = next(fact.index for _, fact in simulator.of(act.ShowSwap))
    return next(t_ns for t_ns, tick in simulator.of(ev.SinkTick) if tick.read_index >= index) / 1e6


def judge(stage: Stage, case: str, simulator: Simulator, text: str) -> None:
    flushes = [flush for _, flush in simulator.of(act.Flush)]
    kept = next((fact.text for _, fact in simulator.of(act.Remember) if fact.role == "assistant"), None)
    if kept is None or not flushes:
        stage.exactly(f"{case}_kept_nothing", 1, 0)
        return
    stage.exactly(f"{case}_never_said", int(not text.startswith(kept)), 0)
    if stage.adapter == TONES:
        wrong = against_the_sound(case, simulator, flushes[0], kept, text, phrase_ends(simulator))
        for line in wrong:
            stage.note(line)
        stage.exactly(f"{case}_words_off", len(wrong), 0)


SCENE = Scene("heard-ledger-at-a-swap", "the conversation keeps what was heard, interrupted while engines change", play,
              seeds_most=300, company=True)  # fmt: skip
