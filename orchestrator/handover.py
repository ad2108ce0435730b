"""The handover: another engine takes over in mid-speech, at a word, and the same words go on.

    wish -> place: a word that will not have sounded before the other engine is ready
         -> the other engine opens the rest of the text, while what is stitched goes on playing
         -> its first audible chunk is here: Retract what lies behind the word -> StitchChunk(CROSS)

Rules. As long as the other engine is not ready, nothing is taken from the present one; if it comes too late, a later
word is chosen with more patience. An engine that is dead is asked for nothing more: the last word that can still be
taken back is said anew, else speech goes on after the last sample. An engine without marks is followed at a phrase's
end. What is silent in the first chunk is left out but for a breath, so that a change adds no pause.
"""

from __future__ import annotations

from orchestrator import actions as act
from orchestrator.health import NEAR_MS, WHY, needed_ns, prepare_ns, trouble
from orchestrator.phrases import Phrase
from orchestrator.place import Place, Wish, find_place
from orchestrator.settings import CoreSettings
from orchestrator.speech import Speech, lead_ns
from orchestrator.voices import ASKED, FAILED, SLOW
from stitcher.seams import Seam
from timeline import events as ev
from timeline.clock import NS_PER_MS, NS_PER_S
from timeline.ledger import Ledger

NEAR_BLOCKS = 2  # of the sink: it may take so many before it has told us of the first; and NEAR_MS more
PATIENCE = 3.0  # by which a swap that came too late is given more time at the next try
AHEAD_MOST_NS = 5 * NS_PER_S  # the present engine works ahead of the sink by so much for a swap; the ring holds 8 s
CRASHES_MOST = 3  # of an engine that is alone, in one utterance; more is no bad luck but what it is asked to say
LEFT_MS = 300  # of what is stitched is left ahead where the user asks for another: its first chunks are small
PREROLL_MS = 30  # of silence kept before the first audible sample: consonants begin softly


