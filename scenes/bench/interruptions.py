"""Interruptions: who speaks into the answer, and does it stop? 200 cases, in the style of Full-Duplex-Bench v1.5.

Each case is a session on the virtual clock: the user asks, the answer begins, and then the case sounds (scenes.corpus.
overlaps). The detector and the recognizer are the real ones; the recognizer's calls take the time that they took.
The voice is the null engine: what is heard of an answer is not asked here.

    respond_rate   interruptions at which the answer stopped            resume_rate   backchannels at which it did not
    kept_rate_*    of the other kinds, those at which it did not        *_ms          from the case's first loud sample

`duck_ms` to the voice's pause, `stop_ms` to the decision to stop for good; a pause is never counted as a stop.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from adapters import registry
from adapters.base import EAR_RATE_HZ
from adapters.registry import Context
from adapters.tts.null import ToneTts
from adapters.tts.trouble import Trouble, Troubled
from orchestrator import actions as act
from orchestrator.settings import CoreSettings, ListenSettings
from orchestrator.turns import Cause
from scenes.bench.report import Metric, Report, Table, at_least, at_most, machine, shown
from scenes.corpus.cast import Cast
from scenes.corpus.overlaps import Case, Kind, cases
from scenes.real_ears import RealEars, RealRecognizer
from scenes.script import aloud
from scenes.simulator import Simulator
from scenes.world import World
from timeline import events as ev
from timeline.clock import NS_PER_MS, NS_PER_S, VirtualClock

RESPOND_LEAST, RESUME_LEAST = 0.90, 0.95
STOP_P50_MOST_MS, STOP_P95_MOST_MS = 400.0, 700.0
ANSWER_S = 40
QUESTION = "What can you tell me about the rivers of this country?"
ASKED_MS, AFTER_MS = 300.0, 700.0  # when the question begins; how long the answer has sounded before the case
JUDGED_MS = 2000.0  # after the case's end
JUDGED: tuple[Kind, ...] = ("interruption", "backchannel")
VOICE = Trouble(open_ms=40, call_ms=8, rtf=0.1)  # about what Piper costs


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case. Milliseconds from its first loud sample; None: it did not."""

    case: Case
    paused_ms: float | None
    stopped_ms: float | None
    silent_ms: float  # how long the voice paused in all
    goes_on: bool  # it speaks at the end


def run(context: Context) -> Report:
    """Raises AdapterError."""
    cast = Cast(context)
    stt = registry.create("stt", "whisper", {"isolation": "thread"}, context)
    vad = registry.create("ears", "silero", {}, context)
    stt.warm_up()
    question = cast.speak(cast.speakers[0], QUESTION).pcm
    try:
        outcomes = [hold(case, question, context, vad, stt) for case in cases(cast)]
    finally:
        cast.close()
        stt.close()
    return Report("interruptions", machine(), metrics(outcomes), len(outcomes), (table(outcomes),))


def hold(case: Case, question: Any, context: Context, vad: Any, stt: Any) -> Outcome:
    """One session."""
    clock = VirtualClock()
    tts = Troubled(ToneTts(), VOICE, clock)
    settings = CoreSettings(tts=tts.describe(), listen=ListenSettings())
    simulator = Simulator(
        settings, tts, clock,
        World(replies=(aloud(ANSWER_S, 0),),
              ears=lambda session: RealEars(vad, session.agenda, session.now_ns, session.post)),
        make_recognizer=lambda world, ears, agenda, post: RealRecognizer(
            stt, context.clock, (QUESTION,), ears, agenda, post
        ),
    )  # fmt: skip
    simulator.ears.play(question, ASKED_MS)
    begins: list[int] = []
    simulator.watchers.append(partial(_lay, simulator, case, begins))
    simulator.run(120_000)
    onset_ns = begins[0] * NS_PER_S // EAR_RATE_HZ
    end_ns = onset_ns + (case.end - case.begin) * NS_PER_S // EAR_RATE_HZ + int(JUDGED_MS * NS_PER_MS)
    return _judge(case, simulator, onset_ns, end_ns)


def _lay(simulator: Simulator, case: Case, begins: list[int], fact: Any) -> None:
    """The answer sounds: some time later so does the case, and after it the session ends."""
    if isinstance(fact, act.ShowTurn) and fact.cause == Cause.AUDIO_STARTED and not begins:
        begins.append(simulator.ears.play(case.pcm, AFTER_MS) + case.begin)
        lasts_ms = (case.pcm.size - case.begin) * 1000 / EAR_RATE_HZ
        simulator.later(AFTER_MS + lasts_ms + JUDGED_MS, ev.StopRequested())


def _judge(case: Case, simulator: Simulator, onset_ns: int, end_ns: int) -> Outcome:
    ticks = [((t_ns - onset_ns) / NS_PER_MS, tick) for t_ns, tick in simulator.of(ev.SinkTick)
             if onset_ns <= t_ns <= end_ns]  # fmt: skip
    paused_ms = next((after_ms for after_ms, tick in ticks if tick.held_seen), None)
    stopped_ms = next((after_ms for after_ms, tick in ticks if tick.flushed_index >= 0), None)
    silent_ms = sum(tick.block_samples for _, tick in ticks if tick.held_seen) * 1000 / simulator.settings.rate_hz
    return Outcome(case, paused_ms, stopped_ms, silent_ms, stopped_ms is None and not ticks[-1][1].held_seen)


def metrics(outcomes: Sequence[Outcome]) -> tuple[Metric, ...]:
    kinds: dict[Kind, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        kinds[outcome.case.kind].append(outcome)
    meant = kinds["interruption"]
    stops = [one.stopped_ms for one in meant if one.stopped_ms is not None] or [float("inf")]
    ducks = [one.paused_ms for one in meant if one.paused_ms is not None] or [float("inf")]
    kept = {kind: _share([one.goes_on for one in of_kind]) for kind, of_kind in kinds.items()}
    others = [shown(f"kept_rate_{kind}", share, "") for kind, share in kept.items() if kind not in JUDGED]
    lost = [one.silent_ms for one in kinds["backchannel"] if one.goes_on]
    return (
        at_least("respond_rate", _share([one.stopped_ms is not None for one in meant]), "", RESPOND_LEAST),
        at_least("resume_rate", kept["backchannel"], "", RESUME_LEAST),
        shown("duck_ms_p50", median(ducks), "ms"),
        at_most("stop_ms_p50", median(stops), "ms", STOP_P50_MOST_MS),
        at_most("stop_ms_p95", float(np.percentile(stops, 95)), "ms", STOP_P95_MOST_MS),
        shown("backchannel_pause_ms_p50", median(lost or [0.0]), "ms"),
        *others,
    )


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found)


def table(outcomes: Sequence[Outcome]) -> Table:
    """Those that went the wrong way, for people."""
    wrong = [one for one in outcomes if one.case.takes_floor == one.goes_on]
    rows = tuple((str(one.case.number), one.case.kind, one.case.engine, f"{one.case.dbfs:.0f} dBFS", one.case.what[:60])
                 for one in wrong)  # fmt: skip
    return Table("went the wrong way", ("case", "kind", "engine", "level", "what"), rows)
