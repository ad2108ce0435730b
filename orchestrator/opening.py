"""Opening costs: how long an engine takes to prepare a phrase."""

from __future__ import annotations

from adapters.base import Capability
from orchestrator.cost import DEVIATION_GAIN, DEVIATIONS
from orchestrator.rate import TICK_NS
from timeline.clock import NS_PER_MS

USUAL_CHARS = 80  # of a phrase


class OpenCost:
    """What opening a phrase costs, by its length: a running mean per character and its deviation."""

    def __init__(self, capability: Capability) -> None:
        cost = capability.cost
        self._fixed_ns = float(cost.open_ns if cost else 0)
        self._char_ns = float(cost.open_char_ns if cost else 2 * NS_PER_MS)
        self._deviation_ns = (self._fixed_ns + self._char_ns * USUAL_CHARS) / 2

    def safe_ns(self, text: str) -> float:
        return self._fixed_ns + self._char_ns * len(text) + DEVIATIONS * self._deviation_ns + TICK_NS

    def observe(self, text: str, render_ns: int) -> None:
        error = render_ns - self._fixed_ns - self._char_ns * len(text)
        self._deviation_ns += DEVIATION_GAIN * (abs(error) - self._deviation_ns)
        self._char_ns = max(0.0, self._char_ns + DEVIATION_GAIN * error / max(1, len(text)))
