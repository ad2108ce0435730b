"""Two Cores: a conversational and a task source share one voice. Neither holds up the other, reports wait for a breath
of silence and are handed over, an alarm cuts in, what is stale is dropped, and each word is heard or shown."""

from __future__ import annotations

import dataclasses

import numpy as np

from adapters.tts.trouble import Trouble
from orchestrator import actions as act
from orchestrator.floor import BREATH_MS, Ruling
from orchestrator.settings import SourceSettings
from orchestrator.turns import Cause, State
from scenes.invariants import played_before
from scenes.script import SENTENCES, SHORT, aloud
from scenes.simulator import Simulator
from scenes.stage import Scene, Stage
from scenes.world import Speech, World
from timeline import events as ev
from timeline.clock import NS_PER_MS

END_MS = 60_000
ALARM = "The oven is on fire."
HEARD_MS = 40  # of the user's speech: about what the ears need to notice that it has begun


def play(stage: Stage) -> None:
    trouble = Trouble(open_ms=stage.random.uniform(0, 60), call_ms=stage.random.uniform(0, 10),
                      rtf=stage.random.uniform(0.02, 0.4))  # fmt: skip
    background(stage, trouble)
    alarm(stage, trouble)
    stale(stage, trouble)


def background(stage: Stage, trouble: Trouble) -> None:
    """The task source works on every turn, for long; the talk goes on as if it were not there."""
    draw = stage.random
    starts_ms = [500 + number * draw.uniform(5000, 9000) for number in range(4)]
    user = tuple(Speech(at, at + draw.uniform(500, 1200), f"line {n}") for n, at in enumerate(starts_ms))
    talk = World(user=user, replies=tuple(draw.sample(SHORT, 4)), events=[(END_MS, ev.StopRequested())])
    report = " ".join(draw.sample(SENTENCES, 2))
    task = dataclasses.replace(talk, task_replies=(report,), task_delay_ms=draw.uniform(100, 3000),
                               task_word_ms=draw.uniform(0, 30))  # fmt: skip
    both = stage.hold(task, trouble, tasks=(SourceSettings("task", address=""),))
    alone = stage.hold(talk, trouble)
    stage.exactly("conversation_changed", int(changed(both, alone)), 0)
    stage.exactly("words_lost", words_lost(both), 0)
    stage.exactly("without_a_breath", spoken_without_a_breath(both), 0)
    stage.exactly("hand_overs_missing", hand_overs_missing(both), 0)
    stage.at_least("reports_given", len(rulings(both, Ruling.GIVEN)), 1)


def alarm(stage: Stage, trouble: Trouble) -> None:
    """A source of higher priority cuts the conversational one short; of both, what was heard is kept."""
    text = aloud(20, stage.random.randrange(12))
    world = World(user=(Speech(500, 1300, "what is it"),), replies=(text,), task_replies=(ALARM,),
                  task_delay_ms=stage.random.uniform(2500, 9000), events=[(25_000, ev.InputEnded())])  # fmt: skip
    simulator = stage.hold(world, trouble, tasks=(SourceSettings("alarm", address="", priority=1, hand_over=""),))
    kept = [fact for _, fact in simulator.of(act.Remember) if fact.role == "assistant"]
    cut = len(kept) == 2 and kept[0].interrupted and text.startswith(kept[0].text) and kept[1].text == ALARM
    stage.exactly("alarm_was_heard_at_once", int(cut), 1)


def stale(stage: Stage, trouble: Trouble) -> None:
    """Nobody lets it speak for too long: it is dropped, shown, and never said."""
    draw = stage.random
    talk = tuple(Speech(at, at + 900, f"line {at}") for at in range(3000, 14_000, 1800))
    report = draw.choice(SENTENCES)
    world = World(user=(Speech(500, 1300, "task what is it"), *talk), replies=("Yes.",),
                  task_replies=(report,), task_delay_ms=draw.uniform(50, 1500), task_word_ms=5,
                  events=[(30_000, ev.StopRequested())])  # fmt: skip
    source = SourceSettings("task", address="task", patience_ms=draw.randrange(2000, 7000))
    simulator = stage.hold(world, trouble, tasks=(source,))
    stage.exactly("stale_dropped", len(rulings(simulator, Ruling.DROPPED)), 1)
    stage.exactly("stale_said", len(rulings(simulator, Ruling.GIVEN)), 0)
    stage.exactly("stale_words_lost", words_lost(simulator), 0)


def changed(both: Simulator, alone: Simulator) -> bool:
    """Until the first report begins, the second source makes no difference, to the sample."""
    given = rulings(both, Ruling.GIVEN)
    end = played_before(both, given[0]) if given else both.audio().size
    return not np.array_equal(both.audio()[:end], alone.audio()[:end])


def rulings(simulator: Simulator, ruling: Ruling) -> list[act.ShowFloor]:
    return [fact for _, fact in simulator.of(act.ShowFloor) if fact.ruling == ruling]


def words_lost(simulator: Simulator) -> int:
    """Words of the task source that were neither heard nor shown, or both."""
    tasks = {fact.reply for _, fact in simulator.of(act.StartReply) if fact.source != ev.CONVERSATION}
    written = [w for _, d in simulator.of(ev.ReplyDelta) if d.reply in tasks for w in d.text.split()]
    heard = [w for _, fact in simulator.of(act.Remember) if fact.source == "task" for w in fact.text.split()]
    shown = [w for _, fact in simulator.of(act.ShowFloor) for w in fact.text.split()]
    return int(sorted(heard + shown) != sorted(written))


def spoken_without_a_breath(simulator: Simulator) -> int:
    """Reports that begin while somebody sounds, or has only just fallen silent: counted in the sound itself."""
    audio, rate_hz, count, state = simulator.audio(), simulator.settings.rate_hz, 0, State.LISTENING
    for t_ns, _, fact in simulator.records:
        if not isinstance(fact, act.ShowTurn):
            continue
        if fact.cause == Cause.FLOOR_GRANTED:
            at, now_ms = played_before(simulator, fact), t_ns / NS_PER_MS
            sounded = np.any(audio[max(0, at - BREATH_MS * rate_hz // 1000) : at])
            spoke = any(s.start_ms < now_ms - HEARD_MS and s.end_ms > now_ms - BREATH_MS for s in simulator.world.user)
            count += bool(sounded) or spoke or state is not State.LISTENING
        state = State(fact.state)
    return count


def hand_overs_missing(simulator: Simulator) -> int:
    """Each time the floor is given, the first thing said is the hand-over."""
    missing, given = 0, False
    for _, _, fact in simulator.records:
        if isinstance(fact, act.ShowFloor) and fact.ruling == Ruling.GIVEN:
            given = True
        elif isinstance(fact, act.OpenPhrase) and given:
            missing += fact.text != simulator.settings.tasks[0].hand_over
            given = False
    return missing


SCENE = Scene("two-cores", "two sources share one voice: neither waits, each word is heard or shown", play,
              seeds_most=300)  # fmt: skip
