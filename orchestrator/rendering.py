"""Rendering: what is asked of the engines that speak, and what becomes of their answers.

    next_job -> OpenPhrase, RequestChunk -> PhraseOpened, ChunkReady -> StitchChunk -> ChunkStitched -> ledger

Each answer carries the key of its job, (generation, phrase, seq); what does not answer the job in flight concerns
nobody any more. An interruption raises the generation.
"""

from __future__ import annotations

from orchestrator import actions as act
from orchestrator.handover import Handover
from orchestrator.phrases import Phrase
from orchestrator.settings import CoreSettings
from orchestrator.speech import Speech
from orchestrator.voices import FAILED
from timeline import events as ev
from timeline.ledger import Entry, Ledger


class Rendering:
    def __init__(self, settings: CoreSettings, ledger: Ledger) -> None:
        self.speech = Speech(settings)
        self.ledger = ledger
        self.handover = Handover(settings, self.speech, ledger)
        self.generation = 0
        self.audible_index = -1  # first sample of the utterance that can be heard; -1: not stitched yet

    def begin(self, read_index: int, block_ns: int) -> None:
        """A new utterance."""
        self.speech.begin(read_index, block_ns)
        self.audible_index = -1

    def cancel(self) -> list[act.Action]:
        """Nothing of this generation will be stitched any more."""
        actions: list[act.Action] = [
            act.ClosePhrase(self.generation, phrase.number)
            for phrase in self.speech.script.all.values()
            if phrase.opened and not phrase.eos
        ]
        actions += self.handover.drop()
        self.generation += 1
        self.speech.cancel()
        return [*actions, act.Flush(self.generation)]

    def next_job(self, read_index: int, block_ns: int, now_ns: int) -> list[act.Action]:
        """The next wish to an engine, if it is time for one; the sink stands at `read_index`."""
        lead_ns = self.speech.lead_ns(read_index)
        actions = self.handover.step(self.generation, read_index, block_ns, now_ns)
        source = self.speech if self.handover.phrase is None else self.handover
        job = source.next_job(self.generation, lead_ns, now_ns)
        return [*actions, job] if job is not None else actions

    def opened(self, event: ev.PhraseOpened, now_ns: int) -> list[act.Action]:
        if (event.generation, event.phrase, -1) == self._key():
            self.speech.opened(event, self._phrase(event.phrase))
            return []
        self.speech.settled(event.generation, event.phrase, now_ns)
        return [act.ClosePhrase(event.generation, event.phrase)]

    def chunk(self, event: ev.ChunkReady, now_ns: int) -> list[act.Action]:
        key = (event.generation, event.phrase, event.seq)
        if key != self._key():
            self.speech.settled(event.generation, event.phrase, now_ns)
            return [act.DropChunk(*key, "stale" if event.generation != self.generation else "late")]
        incoming = self.handover.phrase is not None and self.handover.phrase.number == event.phrase
        return self.handover.ready(event) if incoming else self.speech.ready(event, now_ns)

    def stitched(self, event: ev.ChunkStitched) -> None:
        if event.generation != self.generation:
            return
        self.speech.stitched(event)
        if self.audible_index < 0:
            self.audible_index = event.audible_index
        engine = self.speech.script.all[event.phrase].engine
        measured = self.speech.voices[engine].capability.markers == "measured"
        self.ledger.add(Entry(event.start_index, event.end_index, event.utterance, event.phrase, event.seq,
                              event.marks, measured, event.eos))  # fmt: skip

    def failed(self, event: ev.AdapterFailed, now_ns: int) -> list[act.Action] | None:
        """None where it concerns work that nobody waits for any more."""
        if (event.generation, event.phrase, event.seq) != self._key():
            self.speech.settled(event.generation, event.phrase, now_ns)
            return None
        phrase = self._phrase(event.phrase)
        if phrase is self.handover.phrase:
            if self.handover.again and self.speech.failed(phrase, event.retryable):
                return []
            self.speech.in_flight = None
            return self.handover.failed(FAILED, now_ns)
        if self.speech.failed(phrase, event.retryable):
            return []
        crashed = event.fault == "crashed" and phrase is self.speech.script.current
        instead = self.handover.force(self.speech.asked, FAILED, now_ns, crashed)
        return self.speech.end_phrase(event.generation, phrase) if instead is None else instead

    def stalled(self, now_ns: int) -> ev.AdapterFailed | None:
        """The engine's job is overdue: the fact as if the engine had said so itself."""
        key, deadline_ns = self._key(), self.speech.deadline_ns()
        if key is None or deadline_ns is None or deadline_ns > now_ns:
            return None
        name = self.speech.asked
        return ev.AdapterFailed("tts", name, "stalled", f"{name} has stalled: the phrase is given up", False, *key)

    def _phrase(self, number: int) -> Phrase:
        """One of the utterance, or the one with which another engine takes over."""
        incoming = self.handover.phrase
        return incoming if incoming is not None and incoming.number == number else self.speech.script.all[number]

    def _key(self) -> tuple[int, int, int] | None:
        """(generation, phrase, seq) of the job in flight; seq -1 for opening a phrase."""
        job = self.speech.in_flight
        if job is None:
            return None
        return job.generation, job.phrase, job.seq if isinstance(job, act.RequestChunk) else -1
