"""A voice is a schema, not an index: the same request whatever engine speaks it.

Each engine projects the schema onto its own knobs; what it has no knob for it ignores. So far
the schema holds a timbre and a pace.
"""

from __future__ import annotations

from dataclasses import dataclass

PACE_MIN, PACE_MAX = 0.5, 2.0  # beyond, no engine we know stays intelligible


@dataclass(frozen=True, slots=True)
class Voice:
    """`timbre`: a name the engine knows, empty for its default. `pace`: 1.0 is the engine's own, 2.0
    twice as fast; in [PACE_MIN, PACE_MAX]."""

    timbre: str = ""
    pace: float = 1.0

    def __post_init__(self) -> None:
        if not PACE_MIN <= self.pace <= PACE_MAX:
            raise ValueError(f"tts.pace is {self.pace}; choose one between {PACE_MIN} and {PACE_MAX}")
