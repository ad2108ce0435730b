"""Worlds for tests: a session of the simulator in one call, and what must hold in every one of them.

The engine is the null engine, a tone per word whose pitch follows from its phrase's seed. So the sound itself tells
which words were heard and of which phrase, and the tests need not believe the ledger.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from adapters.registry import Context
from adapters.tts.null import NullTts
from orchestrator import actions as act
from orchestrator.settings import CoreSettings
from orchestrator.speech import SEED_STRIDE
from scenes.simulator import Simulator
from scenes.world import World
from stitcher.pcm import Int16, frame_samples
from timeline import events as ev
from timeline.clock import NS_PER_MS, VirtualClock

WORDS = "alpha bravo charlie delta foxtrot golf hotel india juliet kilo lima mike november oscar papa"
WORD_GAP_SAMPLES = 800  # half of what a space lasts in the null engine: tones closer than this are one word


def null_tts(**options: Any) -> tuple[NullTts, VirtualClock]:
    """A null engine and the clock that it waits on."""
    clock = VirtualClock()
    return NullTts(NullTts.Options(**options), Context(None, clock, None)), clock  # type: ignore[arg-type]


def session(world: World, engine: dict[str, Any] | None = None, **settings: Any) -> Simulator:
    """A session that has not begun."""
    tts, clock = null_tts(**(engine or {}))
    return Simulator(CoreSettings(tts=tts.describe(), **settings), tts, clock, world)


def held(world: World, engine: dict[str, Any] | None = None, until_ms: float = 60_000, **settings: Any) -> Simulator:
    """A session that has been held, and was sane."""
    simulator = session(world, engine, **settings)
    simulator.run(until_ms)
    check(simulator)
    return simulator


def states(simulator: Simulator) -> list[str]:
    return [fact.state for _, fact in simulator.of(act.ShowTurn)]


def causes(simulator: Simulator) -> list[str]:
    return [fact.cause for _, fact in simulator.of(act.ShowTurn)]


def remembered(simulator: Simulator, role: str) -> list[act.Remember]:
    return [fact for _, fact in simulator.of(act.Remember) if fact.role == role]


def messages(simulator: Simulator) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in simulator.core.conversation.messages]


def notices(simulator: Simulator) -> list[str]:
    return [fact.text for _, fact in simulator.of(act.Notice)]


def underrun_samples(simulator: Simulator) -> int:
    return sum(tick.underrun_samples for _, tick in simulator.of(ev.SinkTick))


def played_before(simulator: Simulator, fact: Any) -> int:
    """Samples that the sink had taken when `fact` was written down."""
    count = 0
    for _, _, other in simulator.records:
        if other is fact:
            return count
        count += other.block_samples if isinstance(other, ev.SinkTick) else 0
    raise AssertionError("no such fact")


def pitch_hz(audio: Int16, rate_hz: int) -> float:
    """The strongest frequency, to the width of a bin of a second."""
    spectrum = np.abs(np.fft.rfft(audio.astype(np.float64) * np.hanning(audio.size), rate_hz))
    return float(np.argmax(spectrum))


def pitch_of_phrase(phrase: int, seed: int = 0) -> float:
    """As the null engine speaks it."""
    return 110.0 + (seed * SEED_STRIDE + phrase) % 2**31 % 12 * 10


def tones(audio: Int16) -> list[tuple[int, int]]:
    """Ranges of the words that sound in `audio`."""
    loud = np.flatnonzero(audio)
    if not loud.size:
        return []
    breaks = np.flatnonzero(np.diff(loud) > WORD_GAP_SAMPLES)
    starts, ends = loud[np.r_[0, breaks + 1]], loud[np.r_[breaks, loud.size - 1]] + 1
    return [(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]


# -- what holds in every world --------------------------------------------------------------


def check(simulator: Simulator) -> None:
    """Assert what no script of events may break."""
    check_stops(simulator)
    check_stream(simulator)
    check_conversation(simulator)
    check_engine(simulator)


def check_stops(simulator: Simulator) -> None:
    """From the decision to silence at most a frame, and until the next generation sounds nothing at all."""
    audio, frame = simulator.audio(), frame_samples(simulator.settings.rate_hz)
    for _, flush in simulator.of(act.Flush):
        decided = played_before(simulator, flush)
        stitched = [s for _, s in simulator.of(ev.ChunkStitched) if s.generation >= flush.generation]
        resumes = played_before(simulator, stitched[0]) if stitched else audio.size
        late = np.flatnonzero(audio[decided + frame : max(resumes, decided + frame)])
        assert not late.size, f"{late[-1] + frame} samples after the decision it still sounds"


def check_stream(simulator: Simulator) -> None:
    """Only chunks of the present generation are stitched, one behind the other; all the audio finds room."""
    generation, end = 0, 0
    for _, what, fact in simulator.records:
        if isinstance(fact, act.Flush):
            assert fact.generation == generation + 1
            generation = fact.generation
            end = -1
        if isinstance(fact, act.StitchChunk):
            assert fact.generation == generation, "old work was stitched"
        if isinstance(fact, ev.ChunkStitched):
            assert what == "event" and (end < 0 or fact.start_index == end), "a hole in the stream"
            end = fact.end_index
    assert simulator.bus.stitcher.overflow_samples == 0


def check_conversation(simulator: Simulator) -> None:
    """Both take turns, and the assistant said only what the reply source wrote."""
    said = simulator.core.conversation.messages
    assert all(a.role != b.role for a, b in itertools.pairwise(said)), said
    turns = [fact.turn for _, fact in simulator.of(act.ShowTurn)]
    assert turns == sorted(turns)


def check_engine(simulator: Simulator) -> None:
    """One job at a time, and between utterances no synthesis is left open."""
    waiting: Any = None
    for _, _, fact in simulator.records:
        if isinstance(fact, act.OpenPhrase | act.RequestChunk):
            assert waiting is None, f"{fact} while {waiting} is with the engine"
            waiting = fact
        elif isinstance(fact, ev.PhraseOpened | ev.ChunkReady | ev.AdapterFailed | act.Flush | ev.DeadlinePassed):
            waiting = None
    if not simulator.core.replying.speech.active:
        late = simulator.core.settings.tts.limits.timeout_ms * NS_PER_MS
        busy = simulator.now_ns() - max((t for t, _ in simulator.of(act.OpenPhrase)), default=0) < late
        assert busy or not simulator.engine.open, "a synthesis was never closed"
