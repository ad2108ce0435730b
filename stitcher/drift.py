"""The drift guard: keeps the lead of a source that pushes at its own clock, by what is heard least.

Playback is the time base: nothing here reads a clock, time is what the sink has played. The error is the lead,
smoothed, less its target. Corrections in order, each only where the one before is not enough:

    ratio    resample by up to RATIO_MOST_PPM: a proportional-integral loop, whose integral comes to be the drift
    silence  shorten or lengthen a silence
    splice   drop or repeat a piece of speech where it is most like itself
    jump     leave out what is too old, or wait until the target is there again

The guard decides in numbers of samples; `stitcher.pushed` does it to the audio and says what came of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

RATIO_MOST_PPM = (
    2_000.0  # 0.2 %: listeners notice a change of pitch from 0.2 to 0.3 % on (Moore 1973), speech from more
)
RATIO_SLEW_PPM_PER_S = 500.0  # four seconds to the bound: a glide, never a step
DEAD_BAND_MS = 10.0  # half a block: seen at blocks, a lead is unknown by that much, and the unknown part beats slowly
LOOP_S = 40.0  # time constant: slower than that beat and a network's jitter, and 300 ppm are 12 ms by then
SMOOTHING_S = 2.0  # of the lead: some dozens of blocks and chunks, whose saw-tooth is then a millisecond or two
SETTLE_S = 1.0  # after a jump the mean is of too little for a splice
SILENCE_MS = 25.0  # error from which silences are used: cannot be heard, yet changes the rhythm a little
SPLICE_MS = 40.0  # from which speech is spliced: heard at times, better than to run dry
SPLICE_EVERY_MS = 60.0  # no closer: two splices in one syllable make it rough
JUMP_MS = 500.0  # a lead so much too long is beyond repair: splices would take seconds while everything comes late


class Repair(StrEnum):
    SILENCE = "silence"
    SPLICE = "splice"
    JUMP = "jump"


@dataclass(frozen=True, slots=True)
class Correction:
    """What was done: `samples` more (above 0) or fewer in the stream, at stream index `index`; for the journal."""

    repair: Repair
    samples: int
    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What the guard would have done: `samples` as in Correction, a silence's or splice's being the most."""

    repair: Repair
    samples: int
    reason: str


class DriftGuard:
    """Lead and positions in samples at `rate_hz`. `ratio_ppm`: what to resample by, above 0 for a longer stream."""

    def __init__(self, rate_hz: int, target_samples: int) -> None:
        self.rate_hz = rate_hz
        self.target_samples = target_samples
        self.ratio_ppm = 0.0
        self._integral_ppm = 0.0
        self._at: int | None = None  # what the sink has played, silence included
        self._spliced_at = 0
        self._begin()

    def _begin(self) -> None:
        self._lead = float(self.target_samples)
        self._weight_s = 0.0  # how much time the mean is of, up to SMOOTHING_S

    @property
    def error_samples(self) -> float:
        """The smoothed lead less its target."""
        return self._lead - self.target_samples

    def tick(self, position: int, lead_samples: int) -> None:
        """The sink has played `position` samples, silence included, and so many are ahead of it."""
        before, self._at = self._at, position
        if before is None or position <= before:
            return
        dt_s = (position - before) / self.rate_hz
        self._weight_s = min(SMOOTHING_S, self._weight_s + dt_s)
        self._lead += min(1.0, dt_s / self._weight_s) * (lead_samples - self._lead)
        self._steer(dt_s)

    def _steer(self, dt_s: float) -> None:
        """A proportional-integral loop, critically damped: a lead too long asks for a shorter stream."""
        error_s = self.error_samples / self.rate_hz
        dead_s = DEAD_BAND_MS / 1000
        beyond_s = error_s - max(-dead_s, min(dead_s, error_s))
        wanted = self._integral_ppm - 2e6 / LOOP_S * beyond_s
        bounded = _clip(wanted, RATIO_MOST_PPM)
        if wanted == bounded:  # else the integral would wind up while the loop can do no more
            self._integral_ppm = _clip(self._integral_ppm - 1e6 / LOOP_S**2 * beyond_s * dt_s, RATIO_MOST_PPM)
        self.ratio_ppm += _clip(bounded - self.ratio_ppm, RATIO_SLEW_PPM_PER_S * dt_s)

    def wish(self, lead_samples: int) -> Wish | None:
        """What the ratio alone does not mend, with `lead_samples` as they are at this moment."""
        ms = self.rate_hz / 1000
        excess = lead_samples - self.target_samples
        if excess > JUMP_MS * ms:
            return Wish(Repair.JUMP, -excess, f"{lead_samples / ms:.0f} ms ahead, more than can be mended unheard")
        error_ms = self.error_samples / ms
        if self._weight_s < SETTLE_S:
            return None
        reason = f"the lead is {error_ms:+.0f} ms off and the ratio at {self.ratio_ppm:+.0f} ppm"
        if abs(error_ms) > SPLICE_MS and self._may_splice:
            return Wish(Repair.SPLICE, -round(self.error_samples), reason)
        return Wish(Repair.SILENCE, -round(self.error_samples), reason) if abs(error_ms) > SILENCE_MS else None

    @property
    def _may_splice(self) -> bool:
        return self._at is not None and self._at - self._spliced_at >= SPLICE_EVERY_MS * self.rate_hz / 1000

    def done(self, correction: Correction) -> None:
        """It was carried out: what it changed must not be mended a second time."""
        if correction.repair is Repair.JUMP:
            self._begin()
            return
        self._lead += correction.samples
        if correction.repair is Repair.SPLICE and self._at is not None:
            self._spliced_at = self._at


def _clip(value: float, bound: float) -> float:
    return max(-bound, min(bound, value))
