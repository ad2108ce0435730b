"""What no script of events may break: looked for in every simulated session, in tests and scenes alike.

Each finds what is wrong and says it in a line; an empty list is a sane session.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from orchestrator import actions as act
from scenes.simulator import Simulator
from stitcher.pcm import frame_samples
from stitcher.seams import Seam
from timeline import events as ev
from timeline.clock import NS_PER_MS


def violations(simulator: Simulator) -> list[str]:
    """All that is wrong with a session that has been held."""
    return [*_stops(simulator), *_stream(simulator), *_conversation(simulator), *_engine(simulator)]


def stop_samples(simulator: Simulator) -> list[int]:
    """For each flush: samples between the decision and the last one that sounds."""
    audio, played = simulator.audio(), _played(simulator)
    found = []
    for at, flush in _of(simulator, act.Flush):
        resumes = next((i for i, s in _of(simulator, ev.ChunkStitched) if s.generation >= flush.generation), None)
        end = audio.size if resumes is None else played[resumes]
        loud = np.flatnonzero(audio[played[at] : max(end, played[at])])
        found.append(int(loud[-1]) + 1 if loud.size else 0)
    return found


def played_before(simulator: Simulator, fact: Any) -> int:
    """Samples that the sink had taken when `fact` was written down."""
    played = _played(simulator)
    return next(played[i] for i, (_, _, other) in enumerate(simulator.records) if other is fact)


def _played(simulator: Simulator) -> list[int]:
    """Samples taken by the sink before each record."""
    blocks = (fact.block_samples if isinstance(fact, ev.SinkTick) else 0 for _, _, fact in simulator.records)
    return [0, *itertools.accumulate(blocks)]


def _of(simulator: Simulator, kind: type) -> Iterator[tuple[int, Any]]:
    return ((i, fact) for i, (_, _, fact) in enumerate(simulator.records) if isinstance(fact, kind))


def _stops(simulator: Simulator) -> Iterator[str]:
    """From the decision to silence at most a frame, and until the next generation sounds nothing at all."""
    frame = frame_samples(simulator.settings.rate_hz)
    for late in stop_samples(simulator):
        if late > frame:
            yield f"{late} samples after the decision to stop it still sounds"


def _stream(simulator: Simulator) -> Iterator[str]:
    """Only chunks of the present generation are stitched, one behind the other; all the audio finds room."""
    generation, end, overlap = 0, 0, 0
    frame = frame_samples(simulator.settings.rate_hz)
    for _, _, fact in simulator.records:
        if isinstance(fact, act.Flush):
            if fact.generation != generation + 1:
                yield f"generation {fact.generation} follows {generation}"
            generation, end = fact.generation, -1
        if isinstance(fact, act.StitchChunk):
            overlap = frame if fact.seam is Seam.CROSS else 0
            if fact.generation != generation:
                yield f"a chunk of generation {fact.generation} was stitched in {generation}"
        if isinstance(fact, ev.Retracted):
            end = fact.end_index
        if isinstance(fact, ev.ChunkStitched):
            if end >= 0 and not end - overlap <= fact.start_index <= end:
                yield f"a hole in the stream between {end} and {fact.start_index}"
            end = fact.end_index
    if simulator.bus.stitcher.overflow_samples:
        yield f"{simulator.bus.stitcher.overflow_samples} samples found no room"


def _conversation(simulator: Simulator) -> Iterator[str]:
    """Both take turns, and turns only rise."""
    said = simulator.core.conversation.messages
    if any(a.role == b.role for a, b in itertools.pairwise(said)):
        yield f"the same side twice in a row: {said}"
    turns = [fact.turn for _, fact in _of(simulator, act.ShowTurn)]
    if turns != sorted(turns):
        yield "a turn went backwards"


def _engine(simulator: Simulator) -> Iterator[str]:
    """One job at a time for each engine, and between utterances no synthesis is left open."""
    late_ns = max(seat.capability.limits.timeout_ms for seat in simulator.core.replying.speech.voices.seats.values())
    late_ns *= NS_PER_MS
    speaks: dict[int, str] = {}  # phrase -> engine
    waiting: dict[str, tuple[Any, int]] = {}  # engine -> what it is at, since when
    for t_ns, _, fact in simulator.records:
        if isinstance(fact, act.OpenPhrase):
            speaks[fact.phrase] = fact.engine
        if isinstance(fact, act.OpenPhrase | act.RequestChunk):
            engine = speaks[fact.phrase]
            if engine in waiting and t_ns < waiting[engine][1] + late_ns:
                yield f"{fact} while {waiting[engine][0]} is with the engine"
            waiting[engine] = (fact, t_ns)
        elif isinstance(fact, act.Flush):
            waiting.clear()  # given up
        elif isinstance(fact, ev.DeadlinePassed):
            waiting = {engine: job for engine, job in waiting.items() if t_ns < job[1] + late_ns}
        elif isinstance(fact, ev.PhraseOpened | ev.ChunkReady | ev.AdapterFailed):
            waiting = {engine: job for engine, job in waiting.items() if _job(job[0]) != _job(fact)}
    opened_ns = max((t for t, _ in simulator.of(act.OpenPhrase)), default=0)
    over = not simulator.core.replying.speech.active and simulator.now_ns() - opened_ns >= late_ns
    if over and any(engine.open for engine in simulator.engines.values()):
        yield "a synthesis was never closed"


def _job(fact: Any) -> tuple[int, int, int] | None:
    """Which request it is, or answers: (generation, phrase, seq), seq -1 for opening a phrase."""
    return (fact.generation, fact.phrase, getattr(fact, "seq", -1)) if fact is not None else None
