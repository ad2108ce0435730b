"""A recognizer that tells what it was given, and misbehaves as its options tell it; see rogue.py for the orders.

Its text is its process's number and the audio's digest, so whoever reads it knows who heard what.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict

from adapters.base import EAR_RATE_HZ, AdapterError, Capability, Limits, Transcript
from adapters.tests.rogue import misbehave
from stitcher.pcm import Float32
from timeline.words import WordTime

if TYPE_CHECKING:
    from adapters.registry import Context


def digest(pcm: Float32) -> str:
    return hashlib.sha256(np.ascontiguousarray(pcm).tobytes()).hexdigest()


class RogueStt:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        final: str = ""  # what a final transcription does first
        prepare: str = ""
        fault: str = ""  # a final transcription raises it
        folder: Path = Path()
        timeout_ms: int = 20_000

    def __init__(self, options: Options, context: Context) -> None:
        self.options = options
        self._warm = self._prepared = 0
        self._words: tuple[WordTime, ...] = ()

    def describe(self) -> Capability:
        limits = Limits(timeout_ms=self.options.timeout_ms)
        return Capability(name="rogue", version="1", role="stt", rate_hz=EAR_RATE_HZ, limits=limits)

    def warm_up(self) -> None:
        self._warm += 1

    def prepare(self) -> None:
        misbehave(self.options.prepare)
        self._prepared += 1

    def transcribe(self, pcm: Float32, provisional: bool, expected: str = "") -> Transcript:
        if provisional:
            return Transcript(f"warm {self._warm} prepared {self._prepared} writeable {pcm.flags.writeable}")
        if self.options.fault:
            raise AdapterError("refused", self.options.fault)
        misbehave(self.options.final)
        self._words = (WordTime("heard", 1, pcm.size, 0.5),) if pcm.size else ()
        return Transcript(f"{os.getpid()} {digest(pcm)}")

    def word_times(self) -> tuple[WordTime, ...]:
        return self._words

    def close(self) -> None:
        """Nothing to let go of."""
