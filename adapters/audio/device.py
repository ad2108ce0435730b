"""Sound devices through PortAudio: the callback copies a block, notes when it sounds, and no more.

    PortAudio's thread: capture.take / playout.fill, notify      watch thread: is it still alive?

A device that refuses the rate that was asked is opened at one it takes, and `rate_hz` says so before the
start; one that refuses mono is opened with its channels, copied or mixed. A device that is unplugged may
end its stream, go inactive or just stop calling; the watch finds all three and reports one fault.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from adapters.audio.devices import ROLES, SEE, DeviceInfo, Kind, portaudio, resolve
from adapters.audio.watch import Watch
from adapters.base import EAR_RATE_HZ, AdapterError, Notify, OnFault
from stitcher.capture import Capture
from stitcher.pcm import BUS_RATE_HZ, FRAMES_PER_S, Int16
from stitcher.playout import Playout
from timeline.clock import NS_PER_S, Clock

BLOCK_MS = 20
LATENCY_MOST_S = 2.0  # no device buffers more; some hosts report nonsense instead
CLOSE_MOST_S = 3.0  # longer than any latency that has to be played out
OTHER_RATES_HZ = (48_000, 44_100, 32_000, 24_000, 16_000)  # tried after the device's own


class _Device:
    """What both directions share: choosing the format, opening, watching, stopping."""

    kind: Kind

    def __init__(self, device: str | int | None, clock: Clock, rate_hz: int, block_ms: int) -> None:
        self._clock = clock
        self._spec = device
        self._info = resolve(device, self.kind)
        self._rate_hz, self._channels = _format(self._info, self.kind, rate_hz)
        self._block_samples = self._rate_hz * block_ms // 1000
        self.xruns = 0  # blocks that came too late or were lost in the device
        self._calls = 0
        self._device_ns = 0
        self._latency_s = 0.0
        self._error: Exception | None = None
        self._lost = False  # unplugged: closing it may never return
        self._stream: Any = None
        self._watch: Watch | None = None

    @property
    def rate_hz(self) -> int:
        """What the device really runs at; known before it is started."""
        return self._rate_hz

    @property
    def name(self) -> str:
        return self._info.name

    @property
    def spec(self) -> str | None:
        """Means the same device to a PortAudio that looks anew, whose numbers may be others; None: the default."""
        return None if self._spec is None else f"{self.name} ({self._info.host_api})"

    def stop(self) -> None:
        """Plays out what the device has taken already. To be called after a fault too."""
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
        stream, self._stream = self._stream, None
        if stream is not None:
            closing = threading.Thread(target=_close, args=(stream,), name="close device", daemon=True)
            closing.start()
            if self._lost:
                # PortAudio may hang or abort when it is terminated now; the end of the process frees all.
                atexit.unregister(getattr(portaudio(), "_exit_handler", _close))
            else:
                closing.join(CLOSE_MOST_S)

    def _open(self, notify: Notify, on_fault: OnFault) -> None:
        sd = portaudio()
        self._abort = sd.CallbackAbort
        self._notify = notify
        self._error, self._lost = None, False
        self._watch = watch = Watch(lambda: self._calls, self._fault)
        opening = sd.RawInputStream if self.kind == "input" else sd.RawOutputStream
        try:
            self._stream = opening(
                device=self._info.number, samplerate=self._rate_hz, channels=self._channels, dtype="int16",
                blocksize=self._block_samples, callback=self._callback, finished_callback=watch.look,
                dither_off=True,  # noise of one bit would make equal audio unequal
            )  # fmt: skip
            latency_s = self._stream.latency
            self._latency_s = latency_s if 0 < latency_s < LATENCY_MOST_S else 0.0
            self._stream.start()
        except sd.PortAudioError as error:
            self.stop()
            line = f"{self._title} does not open: {error.args[0]}; is another program holding it? ({SEE})"
            raise AdapterError("refused", line) from error
        watch.start(self._title, on_fault)

    def _callback(self, buffer: Any, frames: int, times: Any, status: Any) -> None:
        try:
            self.xruns += status.input_overflow or status.output_underflow
            self._calls += 1
            block = np.frombuffer(buffer, np.int16).reshape(frames, self._channels)
            # Hosts' times jitter; a stream of facts must not run backwards.
            self._device_ns = max(self._device_ns, self._when_ns(times, frames))
            self._exchange(block, self._device_ns)
            self._notify()
        except Exception as error:
            self._error = error
            raise self._abort from error

    def _when_ns(self, times: Any, frames: int) -> int:
        raise NotImplementedError

    def _exchange(self, block: Int16, device_ns: int) -> None:
        """Fill or take int16[frames, channels]."""
        raise NotImplementedError

    def _offset_ns(self, offset_s: float) -> int:
        """A distance between two of the host's times, or the latency where the host gave no such times."""
        return int((offset_s if 0 < offset_s < LATENCY_MOST_S else self._latency_s) * NS_PER_S)

    def _fault(self, still: bool) -> AdapterError | None:
        """What is wrong with the stream; `still`: no block came for longer than any device pauses."""
        if self._error is not None:
            line = f"{self._title}: {type(self._error).__name__} in its callback: {self._error}"
            return AdapterError("crashed", line)
        try:
            alive = self._stream.active and not still
        except portaudio().PortAudioError:
            alive = False
        if alive:
            return None
        self._lost = True
        return AdapterError("unplugged", f"{self._title} is gone; plug it in again or choose another ({SEE})")

    @property
    def _title(self) -> str:
        return f"{ROLES[self.kind]} {self.name!r}"


