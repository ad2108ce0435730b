"""Ears at a microphone in a scene's hands: it is muted, clips, comes in bursts, is pulled out and plugged in again.

    user, hiss --> block of 20 ms --mute, gain, bursts--> Plugged --> Capture --> Ears --> EarFrame, MicrophoneBack
                                                             '-- Watch --> ReturningMicrophone --> AdapterFailed

All but the microphone itself and the detector is what a device goes through in production, on the agenda instead of
threads. To the session it is an EarActor.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from adapters.audio.returning import ReturningMicrophone
from adapters.audio.watch import WATCH_MS, Watch
from adapters.base import EAR_RATE_HZ, AdapterError, Notify, OnFault
from orchestrator.ears import Ears
from scenes.actors import EAR_WINDOW
from scenes.agenda import Agenda
from scenes.world import Speech
from stitcher.capture import Capture
from stitcher.pcm import Int16, frame_samples
from timeline import events as ev
from timeline.clock import NS_PER_MS, NS_PER_S

BLOCK = frame_samples(EAR_RATE_HZ)
BLOCK_NS = BLOCK * NS_PER_S // EAR_RATE_HZ
HISS = 5.8  # root mean square of a quiet room, -75 dBFS
VOICE = 3000.0  # and of a user, -21 dBFS
LOUD = 1000.0  # mean distance from zero that counts as speech
TOO_LOUD = 12.0  # 22 dB too much gain
BURST_BLOCKS = 20  # at once, then nothing for 400 ms
NAME = "Headset"


class LoudIsSpeech:
    """A detector of these voices."""

    window_samples = EAR_WINDOW

    def probability(self, window: Int16) -> float:
        return 0.95 if float(np.abs(window.astype(np.float64)).mean()) > LOUD else 0.02

    def reset(self) -> None:
        pass


class Plugged:
    """One stream of the microphone, from when it is plugged in."""

    name = NAME
    rate_hz = EAR_RATE_HZ

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self._sinks: tuple[Capture, Notify] | None = None
        self._calls = 0
        self.ended = False  # the stream says so itself; else it only stops calling

    def start(self, capture: Capture, notify: Notify, on_fault: OnFault) -> None:
        self._sinks = capture, notify
        watch = Watch(lambda: self._calls, self._fault)
        self._agenda.later(WATCH_MS * NS_PER_MS, partial(self._look, watch, on_fault))

    def stop(self) -> None:
        self._sinks = None

    def hear(self, blocks: list[Int16], device_ns: int) -> None:
        """All at once: nobody looks before the last of them is there."""
        if self._sinks is not None:
            capture, notify = self._sinks
            for block in blocks:
                self._calls += 1
                capture.take(block, device_ns)
            notify()

    def _look(self, watch: Watch, on_fault: OnFault) -> None:
        if self._sinks is None:
            return
        if (fault := watch.check()) is not None:
            on_fault(fault)
        else:
            self._agenda.later(WATCH_MS * NS_PER_MS, partial(self._look, watch, on_fault))

    def _fault(self, still: bool) -> AdapterError | None:
        return AdapterError("unplugged", "it is gone") if still or self.ended else None


class BadEars:
    """`simulator`: the session whose ears they are; `random`: a numpy generator. The scene sets what is wrong."""

    def __init__(self, simulator: Any, random: Any) -> None:
        self.said: list[Speech] = []
        self.dead: Callable[[], Int16] | None = None  # what muted hardware delivers; None: it is open
        self.clips = False
        self.bursts = False
        self._agenda: Agenda = simulator.agenda
        self._now_ns, self._post = simulator.now_ns, simulator.post
        self._random = random
        self._held: list[tuple[Int16, float]] = []  # blocks of a burst to come, and when they were heard, in ms
        self._heard: list[tuple[int, float]] = []  # for each block: the ears' position behind it, when it was heard
        self._plugged: Plugged | None = Plugged(self._agenda)
        self.ears = Ears(Capture(EAR_RATE_HZ), LoudIsSpeech())  # type: ignore[arg-type]  # it describes nothing
        microphone = ReturningMicrophone(self._plugged, self._find, lambda ms, call: self._later(ms, call))
        microphone.start(self.ears.capture, self._drain, self._lost)
        self._there = True
        self._agenda.later(BLOCK_NS, self._on_block)

    # -- what the scene does --------------------------------------------------------------

    def say(self, speech: Speech) -> None:
        self.said.append(speech)

    def pull(self, for_ms: float, ends: bool) -> None:
        """Out it goes, and in again; `ends`: its stream says so, else it just calls no more."""
        if self._plugged is not None:
            self._plugged.ended = ends
        self._plugged, self._there = None, False
        self._held.clear()
        self._later(for_ms, lambda: setattr(self, "_there", True))

    def heard(self, start_position: int, end_position: int) -> str:
        """What a recognizer makes of a range."""
        blocks = [(end, ms) for end, ms in self._heard if end - BLOCK < end_position and end > start_position]
        return " ".join(
            said.text
            for said in self.said
            if any(said.start_ms < ms + BLOCK_NS / NS_PER_MS and said.end_ms > ms for _, ms in blocks)
        )

    # -- what goes on ---------------------------------------------------------------------

    def _on_block(self) -> None:
        self._agenda.later(BLOCK_NS, self._on_block)
        if self._plugged is None:
            return
        from_ms = self._agenda.clock.now_ns() / NS_PER_MS - BLOCK_NS / NS_PER_MS
        self._held.append((self._sound(from_ms), from_ms))
        if self.bursts and len(self._held) < BURST_BLOCKS:
            return
        held, self._held = self._held, []
        self._plugged.hear([block for block, _ in held], self._now_ns())
        for behind, (_, heard_ms) in enumerate(reversed(held)):
            self._heard.append((self.ears.position - behind * BLOCK, heard_ms))

    def _sound(self, from_ms: float) -> Int16:
        if self.dead is not None:
            return self.dead()
        middle_ms = from_ms + BLOCK_NS / NS_PER_MS / 2
        speaks = any(speech.start_ms <= middle_ms < speech.end_ms for speech in self.said)
        level = (VOICE if speaks else HISS) * (TOO_LOUD if self.clips else 1.0)
        heard: Int16 = self._random.normal(0, level, BLOCK).round().clip(-32_768, 32_767).astype(np.int16)
        return heard

    def _find(self) -> Plugged:
        if not self._there:
            raise AdapterError("missing", "this machine has no microphone")
        self._plugged = Plugged(self._agenda)
        return self._plugged

    def _lost(self, fault: AdapterError) -> None:
        self._post(ev.AdapterFailed("mic", "mic", fault.kind, fault.detail, fault.retryable))

    def _drain(self) -> None:
        for fact in self.ears.listen():
            self._post(fact)

    def _later(self, delay_ms: float, call: Callable[[], None]) -> None:
        self._agenda.later(int(delay_ms * NS_PER_MS), call)
