"""A text spoken whole, for those who need the audio and not the stream: simulated users, benchmarks, tests."""

from __future__ import annotations

import numpy as np

from adapters.base import Marker, Span, Tts
from adapters.voice import PLAIN, Voice
from stitcher.pcm import Float32


def speak_whole(tts: Tts, text: str, rate_hz: int, voice: Voice = PLAIN, seed: int = 0) -> Float32:
    """float32 mono at `rate_hz`, full scale 1.0. Raises AdapterError."""
    import soxr

    pcm, _ = pull_whole(tts, Span(text, voice, seed))
    return np.asarray(soxr.resample(pcm, tts.describe().rate_hz, rate_hz), np.float32)


def pull_whole(tts: Tts, span: Span) -> tuple[Float32, list[Marker]]:
    """A span and its words, at the engine's own rate. Raises AdapterError."""
    rung = tts.describe().granularity[-1]
    synthesis = tts.open(span)
    pieces: list[Float32] = []
    marks: list[Marker] = []
    done = False
    while not done:
        chunk = synthesis.pull(rung, False)
        pieces.append(chunk.pcm)
        marks += chunk.markers
        done = chunk.eos
    synthesis.close()
    return np.concatenate(pieces), marks
