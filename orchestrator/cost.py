"""What a call to an engine costs, c + r * units, and how far calls stray from that.

Learnt by a Kalman filter over (c, r). What moves while an engine works is the machine's load, which scales both
alike, so that is how the filter lets them drift: long speech on one rung says nothing of the others, and must not
blur what was learnt of them. Each drifts alone only a little.

Worst is the prediction plus four mean deviations, as in TCP's timeout (Jacobson 1988), because an average
hides bursts. The deviation is kept twice: as time, quick to rise and slow to fall, and as a plain mean of its share of
the call. Bursts are as long on a small rung as on a large one, jitter is in proportion; for any one rung twice the mean
share bounds the first.

One call beyond the worst is a hiccup: the filter sees no more of it than the worst. Two in a row are a change: what
was known of the load counts no more. All times are nanoseconds.
"""

from __future__ import annotations

from math import sqrt

from adapters.base import Capability

DEVIATIONS = 4  # of the prediction error, added as the worst case
DEVIATION_GAIN = 0.25  # as in TCP's round trip estimator
DEVIATION_DECAY = 0.02  # a burst is remembered for fifty calls: TCP's four would forget it before the next one comes
SHARE_GAIN = 0.1  # the last ten calls matter
SHARES = 2  # mean deviations within which jitter lies: all of it where it is even, 19 in 20 calls where it is normal
MEASURED_SHARE = 0.1  # before any call was seen: within a fifth, which is what a quiet machine shows
UNKNOWN_SHARE = 0.5  # the same for an engine that was never measured: it may take twice as long
UNKNOWN_RTF = 0.3  # what an engine that was not measured is taken to cost until its first call

# Standard deviations, as shares of what a call costs.
MEASURED_ERROR = 0.03  # of c and of r each, as warm-up gives them
LOAD_DRIFT = 0.02  # from call to call, of both alike: with calls that jitter by a tenth, the last ten matter
SHAPE_DRIFT = 0.002  # from call to call, of each alone: 2 % after a minute on one rung
CHANGE_SHAPE = 0.1  # of a change, that is not load
NOISE_LEAST = 0.01  # of a call, however even calls have been


