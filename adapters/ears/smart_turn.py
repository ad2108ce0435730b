"""Smart Turn: has the user finished, or only paused? Heard from the tune of the voice, not from words.

    the turn so far -> its last 8 s, zeros in front of what is shorter -> made equally loud -> log-mel -> model

Asked at a silence. The model (v3.2, int8, BSD-2) is Whisper's smallest encoder with a classifier behind it; it was
trained on turns that end in about 200 ms of silence, so that much should be in what it is given. Same audio, same
answer. ONNX Runtime on one thread.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from adapters.base import EAR_RATE_HZ, AdapterError, Capability, Cost
from adapters.ears.log_mel import log_mel
from adapters.registry import Context
from adapters.runtime import session
from stitcher.pcm import Float32

VERSION = "3.2"
REACH_SECONDS = 8  # what the model takes
REACH_SAMPLES = REACH_SECONDS * EAR_RATE_HZ
VARIANCE_LEAST = 1e-7  # so that silence is not divided by nothing
MS_SAMPLES = EAR_RATE_HZ // 1000
INPUT = "input_features"


class SmartTurn:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        weights: str = Field("smart-turn-v3.2", description="entry of the catalogue of weights")
        threads: int = Field(1, ge=1, le=64)

    def __init__(self, options: Options, context: Context) -> None:
        self.options = options
        self._context = context
        self._cost: Cost | None = None
        self._sha256 = ""

    def describe(self) -> Capability:
        return Capability(
            name="smart_turn", version=VERSION, role="ears", unit="ms", unit_samples=MS_SAMPLES, deterministic=True,
            rate_hz=EAR_RATE_HZ, cost=self._cost, weights_sha256=self._sha256,
        )  # fmt: skip

    def warm_up(self) -> None:
        """Load, and measure a call: it costs the same whatever was said."""
        clock, silence = self._context.clock, np.zeros(REACH_SAMPLES, np.float32)
        start_ns = clock.now_ns()
        self.probability(silence)  # the first call plans its memory
        loaded_ns = clock.now_ns()
        self.probability(silence)
        self._cost = Cost(load_ns=loaded_ns - start_ns, call_ns=clock.now_ns() - loaded_ns)
        self._sha256 = self._context.weights.sha256(self.options.weights)

    def probability(self, pcm: Float32) -> float:
        session, features = self._session, log_mel(equally_loud(pcm))
        try:
            (answer,) = session.run(None, {INPUT: features[np.newaxis]})
        except Exception as error:  # onnxruntime raises types of its own
            line = f"ears.smart_turn failed: {str(error).splitlines()[0][:100]}"
            raise AdapterError("crashed", line, retryable=True) from error
        return min(1.0, max(0.0, float(answer.item())))

    def close(self) -> None:
        self.__dict__.pop("_session", None)

    @cached_property
    def _session(self) -> Any:
        """Loaded when first asked for. Raises AdapterError."""
        (path,) = self._context.weights.files(self.options.weights)
        loaded = session(str(path), self.options.threads, "smart_turn model")
        if [given.name for given in loaded.get_inputs()] != [INPUT]:
            line = f"weights.{self.options.weights} is no Smart Turn model: its input is not {INPUT}"
            raise AdapterError("unsupported", f"{line}; correct the path")
        return loaded


def equally_loud(pcm: Float32) -> Float32:
    """The last REACH_SAMPLES, the missing ones zeros in front, of mean 0 and variance 1."""
    recent = pcm[-REACH_SAMPLES:]
    whole = np.pad(recent, (REACH_SAMPLES - recent.size, 0)).astype(np.float32)
    loud: Float32 = (whole - whole.mean()) / np.sqrt(whole.var() + VARIANCE_LEAST)
    return loud
