"""The way of the microphone's audio past our own voice: aligned, cancelled, and judged.

    near block -> frames of 10 ms -> linear echo subtracted -> canceller (suppresses the rest) -> clean block
    reference at the same time ------/------------------------/            |
         ^-- alignment <-- echo found in near                echo found in clean? -> then it is no user

The microphone has a DeviceLine of its own: the reference is read for when a sample was heard, not for when its block
came. What hosts do not say of their latencies is measured: the reference is found in what is heard, and moved there.
"""

from __future__ import annotations

import numpy as np

from adapters.base import EAR_RATE_HZ
from adapters.ears.base import ECHO_FRAME_SAMPLES, EchoCanceller
from orchestrator.alignment import Alignment
from orchestrator.echo_guard import EchoGuard, EchoWindow
from orchestrator.echo_rest import EchoRest
from stitcher.device_line import DeviceLine
from stitcher.echo_delay import DELAY_MOST_S, WINDOW_S, Found, find_echo
from stitcher.echo_reference import LEAD_NS, EchoReference
from stitcher.linear_echo import LinearEcho
from stitcher.pcm import Int16, dbfs, to_float32, to_int16
from timeline.clock import NS_PER_MS
from timeline.events import EchoState

LOOKED_SAMPLES = int(WINDOW_S * EAR_RATE_HZ)
REFERENCE_SAMPLES = LOOKED_SAMPLES + int(DELAY_MOST_S * EAR_RATE_HZ)
WAIT_MOST_SAMPLES = EAR_RATE_HZ // 10  # for the speaker's next block; one that is later than 100 ms stands still
PLAYED_DBFS = -60.0  # of the reference: below, there is nothing that could come back
LOUD_PARTS = 8  # of what is looked at, 32 ms each: the loudest of them is what still sounds in the room
TAIL_SAMPLES = EAR_RATE_HZ // 5  # a room goes on for 200 ms
SUSPECT = 0.35  # probability of speech from which it is worth a look: below, nobody was heard anyway


