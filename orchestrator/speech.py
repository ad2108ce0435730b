"""Speech: one utterance on its way from text to the stitched stream.

    text -> phrases -> OpenPhrase -> RequestChunk ... -> StitchChunk ... -> FinishStream

Rules. One job is with the engine at a time (open or pull). The next phrase is opened before the running one
ends, as soon as its predicted cost fits the lead; with nothing left to pull it is opened whatever the lead. The first
chunk may be held back for a while, for the second to come in time. A failed job is asked for once more, the same
request, then its phrase is given up. Everything carries the generation.
"""

from __future__ import annotations

from orchestrator.actions import Action, ClosePhrase, FinishStream, OpenPhrase, RequestChunk, ShowSwap, StitchChunk
from orchestrator.phrases import Phrase, Phrases
from orchestrator.rate import TICK_NS, Ask, RateController
from orchestrator.settings import CoreSettings
from orchestrator.voices import Voices
from stitcher.seams import Seam
from timeline.clock import NS_PER_MS, NS_PER_S
from timeline.events import ChunkReady, ChunkStitched, PhraseOpened

RETRIES = 1  # a second failure of the same request is the engine's, not bad luck
RESAMPLER_KEEPS_NS = 42 * NS_PER_MS  # of a stream's beginning, at most: 22,050 Hz become 24,000 by 37 ms at a time
LEAD_IN_NS = 10 * NS_PER_MS  # of silence left before an utterance's first sound: an "h" begins softly
SEED_STRIDE = 1_000_003  # a prime, so that phrases of different sessions do not share seeds


