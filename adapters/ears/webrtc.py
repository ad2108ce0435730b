"""WebRTC's echo canceller (AEC3), through the `livekit` package. That is a client for a media server; we use nothing of
it but the audio processing, and nothing of that opens a connection (traced: not one socket beyond a local pair).

It finds the delay of the echo by itself, up to about half a second behind the reference, learns the room, and
suppresses what is left. In a simulated room with a tail of 0.4 s it took 19 dB off the echo in the first seconds and 41
to 44 dB after ten; a frame costs 0.07 to 0.3 ms. Noise suppression is off unless it is asked for: the recognizer
and the detectors were trained on noise, not on what a suppressor leaves.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from adapters.base import EAR_RATE_HZ, AdapterError, Capability
from adapters.ears.base import ECHO_FRAME_SAMPLES
from stitcher.pcm import Int16

if TYPE_CHECKING:
    from adapters.registry import Context


class WebrtcCanceller:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        noise_suppression: bool = False

    def __init__(self, options: Options, context: Context) -> None:
        try:
            self._rtc = _library()
        except ImportError as error:
            cure = "pip install 'duckbill[webrtc]', or set echo.adapter to 'none'"
            raise AdapterError("missing", f"echo.webrtc needs livekit: {cure}") from error
        self._options = options
        self.reset()

    def describe(self) -> Capability:
        return Capability(
            name="webrtc", version=version("livekit"), role="echo", streaming=True, unit_samples=ECHO_FRAME_SAMPLES,
            granularity=(1,), stateful_context="rolling", delivery="push", rate_hz=EAR_RATE_HZ,
        )  # fmt: skip

    def cancel(self, near: Int16, far: Int16) -> Int16:
        assert near.size == far.size == ECHO_FRAME_SAMPLES, f"frames of {near.size} and {far.size} samples"
        frame = self._frame(near)
        try:
            self._module.process_reverse_stream(self._frame(far))
            self._module.set_stream_delay_ms(0)  # the reference is aligned; it finds what is left
            self._module.process_stream(frame)
        except RuntimeError as error:
            raise AdapterError("crashed", f"echo.webrtc failed: {error}; set echo.adapter to 'none'") from error
        return np.frombuffer(frame.data, np.int16).copy()

    def reset(self) -> None:
        self._module = self._rtc.AudioProcessingModule(
            echo_cancellation=True, noise_suppression=self._options.noise_suppression, high_pass_filter=True
        )

    def _frame(self, pcm: Int16) -> Any:
        return self._rtc.AudioFrame(bytearray(pcm.tobytes()), EAR_RATE_HZ, 1, ECHO_FRAME_SAMPLES)


def _library() -> Any:
    """The package, its log turned off: threads of its own call Python with what they log, and where such a call meets
    the interpreter's end the process aborts (seen in one of thirteen short ones; in none without the log)."""
    from livekit import rtc
    from livekit.rtc import _ffi_client

    client: Any = _ffi_client
    if client.FfiClient._instance is None:
        load = client.get_ffi_lib
        client.get_ffi_lib = lambda: _Unlogged(load())
        try:
            _ = client.FfiClient.instance
        finally:
            client.get_ffi_lib = load
    return rtc


class _Unlogged:
    """The native library, but for one argument of its initialization."""

    def __init__(self, library: Any) -> None:
        self._library = library
        initialize = library.livekit_ffi_initialize
        self.livekit_ffi_initialize = lambda callback, log, *more: initialize(callback, False, *more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)
