"""The contracts of the ears: small models that listen to the microphone, each behind a protocol of its own.

Vad        describe, window_samples, probability(window), reset
WakeWord   describe, window_samples, feed(window), reset
EndOfTurn  describe, warm_up, probability(pcm), close
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from adapters.base import EAR_RATE_HZ, Capability
from stitcher.pcm import Float32, Int16


class Ear(Protocol):
    """Keeps a state: fed every window, in order."""

    def describe(self) -> Capability: ...

    @property
    def window_samples(self) -> int:
        """Samples of one window, at EAR_RATE_HZ."""
        ...

    def reset(self) -> None: ...


@runtime_checkable
class Vad(Ear, Protocol):
    def probability(self, window: Int16) -> float:
        """Probability in [0, 1] that the next window, int16[window_samples], is speech."""
        ...


@runtime_checkable
class WakeWord(Ear, Protocol):
    def feed(self, window: Int16) -> bool:
        """Whether the word ends in the next window, int16[window_samples]."""
        ...


@runtime_checkable
class EndOfTurn(Protocol):
    """Stateless, as the recognizer is."""

    def describe(self) -> Capability: ...

    def warm_up(self) -> None: ...

    def probability(self, pcm: Float32) -> float:
        """Probability in [0, 1] that who spoke has finished. `pcm`: float32 mono at EAR_RATE_HZ, what was said and the
        silence behind it. Raises AdapterError."""
        ...

    def close(self) -> None: ...


ECHO_FRAME_SAMPLES = EAR_RATE_HZ // 100
"""What an echo canceller takes at once: 10 ms."""


class EchoCanceller(Protocol):
    """Takes what we play ourselves out of what the microphone hears."""

    def describe(self) -> Capability: ...

    def cancel(self, near: Int16, far: Int16) -> Int16:
        """`near`: the next int16[ECHO_FRAME_SAMPLES] of the microphone; `far`: what was played, its echo in `near` or
        in one of the next frames. Returns `near` without echo, as long. Raises AdapterError."""
        ...

    def reset(self) -> None:
        """Forget the room."""
        ...
