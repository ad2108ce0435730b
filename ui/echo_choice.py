"""Which layer keeps our own voice out of what is heard, and why: decided in one place, for talks and for the doctor.

client (it cancels for itself) > what echo.adapter names > auto: webrtc, else linear; none where nothing comes back
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.base import EAR_RATE_HZ, AdapterError
from adapters.ears.base import EchoCanceller
from adapters.registry import Context
from orchestrator.config import Config
from orchestrator.echo import EchoPath
from stitcher.echo_reference import EchoReference
from ui.compose import make

PREFERRED = "webrtc"
OURS_ALONE = "linear"


@dataclass(frozen=True, slots=True)
class EchoChoice:
    """`layer`: as the journal will name it. `lacking`: why it is not the preferred one, where that can be cured."""

    layer: str
    why: str
    canceller: EchoCanceller | None = None
    lacking: AdapterError | None = None

    def path(self, rate_hz: int) -> EchoPath | None:
        """The way past our own voice for a speaker at `rate_hz`; None where we are to cancel nothing."""
        if self.layer in ("client", "none"):
            return None
        return EchoPath(self.canceller, EchoReference(rate_hz, EAR_RATE_HZ))


def choose_echo(config: Config, context: Context, devices: bool, client_cancels: bool = False) -> EchoChoice:
    """`devices`: microphone and speaker are both real, else nothing comes back. `client_cancels`: whoever is at the
    other end has a canceller of its own, and two in a row are worse than one. Raises AdapterError where one that is
    asked for by name cannot be had."""
    name = config.echo.adapter
    if client_cancels:
        return EchoChoice("client", "it cancels its own echo: ours stays out of it")
    if name == "none":
        return EchoChoice("none", "echo.adapter is 'none': use headphones, or --half-duplex")
    if name == "auto" and not devices:
        return EchoChoice("none", "microphone or speaker is a file: nothing comes back")
    if name == OURS_ALONE:
        return EchoChoice(OURS_ALONE, "echo.adapter is 'linear': the linear part alone")
    try:
        canceller: EchoCanceller = make(config, context, "echo", PREFERRED if name == "auto" else name)
    except AdapterError as error:
        if name != "auto":
            raise
        return EchoChoice(OURS_ALONE, "the linear part alone, for the canceller is missing", lacking=error)
    described = canceller.describe()
    why = "the best that is installed" if name == "auto" else f"echo.adapter is {name!r}"
    return EchoChoice(described.name, f"{why}; version {described.version}", canceller)


def both_devices(config: Config) -> bool:
    """What the speaker plays, the microphone may hear: neither is a file."""
    return not any(spec.lower().endswith(".wav") for spec in (config.audio.microphone, config.audio.speaker))
