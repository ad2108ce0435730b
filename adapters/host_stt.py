"""A recognizer that lives in a process of its own, seen as any other.

The audio is copied once, into memory that both processes map; the engine reads it where it lies. What dies with the
process is one answer: the audio lies in our ring, and whoever asked asks again.
"""

from __future__ import annotations

from adapters.base import Transcript
from adapters.host import Host
from adapters.wire import unpack
from stitcher.pcm import Float32
from timeline.words import WordTime


class HostedStt(Host):
    def warm_up(self) -> None:
        self._warm_up_with()

    def prepare(self) -> None:
        """Told, not asked: nobody waits."""
        self._remote.tell("prepare")

    def transcribe(self, pcm: Float32, provisional: bool, expected: str = "") -> Transcript:
        answer = self._alive().call("transcribe", self.limit_s, pcm=pcm, provisional=provisional, expected=expected)
        transcript: Transcript = unpack(answer)
        self.did_its_work()
        return transcript

    def word_times(self) -> tuple[WordTime, ...]:
        answer = self._alive().call("word_times", self.limit_s)
        return tuple(WordTime(**word) for word in answer["words"])
