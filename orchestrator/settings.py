"""Settings of the core: every number that a decision depends on.

They go into the manifest whole, so a journal can be replayed by itself. Frozen, plain, pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from adapters.base import Capability
from adapters.voice import Voice
from stitcher.pcm import BUS_RATE_HZ

SEGMENT_LEAST_MS, SEGMENT_MOST_MS = 2_000, 28_000  # shorter cuts words apart; longer does not fit Whisper's 30 s
WAKE = ("wake_preroll_ms", "wake_refractory_ms", "wake_stay_ms")
ENDPOINT_MOST_MS = 5_000  # nobody waits longer for an answer without asking whether anybody listens


POSITIVE = ("onset_ms", "preroll_ms", "continue_ms", "yield_ms", "confirm_ms", "resume_ms", "provisional_ms", *WAKE)


@dataclass(frozen=True, slots=True)
class ListenSettings:
    """When speech begins, when a turn ends, what interrupts. Milliseconds of microphone audio."""

    speech_threshold: float = 0.5  # probability; below `silence_threshold` it is silence, between: as before
    silence_threshold: float = 0.35
    onset_ms: int = 96  # this much speech opens a turn: shorter is a click or a cough
    preroll_ms: int = 320  # kept from before the onset, so that the first consonant is not cut
    speculate_ms: int = 96  # silence after which transcription starts, still unheard
    speculate: bool = True  # and the reply, as soon as there are words; False: when the turn is over
    endpoint_ms: int = 480  # silence that ends the turn, where no model judges it
    endpoint_sure_ms: int = 352  # that does where the model is sure that it is over: the words are there about then
    endpoint_unsure_ms: int = 640  # and where it is sure that it is not, or the words are not there yet
    endpoint_open_ms: int = 1280  # and where the words want others behind them: a turn always ends
    sure_above: float = 0.4  # the model's probability; between the two the wait goes over from one to the other
    unsure_below: float = 0.05
    continue_ms: int = 256  # speech that reopens the turn before the reply is audible: two syllables
    yield_ms: int = 96  # speech at which our voice pauses, until it is known what it is
    confirm_ms: int = 608  # speech that takes the floor while there are no words yet: a "mm-hmm" is shorter
    resume_ms: int = 224  # silence after which our voice goes on, if the floor was not taken
    detector: Literal["words", "length"] = "words"  # of interruptions, see orchestrator.barge_in
    language: str = "en"  # of the backchannels
    backchannels: tuple[str, ...] = ()  # more of them
    provisional_ms: int = 500  # how often a running turn is transcribed for the eye
    segment_most_ms: int = 25_000  # a longer monologue is transcribed in pieces (Whisper's window is 30 s)
    wake_preroll_ms: int = 300  # heard from before a wake word was spotted: the user may have gone on by then
    wake_refractory_ms: int = 1_000  # no second one within this: it is spotted several times over
    wake_stay_ms: int = 8_000  # after the last turn it need not be said again
    barge_in: bool = True  # False: half duplex, deaf while speaking

    def __post_init__(self) -> None:
        if not 0 < self.silence_threshold <= self.speech_threshold < 1:
            raise ValueError("choose 0 < listen.silence_threshold <= listen.speech_threshold < 1")
        if not 0 < self.speculate_ms <= self.endpoint_ms:
            raise ValueError("choose 0 < listen.speculate_ms <= listen.endpoint_ms")
        waits_ms = (self.speculate_ms, self.endpoint_sure_ms, self.endpoint_unsure_ms, self.endpoint_open_ms)
        if list(waits_ms) != sorted(waits_ms) or waits_ms[-1] > ENDPOINT_MOST_MS:
            names = ("speculate_ms", "endpoint_sure_ms", "endpoint_unsure_ms", "endpoint_open_ms")
            raise ValueError(f"choose {' <= '.join(f'listen.{name}' for name in names)} <= {ENDPOINT_MOST_MS}")
        if not 0 <= self.unsure_below < self.sure_above <= 1:
            raise ValueError("choose 0 <= listen.unsure_below < listen.sure_above <= 1")
        if self.yield_ms > self.confirm_ms:
            raise ValueError("choose listen.yield_ms <= listen.confirm_ms")
        for name in POSITIVE:
            if getattr(self, name) <= 0:
                raise ValueError(f"choose listen.{name} above 0")
        if not SEGMENT_LEAST_MS <= self.segment_most_ms <= SEGMENT_MOST_MS:
            raise ValueError(f"choose listen.segment_most_ms from {SEGMENT_LEAST_MS} to {SEGMENT_MOST_MS}")


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """A task source: works behind the conversation, and reports when the floor is free."""

    name: str
    address: str = "computer"  # a turn that begins with it goes there too, see orchestrator.floor.addressed
    priority: int = 0  # above 0 it cuts the conversational source; of several that wait the highest comes first
    patience_ms: int = 120_000  # a report that waited longer is stale: by then the talk is about something else
    work_ms: int = 600_000  # and one that was not ready by then is given up
    shorten_after_ms: int = 30_000  # a long report that waited longer is cut to its first sentences
    hand_over: str = "About what you asked before:"  # said before a report; empty: nothing
    offer: str = "There is more, if you ask for it."  # said after one that was shortened; empty: nothing


@dataclass(frozen=True, slots=True)
class CoreSettings:
    tts: Capability
    others: tuple[Capability, ...] = ()  # engines that may take over
    fallback: tuple[str, ...] = ()  # those of them that do so where the first fails, by name, in this order
    voice: Voice = field(default_factory=Voice)
    seed: int = 0
    rate_hz: int = BUS_RATE_HZ
    ear_rate_hz: int = 16_000
    microphone: str = ""  # the device that hears, as people know it; empty: a file or a program, which may be silent
    dither_dbfs: float | None = None  # level of a pause inside speech; None: digital black
    mode: Literal["low_latency", "steady"] = "low_latency"
    listen: ListenSettings = field(default_factory=ListenSettings)
    wake_word: bool = False  # nobody is heard before it is spotted, see orchestrator.waking
    judged: bool = False  # a model tells whether a turn is over, see orchestrator.endpoint
    failure_reply: str = "Sorry, I lost my train of thought."
    tasks: tuple[SourceSettings, ...] = ()
