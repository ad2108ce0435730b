"""Calibration: how an engine speaks by itself, measured on a text of ours that is the same for all.

    natural(tts, voice) -> Natural(chars_per_s, pitch_hz, loudness_lufs)

One plain sentence, chosen because engines speak it at nearly the pace and loudness that they have over many: a shorter
one is drawn out at its end, and was off by a fifth. Pauses, and silence around the speech, do not count.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from adapters.base import Capability, Natural, Span, Tts
from adapters.tts.whole import pull_whole
from adapters.voice import Voice
from stitcher.loudness import SILENCE_LUFS, loudness_lufs
from stitcher.pcm import Float32
from stitcher.pitch import median_hz, pitch_contour_hz
from stitcher.speaking import FRAME_MS, levels_db, speaking

TEXT = "Nobody on the island remembers who built the old mill by the river or why it was left there."
SEED = 1


def natural(tts: Tts, voice: Voice) -> Natural:
    """How `tts` speaks in this voice at pace 1.0. Raises AdapterError."""
    pcm, _ = pull_whole(tts, Span(TEXT, replace(voice, pace=1.0), SEED))
    return measured(pcm, tts.describe().rate_hz, len(TEXT))


def in_voice(tts: Tts, voice: Voice) -> Capability:
    """What an engine says of itself, measured as it speaks in this voice: eSpeak NG is louder the higher it speaks.
    As it is where the voice asks for no pitch, or the engine cannot give it. Raises AdapterError."""
    capability = tts.describe()
    came = {one.field: one.how for one in tts.project(voice).report}
    if voice.timbre.pitch_hz is None or came.get("timbre.pitch_hz", "ignored") == "ignored":
        return capability
    return replace(capability, natural=natural(tts, voice))


def measured(pcm: Float32, rate_hz: int, chars: int) -> Natural:
    """The same of speech that is there already: `chars` characters, float32[n]."""
    loudness = loudness_lufs(pcm, rate_hz)
    if loudness <= SILENCE_LUFS:
        return Natural()
    seconds = float(np.count_nonzero(speaking(levels_db(pcm, rate_hz)))) * FRAME_MS / 1000
    pitch_hz = median_hz(pitch_contour_hz(pcm, rate_hz))
    return Natural(round(chars / seconds, 2), round(pitch_hz, 1), round(loudness, 2))
