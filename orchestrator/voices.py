"""Voices: the engines of a session, who of them should speak, and how they are made to sound like one.

Rules. The first that does not rest speaks: the one that was asked for, then the configured order. An engine that failed
or could not keep up rests for a quiet period, which doubles each time it fails again soon after, so that the voice does
not flap. What the user does never makes an engine rest. The engines are matched to the first one by what warm-up
measured of each: loudness by a gain, pace and pitch by the voice that is asked of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from adapters.base import Capability, Natural
from adapters.voice import PACE_MAX, PACE_MIN, PITCH_MAX_HZ, PITCH_MIN_HZ, Voice
from orchestrator.opening import OpenCost
from orchestrator.rate import Ladder, RateController
from orchestrator.settings import CoreSettings
from timeline.clock import NS_PER_S

QUIET_NS = 30 * NS_PER_S  # an engine that failed rests: a burst of load or a restart is over by then
BUSY_NS = 3 * NS_PER_S  # a call that nobody waits for any more is over by then
QUIET_MOST_NS = 600 * NS_PER_S  # and at most so long: what made it fail may be mended
FORGIVEN_NS = 300 * NS_PER_S  # after its rest, without failing: the next failure counts as a first one
ASKED, FAILED, OVERDUE, SLOW, RECOVERED = "asked", "failed", "overdue", "slow", "recovered"
"""Why another engine takes over."""

GAIN_MOST_DB = 12.0  # more is no match of levels but a mistake in measuring


def matched(voice: Voice, first: Natural | None, other: Natural | None) -> Voice:
    """What to ask of another engine so that it speaks as fast and as high as the first does."""
    if first is None or other is None or first == other:
        return voice
    pace = voice.pace
    if first.chars_per_s and other.chars_per_s:
        pace = min(PACE_MAX, max(PACE_MIN, pace * first.chars_per_s / other.chars_per_s))
    timbre = voice.timbre
    if timbre.pitch_hz is None and PITCH_MIN_HZ <= first.pitch_hz <= PITCH_MAX_HZ:
        timbre = replace(timbre, pitch_hz=first.pitch_hz)
    return replace(voice, pace=pace, timbre=timbre)


def gain_db(first: Natural | None, other: Natural | None) -> float:
    """By how much the other engine must be louder to sound like the first."""
    if first is None or other is None or not first.loudness_lufs or not other.loudness_lufs:
        return 0.0
    return round(min(GAIN_MOST_DB, max(-GAIN_MOST_DB, first.loudness_lufs - other.loudness_lufs)), 2)


class Seat:
    """One engine as a session knows it: what it can do, what it costs, how it is matched to the first."""

    def __init__(self, capability: Capability, settings: CoreSettings) -> None:
        first = settings.tts
        self.capability = capability
        self.rate: RateController = Ladder(capability, steady=settings.mode == "steady")
        self.open_cost = OpenCost(capability)
        own = capability is first
        self.voice = settings.voice if own else matched(settings.voice, first.natural, capability.natural)
        self.gain_db = 0.0 if own else gain_db(first.natural, capability.natural)

    def prepare_ns(self, text: str) -> float:
        """How long its first chunk of a text may take, the engine being at rest."""
        return self.open_cost.safe_ns(text) + self.rate.reserve_ns


@dataclass(slots=True)
class _Rest:
    until_ns: int
    failures: int
    reason: str


class Voices:
    def __init__(self, settings: CoreSettings) -> None:
        capabilities = (settings.tts, *settings.others)
        self.seats = {capability.name: Seat(capability, settings) for capability in capabilities}
        self._order = [settings.tts.name, *settings.fallback]
        self._rests: dict[str, _Rest] = {}

    def __getitem__(self, engine: str) -> Seat:
        return self.seats[engine]

    def begin(self, block_ns: int) -> None:
        """An utterance begins, into a sink that takes `block_ns` at a time."""
        for seat in self.seats.values():
            seat.rate.begin(block_ns)

    def prefer(self, engine: str) -> None:
        """From now on this one is the first."""
        self._order = [engine, *(name for name in self._order if name != engine)]
        self._rests.pop(engine, None)

    def failed(self, engine: str, reason: str, now_ns: int, counts: bool = True) -> None:
        """It failed, or cannot keep up: it rests. One that is only busy with what the user interrupted is no failure,
        and rests as long as that takes."""
        before = self._rests.get(engine)
        again = before is not None and now_ns < before.until_ns + FORGIVEN_NS
        failures = (before.failures if again and before is not None else 0) + counts
        quiet_ns = min(QUIET_MOST_NS, QUIET_NS * 2 ** (failures - 1)) if counts else BUSY_NS
        self._rests[engine] = _Rest(now_ns + quiet_ns, failures, reason)

    def best(self, now_ns: int, present: str) -> str:
        """Who should speak; the present one where nobody else can."""
        return next((name for name in self._order if not self.rests(name, now_ns)), present)

    def stand_in(self, engine: str, now_ns: int) -> str | None:
        """Who takes over from it, if anybody can."""
        names = (name for name in self._order if name != engine and not self.rests(name, now_ns))
        return next(names, None)

    def reason(self, before: str, engine: str) -> str:
        """Why one follows the other."""
        if engine in self._rests:
            return RECOVERED
        return self._rests[before].reason if before in self._rests else ASKED

    def rests(self, engine: str, now_ns: int) -> bool:
        return engine in self._rests and now_ns < self._rests[engine].until_ns
