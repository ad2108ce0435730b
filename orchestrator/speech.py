"""Speech: one utterance on its way from text to the stitched stream.

    text -> phrases -> OpenPhrase -> RequestChunk ... -> StitchChunk ... -> FinishStream

Rules. One job is with the engine at a time (open or pull). The next phrase is opened before the running one
ends, as soon as its predicted cost fits the lead; with nothing left to pull it is opened whatever the lead. The first
chunk may be held back for a while, for the second to come in time. A failed job is asked for once more, the same
request, then its phrase is given up. Everything carries the generation.
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.base import Capability
from orchestrator.actions import Action, ClosePhrase, FinishStream, OpenPhrase, RequestChunk, StitchChunk
from orchestrator.cost import DEVIATION_GAIN, DEVIATIONS
from orchestrator.phrase import PhraseCutter
from orchestrator.rate import TICK_NS, Ladder, RateController
from orchestrator.settings import CoreSettings
from stitcher.seams import Seam
from timeline.clock import NS_PER_MS, NS_PER_S
from timeline.events import ChunkReady, ChunkStitched, PhraseOpened

RETRIES = 1  # a second failure of the same request is the engine's, not bad luck
RESAMPLER_KEEPS_NS = 20 * NS_PER_MS  # of a stream's beginning: 19 were seen where 22,050 Hz become 24,000
SEED_STRIDE = 1_000_003  # a prime, so that phrases of different sessions do not share seeds


@dataclass(slots=True)
class Phrase:
    number: int
    text: str
    opened: bool = False
    seq: int = 0  # the next chunk to ask for
    failures: int = 0  # of the request that is due, in a row
    eos: bool = False


class OpenCost:
    """What opening a phrase costs, by its length: a running mean per character and its deviation."""

    def __init__(self, capability: Capability) -> None:
        cost = capability.cost
        self._fixed_ns = float(cost.open_ns if cost else 0)
        self._char_ns = float(cost.open_char_ns if cost else 2 * NS_PER_MS)
        self._deviation_ns = self._fixed_ns / 2

    def safe_ns(self, text: str) -> float:
        return self._fixed_ns + self._char_ns * len(text) + DEVIATIONS * self._deviation_ns + TICK_NS

    def observe(self, text: str, render_ns: int) -> None:
        error = render_ns - self._fixed_ns - self._char_ns * len(text)
        self._deviation_ns += DEVIATION_GAIN * (abs(error) - self._deviation_ns)
        self._char_ns = max(0.0, self._char_ns + DEVIATION_GAIN * error / max(1, len(text)))


class Speech:
    """The utterance being spoken. `generation` is the core's; `begin` starts a new utterance."""

    def __init__(self, settings: CoreSettings) -> None:
        self.settings = settings
        self.rate: RateController = Ladder(settings.tts, steady=settings.mode == "steady")
        self.open_cost = OpenCost(settings.tts)
        self.utterance = 0
        self.start_index = 0  # where the utterance begins in the stream
        self.end_index = 0  # of the stream, as far as it is stitched
        self.phrases: dict[int, Phrase] = {}  # all of the utterance: what it said, for the ledger
        self.in_flight: OpenPhrase | RequestChunk | None = None
        self._stitching = 0  # chunks between here and the stream: the lead is not known
        self.since_ns = 0  # when the job in flight was asked for
        self.active = False
        self._next_number = 0
        self._reset()

    def _reset(self) -> None:
        self._queue: list[Phrase] = []  # not finished, in order
        self._cutter = PhraseCutter()
        self._text_ended = False
        self._first = True  # no chunk of it has come yet
        self._in_stream = False  # nor lies one in the stream
        self._held: StitchChunk | None = None  # the first chunk, as long as it waits
        self._held_ns = 0  # its length
        self.release_ns: int | None = None  # when it is let go

    def begin(self, index: int, block_ns: int = TICK_NS) -> int:
        """A new utterance, whose stream begins at `index` or later; returns its number."""
        self._reset()
        self.start_index = self.end_index = index
        self.utterance += 1
        self.phrases = {}
        self.active = True
        self.rate.begin(block_ns)
        return self.utterance

    def cancel(self) -> None:
        """Nothing of it will be stitched any more; `phrases` stays for the ledger."""
        self._queue = []
        self.active = False
        self.in_flight = None
        self._stitching = 0
        self._held = self.release_ns = None

    def add_text(self, delta: str) -> None:
        for text in self._cutter.feed(delta):
            self._add_phrase(text)

    def end_text(self) -> None:
        for text in self._cutter.finish():
            self._add_phrase(text)
        self._text_ended = True

    def withdraw(self) -> str:
        """Take back the text that no phrase holds yet."""
        return self._cutter.withdraw()

    def _add_phrase(self, text: str) -> None:
        phrase = Phrase(self._next_number, text)
        self._next_number += 1
        self._queue.append(phrase)
        self.phrases[phrase.number] = phrase

    @property
    def idle(self) -> bool:
        """Everything that is known has been asked for; more text may come."""
        return self.exhausted and not self._stitching and self._held is None

    @property
    def exhausted(self) -> bool:
        """Nothing that is known is left to ask for, or under way."""
        return not self._queue and self.in_flight is None

    @property
    def complete(self) -> bool:
        """All of it lies in the stream (or there was nothing to say)."""
        return self.active and self._text_ended and self.idle

    # -- deciding -------------------------------------------------------------------------

    def next_job(self, generation: int, lead_ns: int, now_ns: int) -> OpenPhrase | RequestChunk | None:
        """The next wish to the engine, if it is time for one."""
        if isinstance(self.in_flight, RequestChunk):
            self.rate.waiting(lead_ns, now_ns - self.since_ns)
        if not self.active or self.in_flight is not None or self._stitching or not self._queue:
            return None
        lead_ns += self._held_ns if self._held is not None else 0
        current = self._queue[0]
        job: OpenPhrase | RequestChunk | None
        if not current.opened:
            job = self._open(generation, current)
        elif (following := self._to_open(lead_ns)) is not None:
            job = self._open(generation, following)
        else:
            ask = self.rate.next(lead_ns)
            job = None if ask is None else RequestChunk(
                generation, self.utterance, current.number, current.seq, ask.units, ask.low_latency
            )  # fmt: skip
        if job is not None:
            self.in_flight, self.since_ns = job, now_ns
        return job

    def _to_open(self, lead_ns: int) -> Phrase | None:
        """The phrase after this one, if opening it now does not endanger what is playing."""
        if len(self._queue) < 2 or self._queue[1].opened:
            return None
        room_ns = lead_ns - self.rate.reserve_ns
        return self._queue[1] if self.open_cost.safe_ns(self._queue[1].text) <= room_ns else None

    def _open(self, generation: int, phrase: Phrase) -> OpenPhrase:
        seed = (self.settings.seed * SEED_STRIDE + phrase.number) % 2**31
        return OpenPhrase(generation, self.utterance, phrase.number, phrase.text, self.settings.voice, seed)

    def deadline_ns(self) -> int | None:
        """When the job in flight is taken for stalled."""
        if self.in_flight is None:
            return None
        return self.since_ns + self.settings.tts.limits.timeout_ms * NS_PER_MS

    # -- what comes back ------------------------------------------------------------------

    def opened(self, event: PhraseOpened) -> None:
        self.in_flight = None
        phrase = self.phrases[event.phrase]
        phrase.opened, phrase.failures = True, 0
        self.open_cost.observe(phrase.text, event.render_ns)

    def ready(self, event: ChunkReady, now_ns: int) -> list[Action]:
        """A chunk of this generation is here: into the stream with it, or, if it is the first, as soon as is safe."""
        asked, self.in_flight = self.in_flight, None
        short = event.eos and isinstance(asked, RequestChunk) and event.units < asked.units
        if not short:  # a short last chunk may have cost what a whole one does, or not: nothing is learnt of it
            self.rate.observe(max(1, event.units), event.render_ns)
        actions = self.release()
        phrase = self.phrases[event.phrase]
        seam = Seam.CONTINUE if phrase.seq else Seam.JOIN
        phrase.seq, phrase.failures = phrase.seq + 1, 0
        stitch = StitchChunk(event.generation, event.utterance, event.phrase, event.seq, seam)
        length_ns = self._audible_ns(event) if self._first else 0
        hold_ns = self.rate.hold_ns(length_ns) if self._first and not event.eos else 0
        self._first = False
        if hold_ns > 0:
            self._held, self._held_ns, self.release_ns = stitch, length_ns, now_ns + hold_ns
        else:
            self._stitching += 1
            actions.append(stitch)
        if event.eos:
            phrase.eos = True
            self._queue.remove(phrase)
            actions.append(ClosePhrase(event.generation, event.phrase))
            if not self._queue:
                actions.append(FinishStream())
        return actions

    def _audible_ns(self, event: ChunkReady) -> int:
        """What of an utterance's first chunk will lie in the stream before the second is there."""
        kept_ns = RESAMPLER_KEEPS_NS if event.rate_hz != self.settings.rate_hz else 0
        return max(0, lead_ns(event.samples, event.rate_hz) - kept_ns)

    def release(self) -> list[Action]:
        """Let go of the chunk that is held, if there is one."""
        if self._held is None:
            return []
        held, self._held, self.release_ns = self._held, None, None
        self._stitching += 1
        return [held]

    def stitched(self, event: ChunkStitched) -> None:
        if not self._in_stream:  # what lies before it is flushed, though a sink that stalls may not have done so yet
            self._in_stream, self.start_index = True, event.start_index
        self.end_index = event.end_index
        self._stitching -= 1

    def failed(self, retryable: bool) -> bool:
        """The job in flight failed: True where it will be asked for again, False where its phrase is given up."""
        job, self.in_flight = self.in_flight, None
        if job is None:
            return False
        phrase = self.phrases[job.phrase]
        phrase.failures += 1  # another phrase may be opened before it is asked again
        if retryable and phrase.failures <= RETRIES:
            return True
        self._queue = [phrase for phrase in self._queue if phrase.number != job.phrase]
        return False


def lead_ns(samples: int, rate_hz: int) -> int:
    """Samples queued ahead of the sink -> nanoseconds."""
    return samples * NS_PER_S // rate_hz
