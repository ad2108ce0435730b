"""Contracts: what an engine or a device must offer, and what it says of itself.

The orchestrator negotiates from `Capability` alone; there is no `if name == ...` anywhere else.

    Tts        describe, warm_up, project(voice), open(span) -> Synthesis, close; Synthesis: pull, close
    Stt        describe, warm_up, prepare, transcribe(pcm, ...) -> Transcript, word_times, close
    (the ears' are in adapters.ears.base)
    Replies    describe, warm_up, reply(messages) -> stream of text, close
    Microphone rate_hz, name, start(capture, notify, on_fault), stop
    Speaker    rate_hz, start(playout, notify, on_fault), kick, stop

Mandatory is all of it; what an engine cannot do it says in its capability. Engines are called from one
worker thread at a time and may block there. Devices call `capture.take` and `playout.fill` from their
own callback, then `notify()`, which never blocks. Faults are raised as AdapterError, never anything else
on purpose.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from adapters.voice import PLAIN, Projection, Voice
from stitcher.capture import Capture
from stitcher.pcm import Float32
from stitcher.playout import Playout
from timeline.words import WordTime

Role = Literal["tts", "stt", "ears", "echo", "llm"]
Fault = Literal["missing", "corrupt", "unsupported", "refused", "stalled", "garbage", "crashed", "unplugged"]


class AdapterError(Exception):
    """An engine's or device's fault. `detail` is one line that names the setting and the cure."""

    def __init__(self, kind: Fault, detail: str, *, retryable: bool = False) -> None:
        super().__init__(detail)
        self.kind: Fault = kind
        self.detail = detail
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds an adapter sets to what it is asked."""

    text_chars: int = 1000  # of one span; the phrase cutter stays below. What is longer may be refused
    in_flight: int = 1
    timeout_ms: int = 20_000  # a call that takes longer is taken for stalled


@dataclass(frozen=True, slots=True)
class Cost:
    """Measured by warm_up on this machine, in nanoseconds of compute."""

    load_ns: int = 0
    open_ns: int = 0  # per span
    open_char_ns: int = 0  # and per character of its text
    call_ns: int = 0  # per pull
    unit_ns: int = 0  # and per unit pulled


@dataclass(frozen=True, slots=True)
class Natural:
    """How an engine speaks at pace 1.0 in the voice that it was warmed up with, measured on a fixed text. A change of
    engines in mid-speech matches one to the other by these."""

    chars_per_s: float = 0.0
    pitch_hz: float = 0.0  # median fundamental; 0: none found
    loudness_lufs: float = 0.0  # ITU-R BS.1770, of speech without its pauses; 0: not measured


@dataclass(frozen=True, slots=True)
class Capability:
    """What an adapter can do. JSON through dataclasses.asdict."""

    name: str
    version: str
    role: Role
    streaming: bool = False
    unit: Literal["tokens", "frames", "ms"] = "frames"
    unit_samples: int = 0  # samples of one unit, at rate_hz
    granularity: tuple[int, ...] = ()  # the rungs, in units, ascending
    voices: tuple[str, ...] = ()  # empty: dynamic
    supports_barge_in: bool = False
    supports_seed: bool = False  # another seed sounds otherwise
    deterministic: bool = False  # same span, seed and pulls: the same bytes
    stateful_context: Literal["rolling", "minimal", "none"] = "none"
    delivery: Literal["pull", "push"] = "pull"
    rate_hz: int = 0
    markers: Literal["measured", "estimated", "none"] = "none"
    limits: Limits = field(default_factory=Limits)
    cost: Cost | None = None  # None until warm_up
    natural: Natural | None = None  # likewise
    isolation: Literal["thread", "process"] = "thread"
    egress: tuple[str, ...] = ()  # hosts it talks to; empty: none
    weights_sha256: str = ""  # of the weights in use; empty: none


# -- text to speech -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Span:
    """What one synthesis speaks."""

    text: str
    voice: Voice
    seed: int


@dataclass(frozen=True, slots=True)
class Marker:
    """One token of the span's text and where it sounds, in samples since the synthesis began."""

    text_start: int
    text_end: int
    start_sample: int
    end_sample: int


@dataclass(frozen=True, slots=True, eq=False)
class AudioChunk:
    """One answer: `pcm` is float32 mono, full scale 1.0, at the capability's rate. `markers` lists
    the tokens that begin in this chunk. After `eos` nothing more comes."""

    pcm: Float32
    units: int
    markers: tuple[Marker, ...]
    eos: bool


