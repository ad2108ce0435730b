"""The bus: applies the core's sample actions to the stitched stream, and says what came of it.

The core decides by numbers, the bus holds the samples: chunks wait here from the moment an engine hands them
over until the core says stitch or drop. Pure but for the ring it writes to.

    chunk --arrived--> waiting --StitchChunk--> stitcher -> ring -> playout
                           \\--DropChunk--> gone
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from adapters.base import AudioChunk
from orchestrator.actions import SILENCE, Action, DropChunk, FinishStream, Flush, Hold, Retract, StitchChunk
from stitcher.dither import Dither
from stitcher.gain import amplified
from stitcher.pcm import Float32, Int16, digest
from stitcher.playout import FACTS, Playout
from stitcher.ring import Ring
from stitcher.stitcher import Stitcher
from timeline.events import ChunkReady, ChunkStitched, Retracted, SinkTick, WordMark

FLAGS = FACTS.index("open_seen"), FACTS.index("held_seen")
RING_SECONDS = (
    8  # a breath is at most 4 s (twice rate.SAFE_MOST_NS) and a chunk 1.1 s; the rest is for engines that push
)
AUDIBLE = 0.003  # amplitude, -50 dB of full scale: below, a quiet room covers it

Key = tuple[int, int, int]  # generation, phrase, seq


class Bus:
    """The stream at `rate_hz`, from stitcher to playout. `record=False`: played from a journal, no device behind it."""

    def __init__(
        self, rate_hz: int, record: bool = True, ring_seconds: int = RING_SECONDS, dither: Dither | None = None
    ) -> None:
        self.rate_hz = rate_hz
        self.ring = Ring(np.zeros(rate_hz * ring_seconds, np.int16))
        self.stitcher = Stitcher(self.ring, rate_hz, dither)
        self.playout = Playout(self.ring, rate_hz, record)
        self._waiting: dict[Key, tuple[AudioChunk, int]] = {}
        self._left_out: dict[int, int] = {}  # phrase -> samples of it that are not in the stream, before those that are

    def arrived(self, key: Key, chunk: AudioChunk, rate_hz: int) -> None:
        """An engine handed over a chunk; it waits for the core's word."""
        self._waiting[key] = (chunk, rate_hz)

    def apply(self, action: Action) -> list[ChunkStitched | Retracted]:
        """Carry out a sample action; other actions are none of its business."""
        if isinstance(action, StitchChunk):
            return [self._stitch(action)]
        if isinstance(action, Retract):
            return [Retracted(action.index, self.stitcher.retract(action.index))]
        if isinstance(action, DropChunk):
            self._drop(action)
        elif isinstance(action, FinishStream):
            self.stitcher.finish()
            self.ring.open = False
        elif isinstance(action, Hold):
            self.ring.held = action.held
        elif isinstance(action, Flush):
            self.stitcher.drop()
            self.ring.open = False
            self.ring.request_flush()
            self.ring.held = False  # after the flush: see Playout.fill
            self._waiting.clear()
            self._left_out.clear()
        return []

    def _drop(self, action: DropChunk) -> None:
        dropped = self._waiting.pop((action.generation, action.phrase, action.seq), None)
        if dropped is not None and action.reason == SILENCE:
            self._left_out[action.phrase] = self._left_out.get(action.phrase, 0) + dropped[0].pcm.size

    def _stitch(self, action: StitchChunk) -> ChunkStitched:
        chunk, rate_hz = self._waiting.pop((action.generation, action.phrase, action.seq))
        pcm = amplified(chunk.pcm[action.skip_samples :], action.gain_db)
        left_out = self._left_out[action.phrase] = self._left_out.get(action.phrase, 0) + action.skip_samples
        if chunk.eos:
            del self._left_out[action.phrase]
        start, end = self.stitcher.push(pcm, rate_hz, action.seam, chunk.eos)
        self.ring.open = True

        def index_of(sample: int) -> int:
            return self.stitcher.index_of(max(0, sample - left_out))

        return ChunkStitched(
            action.generation, action.utterance, action.phrase, action.seq, start, end, chunk.eos,
            self._audible(pcm),
            tuple(WordMark(m.text_start, m.text_end, index_of(m.start_sample), index_of(m.end_sample))
                  for m in chunk.markers),
        )  # fmt: skip

    def _audible(self, pcm: Float32) -> int:
        """Where the first audible sample of the chunk that was just pushed lies in the stream; -1 where none is."""
        first = first_audible(pcm)
        before = self.stitcher.pushed_samples - pcm.size
        return self.stitcher.index_of(before + first) if first >= 0 else -1


def chunk_ready(key: Key, utterance: int, chunk: AudioChunk, rate_hz: int, render_ns: int) -> ChunkReady:
    """The fact that a chunk is here, for the core and the journal."""
    generation, phrase, seq = key
    return ChunkReady(
        generation, utterance, phrase, seq, chunk.units, chunk.pcm.size, rate_hz, chunk.eos, render_ns,
        digest(chunk.pcm), first_audible(chunk.pcm),
    )  # fmt: skip


def first_audible(pcm: Float32) -> int:
    """The first sample that can be heard; -1 where none can."""
    loud = np.flatnonzero(np.abs(pcm) > AUDIBLE)
    return int(loud[0]) if loud.size else -1


def sink_tick(row: npt.NDArray[np.int64]) -> SinkTick:
    """One row of the playout's facts, as the fact that the core is told."""
    values = row.tolist()
    for flag in FLAGS:
        values[flag] = bool(values[flag])
    return SinkTick(*values)


def drained(playout: Playout) -> Iterator[tuple[SinkTick, Int16]]:
    """What the sink has left since the last time: each tick with the block that was really played."""
    facts, tap = playout.facts, playout.tap
    assert facts is not None and tap is not None
    while (row := facts.peek(len(FACTS))[0]).size:
        tick = sink_tick(row)
        facts.consume(row.size)
        block = np.concatenate(tap.peek(tick.block_samples))  # the tap has it before its tick is written
        tap.consume(block.size)
        yield tick, block
