"""The world of a simulated session: what a script says about user, replies, sink and faults. Plain data.

Times are milliseconds of the room's time, in which devices and users live. The session's clock shows the same, but for
`jumps`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

STT_COST_MS = 150  # what a short utterance takes to transcribe


@dataclass(frozen=True, slots=True)
class Speech:
    """The user says `text` from `start_ms` to `end_ms`."""

    start_ms: float
    end_ms: float
    text: str


@dataclass(frozen=True, slots=True)
class Sink:
    """A loudspeaker, or a client at the end of a network, with its faults."""

    drift_ppm: float = 0.0  # its clock is fast (above 0) or slow
    jitter_ms: float = 0.0  # a block is asked for up to so much late; the next ones are not put off by it
    stalls: Sequence[tuple[float, float]] = ()  # (at_ms, for_ms): asks for nothing
    catches_up: bool = False  # after a stall it asks at once for all that is overdue (a client); else it goes on later
    lost_at_ms: float = -1.0  # -1: never


@dataclass
class World:
    """The script."""

    user: Sequence[Speech] = ()
    replies: Sequence[str] = ()
    reply_delay_ms: float = 50
    word_ms: float = 30  # between the words of a reply
    task_replies: Sequence[str | None] = ()  # of the task sources, in the order of asking; None: it never answers
    task_delay_ms: float = 50
    task_word_ms: float = 30
    reply_faults: Mapping[int, int] = field(default_factory=dict)  # reply number -> words before its source fails
    block_ms: float = 20
    sink: Sink = field(default_factory=Sink)
    events: Sequence[tuple[float, Any]] = ()  # (ms, event): typed lines, stops, requests
    stt_cost_ms: float = STT_COST_MS
    load: Sequence[tuple[float, float, float]] = ()  # (from_ms, to_ms, factor): the machine is that much slower
    jumps: Sequence[tuple[float, float]] = ()  # (at_ms, by_ms): the session's clock leaps; the machine slept
    ears: Callable[[Any], Any] | None = None  # who hears, made of the session; None: those that hear the script