class Handover:
    def __init__(self, settings: CoreSettings, speech: Speech, ledger: Ledger) -> None:
        self.rate_hz = settings.rate_hz
        self._speech = speech
        self._ledger = ledger
        self._voices = speech.voices
        self._generation = 0
        self.wish: Wish | None = None
        self._asked: list[Wish] = []  # by the user, for later in the utterance
        self._crashes = 0
        self.cancel()

    def cancel(self) -> None:
        """The utterance is over, or cut; what the user has asked for holds for the next one."""
        for wish in (self.wish, *self._asked):
            if wish is not None and wish.reason == ASKED:
                self._voices.prefer(wish.engine)
        self._asked.clear()
        self._crashes = 0
        self._clear()

    def _clear(self) -> None:
        self.wish = None
        self.phrase: Phrase | None = None  # what the other engine will say first; None: there is no place yet
        self._place: Place | None = None
        self._arrived: ev.ChunkReady | None = None  # its first audible chunk, on the threshold
        self._near = 0  # samples ahead of the sink that may be gone before they are taken back

    def drop(self) -> list[act.Action]:
        """Likewise, and let go of what was being prepared."""
        actions = self._abandon()
        self.cancel()
        return actions

    # -- wishing --------------------------------------------------------------------------

    def ask(self, event: ev.SwapRequested) -> list[act.Action]:
        """The user wants another engine."""
        if event.engine not in self._voices.seats:
            here = ", ".join(self._voices.seats)
            return [act.Notice(f"no voice {event.engine!r} is loaded, {here} can speak: tts.fallback loads more")]
        if not self._speech.active:
            self._voices.prefer(event.engine)
            return [act.Notice(f"{event.engine} speaks from now on")]
        if not event.after_ms and self._alone(event.engine):
            self._voices.prefer(event.engine)
            return [act.Notice(f"{event.engine} speaks already")]
        after = self._speech.start_index + event.after_ms * self.rate_hz // 1000
        if self.wish is not None and self.wish.reason == ASKED and self.phrase is None:
            self._asked.append(self.wish)
            self.wish = None
        self._asked.append(Wish(event.engine, ASKED, True, after))
        self._asked.sort(key=lambda wish: wish.not_before)
        return []

    def _alone(self, engine: str) -> bool:
        """It speaks, and nobody else is to."""
        others = [phrase for phrase in self._speech.script.queue if phrase.engine not in ("", engine)]
        return self._speech.engine == engine and self.wish is None and not self._asked and not others

    @property
    def again(self) -> bool:
        """An engine takes over from itself."""
        return self.wish is not None and self.wish.again

    def force(self, engine: str, reason: str, now_ns: int, crashed: bool = False) -> list[act.Action] | None:
        """An engine can no longer; None where nobody can take over. One that crashed in mid-speech and is alone takes
        over from itself: it may have been started anew."""
        speech = self._speech
        stand_in = self._voices.stand_in(engine, now_ns)
        current = speech.script.current
        begun = speech.in_stream or (current is not None and current.seq > 0)
        again = stand_in is None and crashed and begun and self._crashes < CRASHES_MOST
        if again:
            stand_in, self._crashes = engine, self._crashes + 1
        if stand_in is None:
            return None
        if not again:
            self._voices.failed(engine, reason, now_ns, counts=not speech.busy(engine, now_ns))
        actions = self._abandon()
        if reason != FAILED:
            actions.append(act.Notice(f"{engine} {WHY[reason]}: {stand_in} goes on"))
        if reason != SLOW:
            speech.forsake()
            actions += speech.release()
            actions += [act.ClosePhrase(self._generation, phrase.number) for phrase in speech.script.renew(engine)]
        current = speech.script.current
        if current is not None and current.engine == engine:
            self.wish = Wish(stand_in, reason, reason == SLOW, 0, again=again)
        return actions

    # -- going on -------------------------------------------------------------------------

    def step(self, generation: int, read_index: int, block_ns: int, now_ns: int) -> list[act.Action]:
        """Look whether an engine must be replaced, and whether one can be now."""
        speech = self._speech
        self._generation = generation
        if not speech.active:
            return []
        self._near = self._samples(NEAR_BLOCKS * block_ns + NEAR_MS * NS_PER_MS)
        lead = lead_ns(max(0, speech.end_index - read_index), self.rate_hz)
        forced = self.wish is not None and self.wish.reason != ASKED
        settled = forced or self.phrase is not None or speech.exhausted
        reason = "" if settled else trouble(speech, lead, now_ns)
        engine = speech.engine if reason == SLOW else speech.asked
        actions = (self.force(engine, reason, now_ns) or []) if reason else []
        wish = self.wish if self.phrase is None else None
        if wish is not None and wish.able and wish.reason == SLOW and lead < needed_ns(speech, wish.engine):
            wish.able = False  # there is no time to wait for what the present one is at
            speech.forsake()
        if self.phrase is not None and self._passed(read_index):
            actions += self._abandon()
        if self.wish is None and self._asked:
            self.wish = self._asked.pop(0)
        if self.wish is not None and self.phrase is None and speech.ready_for_job:
            actions += [] if speech.busy(self.wish.engine, now_ns) else self._seek(self.wish, read_index)
        speech.insist = self._insists(read_index, lead)
        return actions

    def next_job(self, generation: int, lead: int, now_ns: int) -> act.OpenPhrase | act.RequestChunk | None:
        """The next wish to the engine that is to take over."""
        speech, phrase = self._speech, self.phrase
        if phrase is None or self._arrived is not None or not speech.ready_for_job:
            return None
        if not phrase.opened:
            return speech.open(generation, phrase, now_ns)
        return speech.pull(generation, phrase, self._voices[phrase.engine].rate.insist(lead), now_ns)

    def _passed(self, read_index: int) -> bool:
        """The sink has come too near to the place before the other engine was ready."""
        if self._arrived is not None or self._place is None or self.wish is None:
            return False
        late = self.wish.able and self._place.index < read_index + self._near
        if late:
            self.wish.patience *= PATIENCE
        return late

    def _insists(self, read_index: int, lead: int) -> bool:
        """The present engine is to work ahead, so that there is a word to change at."""
        wish = self.wish
        if wish is None or not wish.able or self.phrase is not None or lead > AHEAD_MOST_NS:
            return False
        return wish.not_before - read_index < self._samples(AHEAD_MOST_NS)

    # -- finding the place ----------------------------------------------------------------

    def _seek(self, wish: Wish, read_index: int) -> list[act.Action]:
        speech = self._speech
        if wish.reason == ASKED and wish.not_before <= speech.end_index and speech.engine != wish.engine:
            self._voices.prefer(wish.engine)  # at the latest with the next phrase
        place = self._find(wish, read_index)
        if speech.engine == wish.engine and not wish.again:
            self.wish = None
            return []
        if place is None:
            return []
        cut = speech.script.all[place.phrase]
        rest = cut.text[place.chars :].strip()
        if not rest:  # nothing of it is left: the other engine begins with the next phrase
            self.wish = None
            return speech.end_phrase(self._generation, cut)
        self._place = place
        self.phrase = speech.script.make(rest, wish.engine, cut.own)
        self._voices[wish.engine].rate.begin()
        return []

    def _find(self, wish: Wish, read_index: int) -> Place | None:
        near_index = read_index + self._near
        ready_ns = wish.patience * prepare_ns(self._speech, wish.engine) + LEFT_MS * NS_PER_MS
        ready_ns = min(ready_ns, AHEAD_MOST_NS - NS_PER_S)  # further than that there are no words
        return find_place(wish, near_index, near_index + self._samples(ready_ns), self._speech, self._ledger)

    # -- what comes back ------------------------------------------------------------------

    def ready(self, event: ev.ChunkReady) -> list[act.Action]:
        """A chunk of the engine that is to take over."""
        speech, phrase = self._speech, self.phrase
        assert phrase is not None and self._place is not None
        speech.learn(event, phrase)
        if event.audible_sample < 0 and not event.eos:
            phrase.seq += 1
            return [act.DropChunk(event.generation, event.phrase, event.seq, act.SILENCE)]
        self._arrived = event
        if self._place.index < speech.end_index:
            return [act.Retract(self._place.index)]
        return self._take_over(Seam.JOIN if speech.script.all[self._place.phrase].eos else Seam.CROSS)

    def retracted(self, event: ev.Retracted) -> list[act.Action]:
        """The way is free, or the sink was faster."""
        if self._arrived is None or self._place is None or self.wish is None:
            return []
        if event.end_index <= event.index:
            self._ledger.retract(event.index)
            self._speech.end_index = event.index
            return self._take_over(Seam.CROSS)
        self.wish.patience *= PATIENCE
        if self.wish.reason != ASKED:
            self.wish.able, self.wish.at_end = False, True
        return self._abandon()

    def failed(self, reason: str, now_ns: int) -> list[act.Action]:
        """The engine that was to take over failed before it could."""
        assert self.wish is not None
        wish, actions = self.wish, self._abandon()
        if not wish.again:
            self._voices.failed(wish.engine, reason, now_ns)
        stand_in = None if wish.reason == ASKED else self._voices.stand_in(wish.engine, now_ns)
        self.wish = None
        if stand_in is not None and stand_in != self._speech.engine:
            self.wish = Wish(stand_in, wish.reason, wish.able, 0)
        elif not wish.able and (current := self._speech.script.current) is not None:
            actions += self._speech.end_phrase(self._generation, current)
        return actions

    def _take_over(self, seam: Seam) -> list[act.Action]:
        speech, place, phrase, event = self._speech, self._place, self.phrase, self._arrived
        assert place is not None and phrase is not None and event is not None and self.wish is not None
        begun = speech.script.take_over(speech.script.all[place.phrase], place.chars, phrase)
        actions: list[act.Action] = [act.ClosePhrase(event.generation, old.number) for old in begun]
        actions.append(speech.change_engine(phrase, self.wish.reason))
        skip = max(0, event.audible_sample - event.rate_hz * PREROLL_MS // 1000)
        actions += speech.accept(event, phrase, seam, skip)
        if self.wish.reason == ASKED:
            self._voices.prefer(phrase.engine)
        self._clear()
        return actions

    def _abandon(self) -> list[act.Action]:
        """Let go of what was being prepared; the wish stays."""
        phrase, self.phrase, self._place, self._arrived = self.phrase, None, None, None
        if phrase is None:
            return []
        job = self._speech.in_flight
        if job is not None and job.phrase == phrase.number:
            self._speech.forsake()
        return [act.ClosePhrase(self._generation, phrase.number)] if phrase.opened else []

    def _samples(self, span_ns: float) -> int:
        return int(span_ns * self.rate_hz / NS_PER_S)
