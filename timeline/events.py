"""Events: facts that reach the core, in the order in which the journal keeps them.

Rules. An event is frozen, its fields are plain (int, float, str, bool, tuples of them) and it says
what happened, never what to do. Positions are sample counts since their stream began: `*_index` counts the
stitched stream in the ring, `*_position` counts what a device played or heard. Times are
session nanoseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from timeline.words import WordTime


@dataclass(frozen=True, slots=True)
class WordMark:
    """One token of a phrase's text and where it sounds, in samples of the stitched stream."""

    text_start: int  # characters into the phrase
    text_end: int
    start_index: int
    end_index: int


# -- the sink -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SinkTick:
    """The sink took one block. The first five fields and the last are what its callback saw; with them
    the block can be played again exactly."""

    block_samples: int
    written_seen: int  # ring index up to which samples were published
    flush_seen: int  # ring index up to which samples were to be thrown away
    flushes_seen: int  # how many flushes had been asked for: all of them are done with this block
    open_seen: bool  # a stream was being spoken: silence would be an underrun
    device_ns: int  # when the block's first sample becomes audible
    position: int  # samples played by the device before this block
    read_index: int  # ring index after the block
    played_samples: int  # of the block's samples, those that came from the ring
    first_offset: int  # offset in the block of the first of them; -1 where none
    underrun_samples: int
    flushed_index: int  # ring index where a flush silenced the stream; -1 where no flush was new
    held_seen: bool = False  # the stream was to pause: silence, and nothing taken


# -- text to speech -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PhraseOpened:
    generation: int
    utterance: int
    phrase: int
    render_ns: int
    units: int  # how many units the phrase will have; -1 where the engine cannot say


@dataclass(frozen=True, slots=True)
class ChunkReady:
    generation: int
    utterance: int
    phrase: int
    seq: int
    units: int
    samples: int  # at the engine's rate
    rate_hz: int
    eos: bool
    render_ns: int
    digest: str  # of the PCM, see stitcher.pcm.digest
    audible_sample: int = -1  # the first of its samples that can be heard; -1 where it is silence


@dataclass(frozen=True, slots=True)
class PullCancelled:
    """The phrase was closed while this chunk of it was asked for: what came of that is for nobody, and the engine is
    free again."""

    generation: int
    phrase: int
    seq: int


@dataclass(frozen=True, slots=True)
class ChunkStitched:
    """The chunk lies in the stream; samples in `[start_index, end_index)` are its own."""

    generation: int
    utterance: int
    phrase: int
    seq: int
    start_index: int
    end_index: int
    eos: bool
    audible_index: int  # the first of its samples that can be heard; -1 where it is silence
    marks: tuple[WordMark, ...] = ()


@dataclass(frozen=True, slots=True)
class Retracted:
    """The stream was to end at `index` again, and ends at `end_index`: further on where the sink was too near."""

    index: int
    end_index: int


@dataclass(frozen=True, slots=True)
class SwapRequested:
    """Somebody wants another engine to speak from the next word on, or once so much of the utterance has sounded."""

    engine: str
    after_ms: int = 0


# -- listening ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EarFrame:
    """One window of the microphone, judged."""

    end_position: int  # at the ear's rate, samples heard up to the window's end
    window_samples: int
    speech_prob: float
    level_dbfs: float
    device_ns: int  # when the window's last sample was heard
    swing: int = -1  # from the smallest sample to the largest, as the microphone gave them; -1: nobody looked
    clipped_share: float = 0.0  # of those samples, which stood at full scale


@dataclass(frozen=True, slots=True)
class MicrophoneBack:
    """The microphone that was gone is heard again: its windows go on from this position of the ear."""

    position: int
    name: str = ""  # of the device: the default may be another by now


@dataclass(frozen=True, slots=True)
class WakeWordHeard:
    """The word that wakes was spotted, up to a position of the ear."""

    position: int


@dataclass(frozen=True, slots=True)
class EchoState:
    """What keeps our own voice out of what is heard, whenever that changes."""

    layer: str  # a canceller's name, linear, client (it cancels for itself), none
    warming_up: bool = False  # the canceller does not know the room yet
    half_duplex: bool = False  # nobody is heard while our own voice is in the room
    reason: str = ""
    erle_db: float = 0.0  # how much less is left than was heard, lately
    latency_ms: float = -1.0  # how much later the echo comes than the devices' times say; below 0: not known


@dataclass(frozen=True, slots=True)
class Transcribed:
    segment: int
    attempt: int
    final: bool
    text: str
    start_position: int
    end_position: int
    render_ns: int
    notice: str = ""  # what the recognizer has to tell the user


@dataclass(frozen=True, slots=True)
class WordsTimed:
    """When the words of a final text were said, in positions of the ear, where the recognizer can say. It comes after
    the text, which is waited for."""

    segment: int
    attempt: int
    words: tuple[WordTime, ...]


@dataclass(frozen=True, slots=True)
class TurnJudged:
    """The probability that who spoke has finished, from what was heard in [start_position, end_position)."""

    start_position: int
    end_position: int
    probability: float
    render_ns: int


@dataclass(frozen=True, slots=True)
class UserTyped:
    text: str


@dataclass(frozen=True, slots=True)
class InputEnded:
    """Nobody will say anything any more: finish what is begun, then end."""


# -- replies ------------------------------------------------------------------------------

CONVERSATION = "llm"
"""The reply source that answers every turn. Sources go by their sections of the configuration."""


@dataclass(frozen=True, slots=True)
class SpeakRequested:
    """Text to be spoken that nobody asked for aloud (`duckbill say`, an ingress)."""

    text: str


@dataclass(frozen=True, slots=True)
class ReplyDelta:
    reply: int
    text: str


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    reply: int


# -- faults and time ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AdapterFailed:
    """An adapter's or device's fault. `fault` is a word of adapters.base.Fault. A microphone's that is `retryable` is
    looked for until it is back."""

    role: str  # tts, stt, llm, mic, speaker
    name: str
    fault: str
    detail: str
    retryable: bool
    generation: int = -1
    phrase: int = -1
    seq: int = -1
    ticket: int = -1  # the reply or segment


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """The time named by `Core.deadline_ns()` has come."""


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The person wants it to end now."""


EVENTS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        SinkTick, PhraseOpened, ChunkReady, PullCancelled, ChunkStitched, Retracted, SwapRequested, EarFrame,
        MicrophoneBack, WakeWordHeard, EchoState, Transcribed, WordsTimed, TurnJudged, UserTyped, InputEnded,
        SpeakRequested, ReplyDelta, ReplyEnded, AdapterFailed, DeadlinePassed, StopRequested,
    )
}  # fmt: skip
"""Every kind of event by the name that the journal gives it."""