class Speech:
    """The utterance being spoken. `generation` is the core's; `begin` starts a new utterance."""

    def __init__(self, settings: CoreSettings) -> None:
        self.settings = settings
        self.voices = Voices(settings)
        self.engine = settings.tts.name  # who speaks
        self.utterance = 0
        self.start_index = 0  # where the utterance begins in the stream
        self.end_index = 0  # of the stream, as far as it is stitched
        self.script = Phrases()
        self.in_flight: OpenPhrase | RequestChunk | None = None
        self._stitching = 0  # chunks between here and the stream: the lead is not known
        self._block_ns = TICK_NS  # what the sink takes at a time
        self.since_ns = 0  # when the job in flight was asked for
        self.asked = self.engine  # whose it is
        self.active = False
        self.insist = False  # ask on, however much lead there is
        self._owed: dict[tuple[int, int], tuple[str, int]] = {}  # (generation, phrase) -> engine, until when at most
        self._reset()

    def _reset(self) -> None:
        self.script.begin()
        self._first = True  # no chunk of it has come yet
        self._in_stream = False  # nor lies one in the stream
        self._held: list[Action] = []  # the first chunk, and what follows from it, as long as it waits
        self._held_ns = 0  # its length
        self._hold_ns = 0  # how long it waits for the second
        self.gated = False  # nothing may sound yet: nobody knows whether it is wanted
        self.release_ns: int | None = None  # when it is let go

    def begin(self, index: int, block_ns: int = TICK_NS) -> int:
        """A new utterance, whose stream begins at `index` or later; returns its number."""
        self._reset()
        self.start_index = self.end_index = index
        self.utterance += 1
        self.active = True
        self.insist = False
        self._block_ns = block_ns
        self.voices.begin(block_ns)
        return self.utterance

    @property
    def rate(self) -> RateController:
        """Of the engine that speaks."""
        return self.voices[self.engine].rate

    def write(self, delta: str) -> None:
        """Text arrives, and if it may sound, somebody waits for it."""
        self.script.add(delta)
        if not self.gated:
            self.script.hurry()

    def cancel(self) -> None:
        """Nothing of it will be stitched any more; the script stays for the ledger."""
        self.forsake()
        self.script.queue.clear()
        self.active = False
        self._stitching = 0
        self._held, self.release_ns, self.gated = [], None, False

    def lead_ns(self, read_index: int) -> int:
        """Of what lies in the stream, with the sink at `read_index`."""
        return lead_ns(max(0, self.end_index - max(read_index, self.start_index)), self.settings.rate_hz)

    @property
    def in_stream(self) -> bool:
        """Something of the utterance lies in the stream."""
        return self._in_stream

    @property
    def begun(self) -> bool:
        """Something of it lies in the stream, or is on its way there."""
        return bool(self._held) or self._in_stream or self._stitching > 0

    @property
    def idle(self) -> bool:
        """Everything that is known has been asked for; more text may come."""
        return self.exhausted and not self._stitching and not self._held

    @property
    def exhausted(self) -> bool:
        """Nothing that is known is left to ask for, or under way."""
        return not self.script.queue and self.in_flight is None

    @property
    def complete(self) -> bool:
        """All of it lies in the stream (or there was nothing to say)."""
        return self.active and self.script.ended and self.idle

    # -- deciding -------------------------------------------------------------------------

    @property
    def ready_for_job(self) -> bool:
        """No job is with an engine, and the lead is known."""
        return self.active and self.in_flight is None and not self._stitching

    def next_job(self, generation: int, lead_ns: int, now_ns: int) -> OpenPhrase | RequestChunk | None:
        """The next wish to the engine, if it is time for one."""
        if isinstance(self.in_flight, RequestChunk):
            self.rate.waiting(lead_ns, now_ns - self.since_ns)
        if not self.ready_for_job or not self.script.queue or (self._held and self.gated):
            return None
        lead_ns += self._held_ns if self._held else 0
        current = self.script.queue[0]
        if not current.opened:
            return self.open(generation, current, now_ns)
        if (following := self._to_open(lead_ns)) is not None:
            return self.open(generation, following, now_ns)
        rate = self.voices[current.engine].rate
        ask = rate.insist(lead_ns) if self.insist else rate.next(lead_ns)
        return None if ask is None else self.pull(generation, current, ask, now_ns)

    def _to_open(self, lead_ns: int) -> Phrase | None:
        """The phrase after this one, if opening it now does not endanger what is playing."""
        if len(self.script.queue) < 2 or self.script.queue[1].opened:
            return None
        room_ns = lead_ns - self.rate.reserve_ns
        cost = self.voices[self.engine].open_cost
        return self.script.queue[1] if cost.safe_ns(self.script.queue[1].text) <= room_ns else None

    def open(self, generation: int, phrase: Phrase, now_ns: int) -> OpenPhrase:
        """Have it prepared, by the engine that should speak now unless it has one."""
        best = self.voices.best(now_ns, self.engine)
        phrase.engine = phrase.engine or (self.engine if self.busy(best, now_ns) else best)
        if phrase.engine != self.engine:
            self.voices[phrase.engine].rate.begin(self._block_ns)
        seed = (self.settings.seed * SEED_STRIDE + phrase.number) % 2**31
        voice = self.voices[phrase.engine].voice
        job = OpenPhrase(generation, self.utterance, phrase.number, phrase.text, voice, seed, phrase.engine)
        self._ask(job, phrase, now_ns)
        return job

    def pull(self, generation: int, phrase: Phrase, ask: Ask, now_ns: int) -> RequestChunk:
        """Have the next piece of it rendered."""
        job = RequestChunk(generation, self.utterance, phrase.number, phrase.seq, ask.units, ask.low_latency)
        self._ask(job, phrase, now_ns)
        return job

    def _ask(self, job: OpenPhrase | RequestChunk, phrase: Phrase, now_ns: int) -> None:
        self.in_flight, self.since_ns, self.asked = job, now_ns, phrase.engine

    def deadline_ns(self) -> int | None:
        """When the job in flight is taken for stalled."""
        return None if self.in_flight is None else self._patience_ns()

    def settled(self, generation: int, phrase: int, now_ns: int) -> None:
        """What nobody waited for has come: only now its engine begins with what it was asked for since."""
        engine, _ = self._owed.pop((generation, phrase), ("", 0))
        if engine == self.asked and self.in_flight is not None:
            self.since_ns = now_ns

    def forsake(self) -> None:
        """Nobody waits for the job in flight any more; its engine is at it all the same."""
        if self.in_flight is not None:
            self._owed[self.in_flight.generation, self.in_flight.phrase] = (self.asked, self._patience_ns())
            self.in_flight = None

    def busy(self, engine: str, now_ns: int) -> bool:
        """It is still at something that nobody waits for any more."""
        self._owed = {key: owed for key, owed in self._owed.items() if now_ns < owed[1]}
        return engine in (name for name, _ in self._owed.values())

    def _patience_ns(self) -> int:
        """When the job in flight is taken for stalled."""
        return self.since_ns + self.voices[self.asked].capability.limits.timeout_ms * NS_PER_MS

    # -- what comes back ------------------------------------------------------------------

    def opened(self, event: PhraseOpened, phrase: Phrase) -> None:
        self.in_flight = None
        phrase.opened, phrase.failures = True, 0
        self.voices[phrase.engine].open_cost.observe(phrase.text, event.render_ns)

    def ready(self, event: ChunkReady, now_ns: int) -> list[Action]:
        """A chunk of this generation is here: into the stream with it, or, if it is the first, as soon as is safe."""
        phrase = self.script.all[event.phrase]
        self.learn(event, phrase)
        actions = self.release()
        if not phrase.seq and phrase.engine != self.engine:
            actions.append(self.change_engine(phrase, self.voices.reason(self.engine, phrase.engine)))
        if self._first:
            self._first = False
            return [*actions, *self._begin_with(event, phrase, now_ns)]
        return [*actions, *self.accept(event, phrase, Seam.CONTINUE if phrase.seq else Seam.JOIN)]

    def _begin_with(self, event: ChunkReady, phrase: Phrase, now_ns: int) -> list[Action]:
        """The first chunk sounds from its first sound on, once it is wanted and the second can come in time."""
        skip_samples = leading_silence(event)
        length_ns = self._audible_ns(event, skip_samples)
        if not event.eos:
            self.rate.began(length_ns)
            self._hold_ns = self.rate.hold_ns(length_ns)
        accepted = self.accept(event, phrase, Seam.JOIN, skip_samples)
        if not self._hold_ns and not self.gated:
            return accepted
        self._held, self._held_ns, self.release_ns = accepted, length_ns, now_ns + self._hold_ns
        self._stitching -= 1
        return []

    def admit(self, now_ns: int) -> None:
        """It is wanted, and waited for: what was rendered may sound; the second chunk is asked for now."""
        self.gated = False
        self.release_ns = now_ns + self._hold_ns if self._held else None
        self.script.hurry()

    def learn(self, event: ChunkReady, phrase: Phrase) -> None:
        """The job in flight has brought a chunk: what did it cost?"""
        asked, self.in_flight = self.in_flight, None
        short = event.eos and isinstance(asked, RequestChunk) and event.units < asked.units
        if not short:  # a short last chunk may have cost what a whole one does, or not: nothing is learnt of it
            self.voices[phrase.engine].rate.observe(max(1, event.units), event.render_ns)

    def change_engine(self, phrase: Phrase, reason: str) -> ShowSwap:
        """From here on another one speaks."""
        before, self.engine = self.engine, phrase.engine
        return ShowSwap(before, phrase.engine, reason, self.end_index, phrase.number)

    def accept(self, event: ChunkReady, phrase: Phrase, seam: Seam, skip_samples: int = 0) -> list[Action]:
        """Into the stream with a chunk; first of the answer is the wish to stitch it."""
        phrase.seq, phrase.failures = phrase.seq + 1, 0
        gain_db = self.voices[phrase.engine].gain_db
        self._stitching += 1
        actions: list[Action] = [
            StitchChunk(event.generation, event.utterance, event.phrase, event.seq, seam, skip_samples, gain_db)
        ]
        if event.eos:
            self.script.close(phrase)
            actions.append(ClosePhrase(event.generation, event.phrase))
            if not self.script.queue:
                actions.append(FinishStream())
        return actions

    def _audible_ns(self, event: ChunkReady, skip_samples: int) -> int:
        """What of an utterance's first chunk will lie in the stream before the second is there."""
        kept_ns = RESAMPLER_KEEPS_NS if event.rate_hz != self.settings.rate_hz else 0
        return max(0, lead_ns(event.samples - skip_samples, event.rate_hz) - kept_ns)

    def release(self) -> list[Action]:
        """Let go of the chunk that is held, if there is one, and it may sound."""
        if not self._held or self.gated:
            return []
        held, self._held, self.release_ns = self._held, [], None
        self._stitching += 1
        return held

    def stitched(self, event: ChunkStitched) -> None:
        if not self._in_stream:  # what lies before it is flushed, though a sink that stalls may not have done so yet
            self._in_stream, self.start_index = True, event.start_index
        self.end_index = event.end_index
        self._stitching -= 1

    def failed(self, phrase: Phrase, retryable: bool) -> bool:
        """The job in flight, for this phrase, failed: True where it will be asked for again."""
        self.in_flight = None
        phrase.failures += 1  # another phrase may be opened before it is asked again
        return retryable and phrase.failures <= RETRIES

    def end_phrase(self, generation: int, phrase: Phrase) -> list[Action]:
        """Nothing more of it will come."""
        self.script.close(phrase)
        actions: list[Action] = [*self.release(), ClosePhrase(generation, phrase.number)]
        return [*actions, FinishStream()] if self.exhausted else actions


def leading_silence(event: ChunkReady) -> int:
    """Samples of a chunk that nobody need wait for."""
    return max(0, event.audible_sample - LEAD_IN_NS * event.rate_hz // NS_PER_S)


def lead_ns(samples: int, rate_hz: int) -> int:
    """Samples queued ahead of the sink -> nanoseconds."""
    return samples * NS_PER_S // rate_hz
