"""What a recognizer in a process of its own is asked. It reads the audio where our side has laid it, without a copy."""

from __future__ import annotations

from dataclasses import asdict

from adapters.base import Stt
from adapters.wire import Message, Slot, pack


class SttClerk:
    def __init__(self, stt: Stt, slot: Slot) -> None:
        self._stt = stt
        self._slot = slot

    def do_warm_up(self, call: Message) -> Message:
        self._stt.warm_up()
        return pack(self._stt.describe())

    def do_transcribe(self, call: Message) -> Message:
        pcm = self._slot.view(call["samples"])
        return pack(self._stt.transcribe(pcm, call["provisional"], call["expected"]))

    def do_word_times(self, call: Message) -> Message:
        return {"words": [asdict(word) for word in self._stt.word_times()]}

    def on_prepare(self, told: Message) -> None:
        self._stt.prepare()

    def close(self) -> None:
        self._stt.close()
