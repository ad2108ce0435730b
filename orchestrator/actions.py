"""Actions: wishes of the core, for the bus, the engines and those who watch.

Rules. An action is frozen and plain, like an event. Work that can come back late carries a
generation: it rises at every flush, and what comes back with an older one is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.base import Message
from adapters.voice import Voice
from stitcher.seams import Seam
from timeline.events import CONVERSATION

# -- to the text-to-speech engine ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenPhrase:
    generation: int
    utterance: int
    phrase: int
    text: str
    voice: Voice
    seed: int
    engine: str = ""  # who is to speak it; empty: the only one


@dataclass(frozen=True, slots=True)
class RequestChunk:
    generation: int
    utterance: int
    phrase: int
    seq: int
    units: int
    low_latency: bool


@dataclass(frozen=True, slots=True)
class ClosePhrase:
    generation: int
    phrase: int


# -- to the bus ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StitchChunk:
    generation: int
    utterance: int
    phrase: int
    seq: int
    seam: Seam
    skip_samples: int = 0  # of its beginning, at the engine's rate: silence, where nobody need wait for it
    gain_db: float = 0.0  # so that all engines sound equally loud


SILENCE = "silence"
"""Why a chunk is dropped before the first that is stitched: all of it is silence where another engine takes over."""


@dataclass(frozen=True, slots=True)
class DropChunk:
    generation: int
    phrase: int
    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class FinishStream:
    """Nothing follows for now: give out the held tail."""


@dataclass(frozen=True, slots=True)
class Flush:
    """Silence within a frame. `generation` is the new one."""

    generation: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Pause within a frame, or go on with the next sample."""

    held: bool


@dataclass(frozen=True, slots=True)
class Retract:
    """Take back what lies in the stream behind `index`, if the sink is not too near."""

    index: int


# -- to the ears and the reply source -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Transcribe:
    segment: int
    attempt: int
    start_position: int
    end_position: int
    final: bool
    expected: str = ""  # what may well have been said


@dataclass(frozen=True, slots=True)
class OwnWords:
    """What was heard were our own words: the canceller has let them through."""


@dataclass(frozen=True, slots=True)
class JudgeTurn:
    """Is the turn over, of which [start_position, end_position) was heard last?"""

    start_position: int
    end_position: int


@dataclass(frozen=True, slots=True)
class StartReply:
    """`reply` is unique over all sources; `source`: whom to ask."""

    reply: int
    messages: tuple[Message, ...]
    source: str = CONVERSATION


@dataclass(frozen=True, slots=True)
class CancelReply:
    reply: int


# -- to whoever watches -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShowWords:
    """What is being said: `stable` stays as it is, `unstable` may still change."""

    segment: int
    stable: str
    unstable: str


@dataclass(frozen=True, slots=True)
class ShowTurn:
    """The turn table moved. `at_ns`: when what caused it happened in the room (the user's last sample,
    the first audible one), which is earlier or later than the decision."""

    turn: int
    state: str
    cause: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class Remember:
    """The conversation kept this; for the assistant only what was heard. `measured`: by marks, not estimated.
    `source`: the reply source that wrote it; empty for the user's words and for a text that was requested."""

    turn: int
    role: str
    text: str
    interrupted: bool = False
    measured: bool = True
    source: str = ""


@dataclass(frozen=True, slots=True)
class ShowGuess:
    """An answer to words after which the user may go on, or does. `ruling`: begun, or doubted where the turn was over
    and somebody speaks again before anything sounds; then kept (they were all), or dropped."""

    turn: int
    reply: int
    text: str
    ruling: str


@dataclass(frozen=True, slots=True)
class ShowRest:
    """What stopped an answer asked for nothing: `text`, which nobody heard of it, is said now."""

    turn: int
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class ShowFloor:
    """What the floor manager ruled on a report. `text`: what of it is not said."""

    reply: int
    source: str
    ruling: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class ShowSwap:
    """Another engine takes over, at `index` of the stream, with this phrase. `reason`: asked, failed, overdue, slow,
    or recovered."""

    before: str
    engine: str
    reason: str
    index: int
    phrase: int


@dataclass(frozen=True, slots=True)
class Notice:
    """One line for the person."""

    text: str


@dataclass(frozen=True, slots=True)
class EndSession:
    reason: str


Action = (
    OpenPhrase | RequestChunk | ClosePhrase | StitchChunk | DropChunk | FinishStream | Flush | Hold | Retract
    | Transcribe | OwnWords | JudgeTurn | StartReply | CancelReply | ShowWords | ShowTurn | ShowGuess | ShowRest
    | ShowFloor | ShowSwap | Remember | Notice | EndSession
)  # fmt: skip

ACTIONS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        OpenPhrase, RequestChunk, ClosePhrase, StitchChunk, DropChunk, FinishStream, Flush, Hold, Retract, Transcribe,
        OwnWords, JudgeTurn, StartReply, CancelReply, ShowWords, ShowTurn, ShowGuess, ShowRest, ShowFloor, ShowSwap,
        Remember, Notice, EndSession,
    )
}  # fmt: skip
"""Every kind of action by the name that the journal gives it."""
