"""How the tests come by an engine, and by its audio."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from typing import Any

from adapters.base import AdapterError, AudioChunk, Synthesis
from adapters.registry import Context, create
from adapters.weights import Weights, default_cache
from timeline.clock import VirtualClock

CHUNKS_MOST = 10_000  # of one text: ten minutes by the smallest chunks; beyond, it has no end

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


def pull_all(synthesis: Synthesis, *rungs: int, low_latency: bool = True) -> list[AudioChunk]:
    """To the end, by these rungs in turn."""
    chunks: list[AudioChunk] = []
    for rung in cycle(rungs):
        chunks.append(synthesis.pull(rung, low_latency))
        assert chunks[-1].units <= rung
        if chunks[-1].eos:
            break
        assert len(chunks) < CHUNKS_MOST, "it never ends"
    return chunks