class CostModel:
    """render_ns = fixed + per_unit * units, with a prior from the capability."""

    def __init__(self, capability: Capability, unit_ns: float) -> None:
        units, cost = capability.granularity[0], capability.cost
        self.measured = cost is not None
        self.calls = 0
        self.fixed_ns = float(cost.call_ns) if cost else 0.0
        self.unit_ns = float(cost.unit_ns) if cost else UNKNOWN_RTF * unit_ns
        self._cc = self._cr = self._rr = 0.0  # covariance of c and r
        self._drift_apart(MEASURED_ERROR * self.predict_ns(units), units)
        self._share = MEASURED_SHARE if cost else UNKNOWN_SHARE
        self._stray_ns = SHARES / DEVIATIONS * self._share * self.predict_ns(units)
        self._surprise_ns = 0.0  # by how much the last call strayed, if it was beyond the worst
        self._surprise_units = 0
        self._calm = (self._stray_ns, self._share)  # the deviations before it

    def predict_ns(self, units: int) -> float:
        return self.fixed_ns + self.unit_ns * units

    def deviation_ns(self, units: int) -> float:
        return min(self._stray_ns, self._jitter_ns(units))

    def _jitter_ns(self, units: int) -> float:
        return SHARES * self._share * self.predict_ns(units)

    def worst_ns(self, units: int) -> float:
        return self.predict_ns(units) + DEVIATIONS * self.deviation_ns(units)

    def likely_ns(self, units: int) -> float:
        """How long a call takes but for bursts: jitter, and as much as the line itself is unsure here."""
        unsure_ns = sqrt(max(0.0, self._cc + 2 * self._cr * units + self._rr * units * units))
        return self.predict_ns(units) + min(DEVIATIONS * self._stray_ns, self._jitter_ns(units)) + unsure_ns

    def observe(self, units: int, render_ns: int) -> None:
        self.calls += 1
        if not self.measured and (self.calls == 1 or (self.calls == 2 and render_ns < self.predict_ns(units) / 2)):
            self._begin_with(units, render_ns)  # once more where the first call only warmed it up
            return
        error = render_ns - self.predict_ns(units)
        self._drift_together(LOAD_DRIFT)
        self._drift_apart(SHAPE_DRIFT * self.predict_ns(units), units)
        moved = self._moved(units, error)
        strayed, worst = error - moved, DEVIATIONS * self.deviation_ns(units)
        self._surprise_ns, self._surprise_units = strayed if abs(strayed) > worst else 0.0, units
        self._calm = self._stray_ns, self._share
        self._update(units, moved + max(-worst, min(strayed, worst)))
        self._stray(abs(strayed), abs(strayed) / max(1.0, self.predict_ns(units)))

    def _moved(self, units: int, error: float) -> float:
        """By how much the line has moved if this is the second surprise in a row to the same side, else 0. Downwards it
        must be on one rung: where the rung changed too, it is the slope that was wrong."""
        if self._surprise_ns * error <= 0 or (error < 0 and units != self._surprise_units):
            return 0.0
        shaken = self._stray_ns, self._share
        self._stray_ns, self._share = self._calm
        if abs(error) <= DEVIATIONS * self.deviation_ns(units):
            self._stray_ns, self._share = shaken
            return 0.0
        moved = min(self._surprise_ns, error, key=abs)
        self._drift_together(abs(moved) / max(1.0, self.predict_ns(units)))
        self._drift_apart(CHANGE_SHAPE * moved, units)
        return moved

    def _stray(self, by_ns: float, share: float) -> None:
        """A call strayed so far."""
        excess = by_ns - self._stray_ns
        self._stray_ns += (DEVIATION_GAIN if excess > 0 else DEVIATION_DECAY) * excess
        self._share += SHARE_GAIN * (min(1.0, share) - self._share)  # what strays by more is no jitter

    def _begin_with(self, units: int, render_ns: int) -> None:
        """The first call of an engine that was never measured: all of it may be fixed cost, or none."""
        self.fixed_ns, self.unit_ns = 0.0, render_ns / units
        half = render_ns / 2
        self._cc, self._cr, self._rr = half * half, -half * half / units, (half / units) ** 2
        self._stray_ns = SHARES / DEVIATIONS * UNKNOWN_SHARE * render_ns

    def _drift_together(self, share: float) -> None:
        c, r = share * self.fixed_ns, share * self.unit_ns
        self._cc, self._cr, self._rr = self._cc + c * c, self._cr + c * r, self._rr + r * r

    def _drift_apart(self, by_ns: float, units: int) -> None:
        """Each of c and of r * units may be off by so much."""
        self._cc += by_ns**2
        self._rr += (by_ns / units) ** 2

    def _update(self, units: int, error: float) -> None:
        """Take in a call that took `error` longer than predicted."""
        noise = max(self.deviation_ns(units), max(self._share, NOISE_LEAST) * self.predict_ns(units), 1.0)
        along_c, along_r = self._cc + self._cr * units, self._cr + self._rr * units
        total = along_c + along_r * units + noise**2
        gain_c, gain_r = along_c / total, along_r / total
        level = self.predict_ns(units) + (gain_c + gain_r * units) * error
        self.fixed_ns += gain_c * error
        self.unit_ns += gain_r * error
        self._cc -= gain_c * along_c
        self._cr -= gain_c * along_r
        self._rr -= gain_r * along_r
        if self.fixed_ns < 0:  # a line through the origin fits better than a negative cost
            self.fixed_ns, self.unit_ns = 0.0, max(0.0, level / units)
        if self.unit_ns < 0:
            self.fixed_ns, self.unit_ns = max(0.0, level), 0.0
