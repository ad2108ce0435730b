"""Calibration: how an engine speaks by itself, measured on a text of ours that is the same for all.

    natural(tts, voice) -> Natural(chars_per_s, pitch_hz, loudness_lufs)

One plain sentence without a pause, mostly voiced: about three seconds, enough for a median and a loudness to settle.
Pace is counted from the first to the last sample that sounds, so that silence around the speech does not matter.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from adapters.base import Natural, Span, Tts
from adapters.voice import Voice
from stitcher.loudness import SILENCE_LUFS, loudness_lufs
from stitcher.pcm import Float32
from stitcher.pitch import median_hz, pitch_contour_hz

TEXT = "The old mill by the river turns slowly all day long."
SEED = 1
AUDIBLE = 10 ** (-40 / 20)  # of the peak: softer are breath, reverberation and an engine's own noise


def natural(tts: Tts, voice: Voice) -> Natural:
    """How `tts` speaks in this voice at pace 1.0. Raises AdapterError."""
    capability = tts.describe()
    synthesis = tts.open(Span(TEXT, replace(voice, pace=1.0), SEED))
    pieces, done = [], False
    while not done:
        chunk = synthesis.pull(capability.granularity[-1], False)
        pieces.append(chunk.pcm)
        done = chunk.eos
    synthesis.close()
    return measured(np.concatenate(pieces), capability.rate_hz, len(TEXT))


def measured(pcm: Float32, rate_hz: int, chars: int) -> Natural:
    """The same of speech that is there already: `chars` characters without a pause, float32[n]."""
    loudness = loudness_lufs(pcm, rate_hz)
    if loudness <= SILENCE_LUFS:
        return Natural()
    sounding = np.flatnonzero(np.abs(pcm) > AUDIBLE * np.abs(pcm).max())
    seconds = float(sounding[-1] - sounding[0] + 1) / rate_hz
    pitch_hz = median_hz(pitch_contour_hz(pcm, rate_hz))
    return Natural(round(chars / seconds, 2), round(pitch_hz, 1), round(loudness, 2))