class DeviceMicrophone(_Device):
    """Hears through the device `device`: a number, a name, a part of one, or None for the default."""

    kind: Kind = "input"

    def __init__(
        self, device: str | int | None, clock: Clock, block_ms: int = BLOCK_MS, rate_hz: int = EAR_RATE_HZ
    ) -> None:
        super().__init__(device, clock, rate_hz, block_ms)

    def start(self, capture: Capture, notify: Notify, on_fault: OnFault) -> None:
        if self._stream is None:
            self._capture = capture
            self._open(notify, on_fault)

    def _when_ns(self, times: Any, frames: int) -> int:
        """When the block's last sample was heard; the host tells of the first one."""
        now_ns = self._clock.now_ns()
        first_ns = now_ns - self._offset_ns(times.currentTime - times.inputBufferAdcTime)
        return min(now_ns, first_ns + frames * NS_PER_S // self._rate_hz)

    def _exchange(self, block: Int16, device_ns: int) -> None:
        mono = block[:, 0] if self._channels == 1 else np.rint(block.mean(axis=1)).astype(np.int16)
        if self._stream is not None:  # a device that was taken for dead may call again while another is heard
            self._capture.take(mono, device_ns)


class DeviceSpeaker(_Device):
    """Plays through the device `device`: a number, a name, a part of one, or None for the default."""

    kind: Kind = "output"
    paced = True

    def __init__(
        self, device: str | int | None, clock: Clock, rate_hz: int = BUS_RATE_HZ, block_ms: int = BLOCK_MS
    ) -> None:
        super().__init__(device, clock, rate_hz, block_ms)

    def start(self, playout: Playout, notify: Notify, on_fault: OnFault) -> None:
        if self._stream is None:
            self._playout = playout
            self._open(notify, on_fault)

    def kick(self) -> None:
        """The device comes for its blocks by itself."""

    def _when_ns(self, times: Any, frames: int) -> int:
        """When the block's first sample will sound."""
        return self._clock.now_ns() + self._offset_ns(times.outputBufferDacTime - times.currentTime)

    def _exchange(self, block: Int16, device_ns: int) -> None:
        self._playout.fill(block[:, 0], device_ns)
        block[:, 1:] = block[:, :1]


def _close(stream: Any) -> None:
    stream.stop(ignore_errors=True)
    stream.close(ignore_errors=True)


def _format(info: DeviceInfo, kind: Kind, rate_hz: int) -> tuple[int, int]:
    """Rate and channels that the device takes, the nearest to mono at `rate_hz`. Raises AdapterError."""
    sd = portaudio()
    check = sd.check_input_settings if kind == "input" else sd.check_output_settings
    for rate, channels in _formats(info, kind, rate_hz):
        try:
            check(device=info.number, channels=channels, dtype="int16", samplerate=rate)
        except sd.PortAudioError as error:
            refusal = error
            continue
        return rate, channels
    line = f"{ROLES[kind]} {info.name!r} takes none of our rates: {refusal.args[0]}; choose another ({SEE})"
    raise AdapterError("unsupported", line)


def _formats(info: DeviceInfo, kind: Kind, rate_hz: int) -> Iterator[tuple[int, int]]:
    """Rates and channels worth asking for, the best first; a rate must divide into frames of 20 ms."""
    most = info.channels(kind)
    for rate in dict.fromkeys((rate_hz, info.default_rate_hz, *OTHER_RATES_HZ)):
        if rate % FRAMES_PER_S == 0:
            yield from ((rate, channels) for channels in dict.fromkeys((1, 2, most)) if channels <= most)
