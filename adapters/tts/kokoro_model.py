"""Kokoro's graph at work: phonemes in, sound out, with the frames that each phoneme lasts.

The graph is cut (see kokoro_graph) where it has rounded how long each phoneme lasts to whole frames: word times cost
nothing, and a pace is set there. The graph's own speed divides before it rounds, and most phonemes last two or three
frames: asked for 1.1 it speaks 1.06 times as fast, and it has no speed at all that gives 1.3. It draws nothing at
random: the same phonemes, voice and speed give the same samples. Its decoder normalizes over all of the time that it
is given, so a run is rendered whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adapters.base import AdapterError
from adapters.runtime import session
from adapters.tts.kokoro_graph import cut
from stitcher.pcm import Float32

WHAT = "kokoro model"
RATE_HZ = 24_000
FRAME_SAMPLES = 600  # 25 ms, the grain of the model's durations
STYLES = 510  # of a voice, one for each number of phonemes; more than that the model does not take
STYLE_FLOATS = 256
PAD = 0  # the letter at either end of what the model reads
QUIET = 0.005  # of full scale, -46 dB: what is below is no speech
BREATH_FRAMES = 1  # of quiet that stay before a run; the model begins with about 0.4 s, which nobody waits for
PAUSE_FRAMES = {",": 6, ";": 6, ":": 6, "—": 6, "": 0}  # of quiet that stay behind a run, by its mark
SENTENCE_FRAMES = 14  # 0.35 s, behind all other marks; the model ends with about 0.5 s


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """A run's sound: whole frames, and where in it each phoneme begins, in samples; one more for the last one's end."""

    pcm: Float32
    starts: np.ndarray


class Model:
    """`voices`: name -> file of its styles, read when it first speaks."""

    def __init__(self, path: Path, config: Path, voices: dict[str, Path], threads: int) -> None:
        durations, sound, self._cut = cut(path)
        self._durations, self._sound = (session(part, threads, WHAT) for part in (durations, sound))
        self._ids = _alphabet(config)
        self._voices = voices
        self._styles: dict[str, Float32] = {}
        self.alphabet = frozenset(self._ids)

    def render(self, phonemes: str, voice: str, speed: float, options: Any = None) -> Rendered:
        """`options`: onnxruntime's RunOptions, by which it can be broken off. Raises AdapterError."""
        ids = [self._ids[phoneme] for phoneme in phonemes]
        text = {"tokens": np.array([[PAD, *ids, PAD]], np.int64), "style": self._style(voice)[len(ids) - 1]}
        try:
            (own,) = self._durations.run(None, {**text, "speed": np.ones(1, np.float32)}, options)
            frames = at_speed(own.ravel(), speed)
            lasts = frames.astype(np.float32).reshape(own.shape)
            (pcm,) = self._sound.run(None, {**text, self._cut: lasts}, options)
        except Exception as error:  # onnxruntime raises types of its own
            line = f"the kokoro model failed ({str(error).splitlines()[0][:100]})"
            raise AdapterError("crashed", line, retryable=True) from error
        return _trim(pcm.ravel(), frames, phonemes)

    def _style(self, voice: str) -> Float32:
        if voice not in self._styles:
            floats = np.fromfile(self._voices[voice], "<f4")
            if floats.size != STYLES * STYLE_FLOATS:
                line = f"{self._voices[voice]} is no voice of kokoro's; run: duckbill models verify"
                raise AdapterError("corrupt", line)
            self._styles[voice] = floats.reshape(STYLES, 1, STYLE_FLOATS)
        return self._styles[voice]


def at_speed(frames: np.ndarray, speed: float) -> np.ndarray:
    """Whole frames, int64[n], of which no phoneme has less than one; what rounding takes from one the next ones get."""
    owed, paced = 0.0, []
    for own in frames:
        wanted = float(own) / speed + owed
        paced.append(max(1, round(wanted)))
        owed = wanted - paced[-1]
    return np.array(paced, np.int64)


def _alphabet(config: Path) -> dict[str, int]:
    """The model's letters, and the number of each."""
    try:
        return {str(letter): int(number) for letter, number in json.loads(config.read_text("utf-8"))["vocab"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        line = f"{config} cannot be read ({error}); run: duckbill models fetch kokoro-82m-int8"
        raise AdapterError("corrupt", line) from error


def _trim(pcm: Float32, frames: np.ndarray, phonemes: str) -> Rendered:
    """Leave out the quiet beyond a breath before the run and a pause behind it."""
    count = pcm.size // FRAME_SAMPLES
    loud = np.flatnonzero(np.abs(pcm[: count * FRAME_SAMPLES]).reshape(count, FRAME_SAMPLES).max(1) > QUIET)
    if loud.size == 0:
        return Rendered(pcm[:0], np.zeros(len(phonemes) + 1, np.int64))
    first = max(0, int(loud[0]) - BREATH_FRAMES)
    pause = PAUSE_FRAMES.get(phonemes[-1] if not phonemes[-1].isalpha() else "", SENTENCE_FRAMES)
    last = min(count, int(loud[-1]) + 1 + pause)
    starts = np.cumsum(frames)[: len(phonemes) + 1] - first
    kept = pcm[first * FRAME_SAMPLES : last * FRAME_SAMPLES]
    return Rendered(kept, np.clip(starts * FRAME_SAMPLES, 0, kept.size - 1))