class EchoPath:
    """`reference`: whoever drains the speaker tells it what was played. `canceller`: None leaves the linear part alone,
    some 15 to 35 dB."""

    def __init__(self, canceller: EchoCanceller | None, reference: EchoReference) -> None:
        self.canceller = canceller
        self.reference = reference
        self.line = DeviceLine(EAR_RATE_HZ)
        self.alignment = Alignment()
        self.guard = EchoGuard()
        self._rest = EchoRest()
        self._told: tuple[object, ...] = ()  # of what is news, what was told last
        self._linear = LinearEcho(ECHO_FRAME_SAMPLES)
        self._waiting = np.zeros(0, np.int16)  # for the rest of a frame, or for its reference
        self._taken = 0  # samples that went through
        self._near = np.zeros(LOOKED_SAMPLES, np.int16)  # the last that was heard,
        self._clean = np.zeros(LOOKED_SAMPLES, np.int16)  # what was left of it,
        self._far = np.zeros(REFERENCE_SAMPLES, np.int16)  # and the reference as the devices' times have it

    @property
    def layer(self) -> str:
        """What keeps our own voice out."""
        return "linear" if self.canceller is None else self.canceller.describe().name

    @property
    def latency_ms(self) -> float | None:
        """How much later an echo comes than the devices' times say; None until one was found."""
        found_s = self.alignment.found_s
        return None if found_s is None else found_s * 1000 - LEAD_NS / NS_PER_MS

    def anew(self) -> EchoPath:
        """For a microphone that was gone and is back, at another place perhaps: of the last one nothing holds."""
        if self.canceller is not None:
            self.canceller.reset()
        return EchoPath(self.canceller, self.reference)

    def news(self) -> EchoState | None:
        """What keeps our own voice out, where that is not what was told last."""
        guard, found = self.guard, self.alignment.found_s is not None
        told = (guard.warming_up, guard.half_duplex, found, self.alignment.moves)
        if told == self._told:
            return None
        self._told = told
        latency_ms = -1.0 if self.latency_ms is None else max(0.0, round(self.latency_ms, 1))
        return EchoState(self.layer, guard.warming_up, guard.half_duplex, guard.reason, guard.erle_db, latency_ms)

    def clean(self, block: Int16, heard_until: int, device_ns: int) -> Int16:
        """The next int16[n] at EAR_RATE_HZ -> int16[m] without echo, in whole frames; the rest waits. `heard_until`:
        the position, at EAR_RATE_HZ, of the last sample that the microphone delivered, heard at `device_ns`."""
        self.line.feed(heard_until, device_ns)
        self._waiting = np.concatenate((self._waiting, block))
        clean = [self._waiting[:0]]
        while self._waiting.size >= ECHO_FRAME_SAMPLES and self._ready():
            frame, self._waiting = np.split(self._waiting, [ECHO_FRAME_SAMPLES])
            clean.append(self._cancel(frame))
        return np.concatenate(clean)

    def judge(self, probability: float, window_samples: int) -> float:
        """The probability that the user speaks in the last window, where a detector says that somebody does."""
        end = self._far.size - self._delay
        if dbfs(self._far[end - LOOKED_SAMPLES - TAIL_SAMPLES : end]) < PLAYED_DBFS:
            self._rest.forget()
            return probability
        sounds = dbfs(self._far[-window_samples:]) >= PLAYED_DBFS  # a voice that has broken off looks like many places
        if sounds and self.alignment.feed(self._find(self._near)):
            self._align()
        window = self._window(probability, window_samples)
        self.guard.feed(window)
        user = probability >= SUSPECT and not self._deaf and self._is_user(window)
        self._rest.keep(user)
        return probability if user or probability < SUSPECT else 0.0

    @property
    def _deaf(self) -> bool:
        return self.guard.half_duplex or not self.alignment.settled

    def _is_user(self, window: EchoWindow) -> bool:
        loudest_dbfs = max(dbfs(part) for part in np.split(self._near, LOUD_PARTS))
        found, learning = self._find(self._clean), self.guard.warming_up
        return self._rest.is_user(window, loudest_dbfs, found, self.alignment.delay_s, learning)

    def _find(self, heard: Int16) -> Found:
        """Our own voice in the last LOOKED_SAMPLES of something."""
        expected_s = self.alignment.found_s or 0.0
        return find_echo(to_float32(heard), to_float32(self._far), EAR_RATE_HZ, expected_s)

    def _window(self, probability: float, samples: int) -> EchoWindow:
        end = self._far.size - self._delay
        far_dbfs = dbfs(self._far[end - samples : end])
        return EchoWindow(samples * 1000 / EAR_RATE_HZ, far_dbfs, *self.levels(samples), probability)

    def levels(self, samples: int) -> tuple[float, float]:
        """Of the last that was heard, and of what was left of it, in dBFS."""
        return dbfs(self._near[-samples:]), dbfs(self._clean[-samples:])

    @property
    def _delay(self) -> int:
        """By how many samples the reference is read later."""
        return round(self.alignment.delay_s * EAR_RATE_HZ)

    def _ready(self) -> bool:
        """The reference is there for the next frame, or has been waited for long enough."""
        until_ns = self.line.time_of(self._taken + ECHO_FRAME_SAMPLES)
        return self._waiting.size >= WAIT_MOST_SAMPLES or self.reference.covers(until_ns)

    def _cancel(self, near: Int16) -> Int16:
        self._taken += near.size
        _append(self._far, self.reference.sounded(self.line.time_of(self._taken), near.size))
        end = self._far.size - self._delay
        far = self._far[end - near.size : end]
        residual = self._linear.cancel(to_float32(near), to_float32(far))
        clean = to_int16(residual)
        if self.canceller is not None:
            clean = self.canceller.cancel(clean, far)
        _append(self._near, near)
        _append(self._clean, clean)
        return clean

    def _align(self) -> None:
        """The reference was moved. The first time what was learned lies at the wrong place; later it is the echo that
        moved, and the reference with it, so the room is as it was."""
        if self.alignment.moves == 1:
            self._linear.reset()
            if self.canceller is not None:
                self.canceller.reset()


def _append(kept: Int16, new: Int16) -> None:
    kept[: -new.size] = kept[new.size :]
    kept[-new.size :] = new
