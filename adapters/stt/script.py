"""A recognizer that hears what it was told to hear: for tests, scenes and demonstrations without weights.

Rules. Each final transcription answers the next of `lines`, whatever the audio holds; after the last
one it answers the empty text. A provisional transcription gives the first half of the words of the
line that comes next, and uses nothing up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from adapters.base import EAR_RATE_HZ, Capability, Transcript
from stitcher.pcm import Float32
from timeline.words import WordTime

if TYPE_CHECKING:
    from adapters.registry import Context


class ScriptStt:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        lines: list[str] = []

    def __init__(self, options: Options, context: Context) -> None:
        self._lines = list(options.lines)
        self._next = 0

    def describe(self) -> Capability:
        return Capability(name="script", version="1", role="stt", unit="ms", rate_hz=EAR_RATE_HZ, deterministic=True)

    def warm_up(self) -> None:
        """Nothing to load."""

    def prepare(self) -> None:
        """It is always ready."""

    def transcribe(self, pcm: Float32, provisional: bool, expected: str = "") -> Transcript:
        line = self._lines[self._next] if self._next < len(self._lines) else ""
        if provisional:
            words = line.split()
            return Transcript(" ".join(words[: (len(words) + 1) // 2]))
        self._next += 1
        return Transcript(line)

    def word_times(self) -> tuple[WordTime, ...]:
        return ()  # nobody said them

    def close(self) -> None:
        """Nothing to let go of."""
