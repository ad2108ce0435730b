"""A wake word, spotted by microWakeWord's models, which pymicro-wakeword bundles (no network, Apache-2.0).

    10 ms of samples -> 40 bands -> streaming model, a few at a time -> mean of its last answers -> above a cut-off?

It says True where the word has just ended, several times over: who listens counts them as one (orchestrator.waking). It
keeps a state: feed every window, in order. A window costs about 0.05 ms.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from adapters.base import EAR_RATE_HZ, AdapterError, Capability
from stitcher.pcm import Int16

if TYPE_CHECKING:
    from adapters.registry import Context

WINDOW_SAMPLES = EAR_RATE_HZ // 100  # what the library takes at once
Word = Literal["hey_jarvis", "okay_nabu", "alexa", "hey_mycroft"]


class MicroWake:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        word: Word = Field("hey_jarvis", description="what it listens for")
        cutoff: float | None = Field(None, gt=0.0, lt=1.0, description="probability that counts; none: the model's own")

    def __init__(self, options: Options, context: Context) -> None:
        try:
            from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model
        except ImportError as error:
            cure = "pip install 'duckbill[wake]', or leave ears.wake empty"
            raise AdapterError("missing", f"ears.wake needs pymicro-wakeword: {cure}") from error
        self._model = MicroWakeWord.from_builtin(Model(options.word))
        if options.cutoff is not None:
            self._model.probability_cutoff = options.cutoff
        self._features = MicroWakeWordFeatures()

    def describe(self) -> Capability:
        return Capability(
            name="wake", version=version("pymicro-wakeword"), role="ears", streaming=True, unit_samples=WINDOW_SAMPLES,
            granularity=(1,), deterministic=True, stateful_context="rolling", delivery="push", rate_hz=EAR_RATE_HZ,
        )  # fmt: skip

    @property
    def window_samples(self) -> int:
        return WINDOW_SAMPLES

    def feed(self, window: Int16) -> bool:
        assert window.size == WINDOW_SAMPLES, f"a window of {window.size} samples"
        heard = [self._model.process_streaming(one) for one in self._features.process_streaming(_bytes(window))]
        return any(heard)

    def reset(self) -> None:
        self._features.reset()
        self._model.reset()


def _bytes(window: Int16) -> bytes:
    return window.astype("<i2").tobytes()