class Synthesis(Protocol):
    """One span being spoken."""

    @property
    def units(self) -> int:
        """How many units it will have in all; -1 where the engine cannot say."""
        ...

    def pull(self, units: int, low_latency: bool) -> AudioChunk:
        """Render the next `units` units, or fewer; return when that chunk is ready. After the end, and once it is
        closed, there is an empty chunk that tells the end, or an AdapterError; never audio. Raises AdapterError."""
        ...

    def close(self) -> None:
        """Let go of it, at any moment, from any thread, more than once if need be. Does not wait for a pull that is
        under way."""
        ...


class Tts(Protocol):
    def describe(self) -> Capability: ...

    def warm_up(self, voice: Voice = PLAIN) -> None:
        """Load, speak a little in this voice, measure the cost. Raises AdapterError."""
        ...

    def project(self, voice: Voice) -> Projection:
        """The voice on this engine's own knobs, with a report; needs no warm-up. Raises AdapterError where the voice
        cannot be had at all (an unknown name)."""
        ...

    def open(self, span: Span) -> Synthesis:
        """Prepare a span (text to units); the costly part that cannot be chunked. Raises AdapterError."""
        ...

    def close(self) -> None: ...


# -- listening ----------------------------------------------------------------------------

EAR_RATE_HZ = 16_000
"""What every ear and every speech recognizer here works at."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said. `full_window`: the short encoder window was given up for the plain one. `notice`: a line for the
    user, such as that a smaller model hears from now on; mostly there is none."""

    text: str
    full_window: bool = False
    notice: str = ""


class Stt(Protocol):
    """Stateless but for `word_times`: the audio lies in our ring, so a lost answer can be asked for again."""

    def describe(self) -> Capability: ...

    def warm_up(self) -> None: ...

    def prepare(self) -> None:
        """Somebody begins to speak: have ready by the end of it what was let go of meanwhile. Returns at once, raises
        nothing, and may be called beside `transcribe`."""
        ...

    def transcribe(self, pcm: Float32, provisional: bool, expected: str = "") -> Transcript:
        """`pcm`: float32 mono at EAR_RATE_HZ, all of the utterance so far; to be read only. `expected`: what may well
        have been said, in its usual spelling, to lean on where so little sounded that it could be anything; whoever
        cannot ignores it. Raises AdapterError."""
        ...

    def word_times(self) -> tuple[WordTime, ...]:
        """When each word of the last final text was said, in samples of its audio; asked once, straight after it, for
        the text is waited for and this is not. Empty where the engine cannot say. Raises AdapterError."""
        ...

    def close(self) -> None: ...


# -- replies ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"]
    text: str


class Replies(Protocol):
    """A source of replies: a language model, or a stand-in for one."""

    def describe(self) -> Capability: ...

    async def warm_up(self) -> None: ...

    def reply(self, messages: Sequence[Message]) -> AsyncIterator[str]:
        """Stream the answer to the last message as pieces of text. Closing the iterator cancels.
        Raises AdapterError while being read."""
        ...

    async def close(self) -> None: ...


# -- devices ------------------------------------------------------------------------------

Notify = Callable[[], None]
OnFault = Callable[[AdapterError], None]


class Microphone(Protocol):
    """One that says `cancels_echo` (a client's with a canceller of its own) hears nothing of what the speaker plays."""

    @property
    def rate_hz(self) -> int: ...

    @property
    def name(self) -> str:
        """Of the device, as people know it; empty for a file or a program, whose silence is no fault."""
        ...

    def start(self, capture: Capture, notify: Notify, on_fault: OnFault) -> None:
        """Begin to call `capture.take(block, device_ns)` and `notify()`. Raises AdapterError. A fault that is
        `retryable` is one after which it may be heard again, in a new stream of the capture."""
        ...

    def stop(self) -> None: ...


class Speaker(Protocol):
    @property
    def rate_hz(self) -> int: ...

    @property
    def paced(self) -> bool:
        """False: it takes whatever is there as soon as it is there (a file that need not wait)."""
        ...

    def start(self, playout: Playout, notify: Notify, on_fault: OnFault) -> None:
        """Begin to call `playout.fill(block, device_ns)` and `notify()`. Raises AdapterError."""
        ...

    def kick(self) -> None:
        """Samples were published; only a speaker that is not paced cares."""
        ...

    def stop(self) -> None: ...
