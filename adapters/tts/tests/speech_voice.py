"""OpenAiSpeechTts as its tests make it and listen to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from adapters.base import AdapterError, AudioChunk, Span
from adapters.registry import Context
from adapters.tts.openai_speech import OpenAiSpeechTts
from adapters.tts.tests import pull_all
from adapters.tts.tests.speech_servers import Answer, Server, serve
from adapters.voice import Voice
from stitcher.pcm import to_float32
from timeline.clock import SystemClock

RATE_HZ = 24_000
UNIT = RATE_HZ // 100
HELLO = "Hello there."
SPEECH = (8000 * np.sin(np.arange(50 * UNIT + 17) / 9)).astype("<i2")  # half a second, and a bit of a unit
HEARD = to_float32(SPEECH)
SOON_S = 0.05  # a stall that the tests need not wait for long
PATIENCE_S = 10  # for threads; never waited for where all is well


def bring(url: str, **options: Any) -> OpenAiSpeechTts:
    made = OpenAiSpeechTts.Options(base_url=url, **options)
    return OpenAiSpeechTts(made, Context(None, SystemClock(), None))  # type: ignore[arg-type]


@contextlib.contextmanager
def voice_of(server: Server, **options: Any) -> Iterator[OpenAiSpeechTts]:
    options.setdefault("timeout_s", PATIENCE_S)
    tts = bring(server.url, **options)
    try:
        yield tts
    finally:
        tts.close()


def span(text: str = HELLO, voice: Voice | None = None) -> Span:
    return Span(text, voice or Voice(), 1)


def all_of(synthesis: Any, units: int = 8) -> list[AudioChunk]:
    """Of what it says, in whole chunks."""
    return pull_all(synthesis, units, low_latency=False)


def heard(answer: Answer, text: str = HELLO, **options: Any) -> np.ndarray:
    with serve(answer) as server, voice_of(server, **options) as tts:
        return np.concatenate([chunk.pcm for chunk in all_of(tts.open(span(text)))])


def fault(answer: Answer, **options: Any) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        heard(answer, **options)
    line = caught.value.detail
    assert "\n" not in line
    assert "tts.openai_speech." in line
    assert ": " in line  # what is wrong: the cure
    return caught.value


def cut(data: bytes, *sizes: int) -> list[bytes]:
    """In pieces of these sizes, in turn."""
    pieces = []
    while data:
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(data[:size])
        data = data[size:]
    return pieces
