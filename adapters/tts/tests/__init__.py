"""How the tests come by an engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.base import AdapterError
from adapters.registry import Context, create
from adapters.weights import Weights, default_cache
from timeline.clock import VirtualClock

WEIGHTS = {"piper": ("piper-en_US-joe-medium",), "kokoro": ("kokoro-82m-int8", "kokoro-voices")}


def make(name: str, cache: Path, **options: Any) -> Any:
    """An engine on a virtual clock; skips the test where its package or its weights are not here."""
    import pytest

    weights = Weights(default_cache())
    try:
        tts = create("tts", name, options, Context(weights, VirtualClock(), cache))
        if "model_path" not in options:
            for entry in WEIGHTS.get(name, ()):
                weights.locate(entry)
    except AdapterError as error:
        pytest.skip(error.detail)
    return tts
