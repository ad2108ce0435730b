"""Endpointing: how long a silence must last before the user's turn is over.

    silence of speculate_ms -> what does the model think? -> wait_ms -> ... speech again: not over   or silence: over

The surer the model is that the turn is over, the shorter the wait. Without a model, or before it has answered, plain
silence decides. Whatever it thinks, a turn ends: the longest wait is a bound. Pure; milliseconds of microphone audio.
"""

from __future__ import annotations

from orchestrator.settings import ListenSettings


def wait_ms(probability: float | None, settings: ListenSettings) -> int:
    """Silence after which the turn is over. `probability`: that it is, None where nobody can tell."""
    if probability is None:
        return settings.endpoint_ms
    sure = (probability - settings.unsure_below) / (settings.sure_above - settings.unsure_below)
    sure = min(1.0, max(0.0, sure))
    return round(settings.endpoint_unsure_ms + sure * (settings.endpoint_sure_ms - settings.endpoint_unsure_ms))
