"""Rough Weather: everything at once and at random. Users who interrupt, mumble and type, engines that burst, fail,
stall and answer wrong lengths, replies that break off, sinks that drift and stall, a machine that sleeps. Nothing is
asked but what must hold in any session, and that it is still there afterwards."""

from __future__ import annotations

from random import Random

from adapters.tts.trouble import Trouble
from orchestrator import actions as act
from orchestrator.turns import State
from scenes.script import SENTENCES, SHORT, aloud
from scenes.simulator import Simulator
from scenes.stage import Scene, Stage
from scenes.world import Sink, Speech, World
from timeline import events as ev

STORM_MS = 20_000
CALM_MS = 24_000  # whatever is still under way then, the question cuts it
ANSWERED_MS = 600_000  # an engine that stalls 12 s in each phrase, with three requests waiting, takes half of that
LAST = "are you still there"


def play(stage: Stage) -> None:
    draw = stage.random
    trouble, world = troubles(draw), weather(draw)
    simulator = stage.hold(world, trouble, ANSWERED_MS)
    users = [message.text for message in simulator.core.conversation.messages if message.role == "user"]
    stage.exactly("heard_afterwards", int(bool(users) and users[-1].endswith(LAST)), 1)
    stage.exactly("rests_afterwards", int(simulator.core.turns.state is State.LISTENING), 1)
    stage.exactly("answers_afterwards", int(answered(simulator, world, trouble)), 1)
    stage.measure("flushes", len(simulator.of(act.Flush)))
    stage.measure("faults", len(simulator.of(ev.AdapterFailed)))
    stage.measure(
        "underrun_s", sum(t.underrun_samples for _, t in simulator.of(ev.SinkTick)) / simulator.settings.rate_hz
    )


def answered(simulator: Simulator, world: World, trouble: Trouble) -> bool:
    """The last question has its answer, whole, unless the script itself withholds it."""
    reply = max((fact.reply for _, fact in simulator.of(act.StartReply)), default=0)
    text = world.replies[(reply - 1) % len(world.replies)]
    gives_up = trouble.fail_at >= 0 and trouble.fail_times > 1
    if reply in world.reply_faults or gives_up or not any(letter.isalnum() for letter in text):
        return True
    kept = [fact for _, fact in simulator.of(act.Remember) if fact.source == ev.CONVERSATION]  # not what was requested
    return bool(kept) and kept[-1].text == text and not kept[-1].interrupted


def troubles(draw: Random) -> Trouble:
    return Trouble(
        open_ms=draw.uniform(0, 300), call_ms=draw.uniform(0, 80), rtf=draw.uniform(0, 1.2),
        jitter=draw.uniform(0, 0.5), jitter_shape=draw.choice(("normal", "even", "late")),
        burst_share=draw.uniform(0, 0.1), burst_ms=draw.uniform(0, 800),
        stall_at=draw.choice((-1, -1, -1, 0, 3)), stall_ms=draw.uniform(0, 12_000),
        fail_share=draw.choice((0, 0, 0.05, 0.3)), fail_at=draw.choice((-1, -1, 0, 2)),
        fail_times=draw.choice((1, 1, 2, 99)),
        short_by=draw.choice((0, 0, 1, 5, -3)), empty_at=draw.choice((-1, -1, 0, 2)),
    )  # fmt: skip


def weather(draw: Random) -> World:
    replies = tuple(draw.choice((draw.choice(SHORT), draw.choice(SENTENCES), aloud(15, draw.randrange(12)), "...", ""))
                    for _ in range(7))  # fmt: skip
    faults = {number: draw.randrange(6) for number in range(1, 30) if draw.random() < 0.1}
    stalls = tuple((draw.uniform(0, STORM_MS), draw.uniform(50, 3000)) for _ in range(draw.randrange(3)))
    sink = Sink(draw.uniform(-300, 300), draw.uniform(0, 15), stalls, catches_up=draw.random() < 0.5)
    return World(
        user=(*talk(draw), Speech(CALM_MS, CALM_MS + 1200, LAST)), replies=replies, reply_faults=faults, sink=sink,
        reply_delay_ms=draw.uniform(0, 1500), word_ms=draw.uniform(0, 150),
        block_ms=draw.choice((5, 10, 16, 20, 40, 100)),
        events=[*typed(draw), (CALM_MS + 4000, ev.InputEnded())], stt_cost_ms=draw.choice((30, 150, 150, 900)),
        load=((draw.uniform(0, STORM_MS), STORM_MS, draw.uniform(1, 4)),),
        jumps=((draw.uniform(0, STORM_MS), draw.choice((0, 50, 3000, 3_600_000))),),
    )  # fmt: skip


def talk(draw: Random) -> list[Speech]:
    """Questions, interruptions, mumbles, pauses: whatever comes."""
    speeches: list[Speech] = []
    at_ms = 500.0
    while at_ms < STORM_MS:
        for_ms = draw.choice((60, 150, 300, 700, 1200, 4000)) * draw.uniform(0.7, 1.3)
        speeches.append(Speech(at_ms, at_ms + for_ms, f"line {len(speeches)}"))
        at_ms += for_ms + draw.choice((100, 250, 600, 2500, 8000)) * draw.uniform(0.7, 1.3)
    return speeches


def typed(draw: Random) -> list[tuple[float, object]]:
    made = (lambda: ev.UserTyped("typed"), lambda: ev.SpeakRequested(draw.choice(SENTENCES)))
    return [(draw.uniform(0, STORM_MS), draw.choice(made)()) for _ in range(draw.randrange(5))]


SCENE = Scene("rough-weather", "everything at once and at random: what must hold in any session holds", play, seeds=20)
