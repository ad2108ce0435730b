"""A room: what the microphone hears of the loudspeaker, of the user, and of itself. Pure acoustics, at one rate.

    played --clocks apart--> delay (jumps) --> loudspeaker's response --> + user's response + noise --> heard

A response is a direct sound and a tail of noise that dies away exponentially (Polack's model). `direct_db` says how far
apart loudspeaker and microphone are: at 0 dB as much comes from the walls as straight, in a living room at about 0.6 m.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from adapters.base import EAR_RATE_HZ
from stitcher.pcm import Float32, Int16, to_int16

DECAY = 6.91  # 60 dB, in nepers: what RT60 means
EDGE_MS = 5  # the direct sound alone, before the first wall
BATCH = 512  # samples that are convolved at once, at most


@dataclass(frozen=True, slots=True)
class RoomClass:
    """`echo_db`: of the echo's power against what was played. `jumps`: (at_ms, to_ms) of the delay."""

    name: str
    rt60_ms: float
    delay_ms: float = 60.0  # from the sink's block to the air, and to the microphone
    echo_db: float = -6.0
    direct_db: float = 3.0
    drift_ppm: float = 0.0  # the loudspeaker's clock against the microphone's
    jumps: tuple[tuple[float, float], ...] = ()
    noise_dbfs: float = -65.0


def response(rt60_ms: float, direct_db: float, random: Any) -> Float32:
    """float32[n] of unit power. `random`: a numpy generator."""
    size = max(1, int(rt60_ms * EAR_RATE_HZ / 1000))
    at = np.arange(size)
    tail = random.normal(size=size) * np.exp(-DECAY * at / size) * (at >= EDGE_MS * EAR_RATE_HZ // 1000)
    power = float(np.sum(np.square(tail)))
    direct = 10 ** (direct_db / 20)
    whole = tail / np.sqrt(power) if power > 0.0 else tail
    whole[0] = direct
    scaled: Float32 = (whole / np.sqrt(np.sum(np.square(whole)))).astype(np.float32)
    return scaled


class Reverberant:
    """A response applied block by block."""

    def __init__(self, response: Float32) -> None:
        self._size = 1 << (response.size + BATCH - 1).bit_length()
        self._spectrum = np.fft.rfft(response, self._size)
        self._tail = np.zeros(self._size, np.float32)

    def push(self, block: Float32) -> Float32:
        """float32[n] -> float32[n], n at most BATCH."""
        assert block.size <= BATCH, f"a block of {block.size} samples"
        if block.any():
            self._tail += np.fft.irfft(np.fft.rfft(block, self._size) * self._spectrum, self._size)
        out: Float32 = self._tail[: block.size].copy()
        self._tail[: -block.size] = self._tail[block.size :]
        self._tail[-block.size :] = 0.0
        return out


class Room:
    """Told what sounds, at EAR_RATE_HZ by the loudspeaker's clock; asked block by block for what is heard."""

    def __init__(self, kind: RoomClass, random: Any) -> None:
        self._kind = kind
        self._random = random
        self._echo = Reverberant(response(kind.rt60_ms, kind.direct_db, random) * np.float32(10 ** (kind.echo_db / 20)))
        self._mouth = Reverberant(response(kind.rt60_ms, kind.direct_db, random))
        self._noise = 10 ** (kind.noise_dbfs / 20)
        self.position = 0  # samples heard

    def hear(self, played: Float32, user: Float32) -> Int16:
        """What the microphone makes of a block of both, of equal size."""
        heard = self._echo.push(played) + self._mouth.push(user)
        heard = heard + self._noise * self._random.standard_normal(played.size, np.float32)
        self.position += played.size
        return to_int16(heard.astype(np.float32))

    def sounding(self, count: int) -> npt.NDArray[np.float64]:
        """Which places of the loudspeaker's stream, in seconds of its own clock, sound in the next `count` samples."""
        at_s = (self.position + np.arange(count)) / EAR_RATE_HZ
        delay_ms = self._kind.delay_ms
        for at_ms, to_ms in self._kind.jumps:
            delay_ms = to_ms if self.position * 1000 / EAR_RATE_HZ >= at_ms else delay_ms
        places: npt.NDArray[np.float64] = (at_s - delay_ms / 1000) * (1 + self._kind.drift_ppm * 1e-6)
        return places
