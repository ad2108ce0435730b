"""A text spoken whole, for those who need the audio and not the stream: simulated users, benchmarks, tests."""

from __future__ import annotations

import numpy as np
import soxr

from adapters.base import Span, Tts
from adapters.voice import PLAIN, Voice
from stitcher.pcm import Float32


def speak_whole(tts: Tts, text: str, rate_hz: int, voice: Voice = PLAIN, seed: int = 0) -> Float32:
    """float32 mono at `rate_hz`, full scale 1.0. Raises AdapterError."""
    capability = tts.describe()
    synthesis = tts.open(Span(text, voice, seed))
    pieces, done = [], False
    while not done:
        chunk = synthesis.pull(capability.granularity[-1], False)
        pieces.append(chunk.pcm)
        done = chunk.eos
    synthesis.close()
    pcm = np.concatenate(pieces)
    return np.asarray(soxr.resample(pcm, capability.rate_hz, rate_hz), np.float32)
