"""SnacLlamacppTts as its tests make it and listen to it, with a small decoder of random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.base import AdapterError, AudioChunk, Span
from adapters.registry import Context
from adapters.tts.snac_decoder import SnacDecoder
from adapters.tts.snac_llamacpp import SnacLlamacppTts
from adapters.tts.tests import pull_all
from adapters.tts.tests.token_server import TokenServer, frames_of, token_server
from adapters.voice import Voice
from adapters.weights import Weights
from stitcher.pcm import Float32
from timeline.clock import VirtualClock

SOON_S = 0.25  # a stall that the tests need not wait for long
FRAMES = frames_of(30)
SEED = 3


def make(url: str, decoder_path: Path, **options: Any) -> SnacLlamacppTts:
    made = SnacLlamacppTts.Options(url=url, decoder_path=str(decoder_path), threads=1, **options)
    folder = decoder_path.parent
    return SnacLlamacppTts(made, Context(Weights(folder), VirtualClock(), folder))


def span(text: str = "Hello there.", voice: Voice | None = None, seed: int = SEED) -> Span:
    return Span(text, voice or Voice(), seed)


def spoken(chunks: list[AudioChunk]) -> Float32:
    return np.concatenate([chunk.pcm for chunk in chunks])


def say(server: TokenServer, decoder_path: Path, rungs: tuple[int, ...] = (1,), **options: Any) -> Float32:
    tts = make(server.url, decoder_path, **options)
    try:
        return spoken(pull_all(tts.open(span()), *rungs))
    finally:
        tts.close()


def whole(decoder_path: Path, frames: list[tuple[int, ...]]) -> Float32:
    """All frames at once, so that nothing can be a seam."""
    return SnacDecoder(decoder_path, 1, 0, 0, "test").decode(frames, 0, len(frames), SEED)


def snr_db(heard: Float32, truth: Float32) -> float:
    assert heard.shape == truth.shape
    return 10 * float(np.log10(np.mean(truth**2) / max(float(np.mean((heard - truth) ** 2)), 1e-30)))


def fault(*answer: Any, decoder_path: Path, **options: Any) -> AdapterError:
    with token_server(*answer) as server, pytest.raises(AdapterError) as caught:
        say(server, decoder_path, **options)
    line = caught.value.detail
    assert "\n" not in line and "tts.snac_llamacpp" in line and ": " in line  # what is wrong: the cure
    return caught.value
