"""What a voice in a process of its own is asked: its syntheses are open here, by number."""

from __future__ import annotations

import traceback

from adapters.base import AdapterError, Synthesis, Tts
from adapters.wire import Message, Slot, pack, pack_chunk, unpack

SYNTHESES_MOST = 64  # open at once; a session holds two or three, so more are a leak


class TtsClerk:
    def __init__(self, tts: Tts, slot: Slot) -> None:
        self._tts = tts
        self._slot = slot
        self._open: dict[int, Synthesis] = {}

    def do_warm_up(self, call: Message) -> Message:
        self._tts.warm_up(unpack(call["voice"]))
        return pack(self._tts.describe())

    def do_project(self, call: Message) -> Message:
        return pack(self._tts.project(unpack(call["voice"])))

    def do_open(self, call: Message) -> Message:
        if len(self._open) >= SYNTHESES_MOST:
            raise AdapterError("refused", f"{SYNTHESES_MOST} syntheses are open; close what is not spoken to its end")
        synthesis = self._tts.open(unpack(call["span"]))
        self._open[call["synthesis"]] = synthesis
        return {"in_all": synthesis.units}

    def do_pull(self, call: Message) -> Message:
        synthesis = self._open[call["synthesis"]]
        chunk = synthesis.pull(call["units"], call["low_latency"])
        answer = pack_chunk(chunk, self._slot, synthesis.units)
        if chunk.eos:
            self._let_go(call["synthesis"])
        return answer

    def on_close(self, told: Message) -> None:
        self._let_go(told["synthesis"])

    def close(self) -> None:
        for number in list(self._open):
            self._let_go(number)
        self._tts.close()

    def _let_go(self, number: int) -> None:
        synthesis = self._open.pop(number, None)
        try:
            if synthesis is not None:
                synthesis.close()
        except Exception:  # it is let go of all the same
            traceback.print_exc()
