"""SNAC's decoder at work: frames of codes -> PCM, through ONNX Runtime, without torch.

The graph is the common export of the 24 kHz model: three int64 inputs, coarse to fine, and one float output. It is a
convolution over time, so a window with enough context around it sounds as the whole does. SNAC's own code with random
weights, frame by frame against the whole: three frames of context on each side 125 dB, two 79 dB, one before and two
after (the usual window of 28 tokens) 41 dB. Context before costs computing alone; context after is waited for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from adapters.base import AdapterError
from adapters.runtime import session
from adapters.tts.snac import FRAME_SAMPLES, LEVELS, Frame, levels, window
from adapters.tts.snac_noise import PREFIX, without_noise
from stitcher.pcm import Float32


class SnacDecoder:
    """`before`, `after`: the context in frames. Raises AdapterError for a file that is no such decoder."""

    def __init__(self, path: Path, threads: int, before: int, after: int, setting: str) -> None:
        self.after = after
        self._before = before
        self._setting = setting
        what, cure = f"decoder {path}", f"check {setting}"
        graph, self._noise = without_noise(path, threads, what, cure)
        self._session: Any = session(graph, threads, what, cure)
        names = (value.name for value in self._session.get_inputs())
        self._inputs = sorted(name for name in names if not name.startswith(PREFIX))
        if len(self._inputs) != len(LEVELS):
            line = f"{setting} {path} has {len(self._inputs)} inputs: name SNAC's decoder for 24 kHz, which has three"
            raise AdapterError("unsupported", line)

    def decode(self, frames: list[Frame], start: int, end: int, seed: int) -> Float32:
        """float32[(end - start) * FRAME_SAMPLES]: the frames [start, end) of `frames`, heard in their context. `seed`:
        of the decoder's noise."""
        seen = window(start, end, len(frames), self._before, self.after)
        codes = dict(zip(self._inputs, levels(frames[seen.first : seen.last]), strict=True))
        feed = {**codes, **self._noise.feed(seed, seen.first, seen.last)}
        try:
            pcm = np.asarray(self._session.run(None, feed)[0], np.float32).ravel()
        except Exception as error:  # onnxruntime raises types of its own for what does not fit
            line = f"{self._setting} cannot decode ({str(error).splitlines()[0][:100]}): name SNAC's decoder for 24 kHz"
            raise AdapterError("unsupported", line) from error
        if pcm.size != (seen.last - seen.first) * FRAME_SAMPLES or not np.isfinite(pcm).all():
            line = (
                f"{self._setting} gave {pcm.size} samples for {seen.last - seen.first} frames, or none that are numbers"
            )
            raise AdapterError("garbage", f"{line}: name SNAC's decoder for 24 kHz")
        return np.clip(pcm[seen.start_sample : seen.end_sample], -1, 1)
