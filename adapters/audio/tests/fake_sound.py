"""A stand-in for the sounddevice module: devices with opinions, and streams that a test drives by hand."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np


class PortAudioError(Exception):
    pass


class CallbackAbort(Exception):
    pass


class Stream:
    """One opened stream: `exchange` is the device coming for a block."""

    def __init__(self, sound, kind, *, callback, finished_callback, channels, samplerate, blocksize, **other):
        if sound.busy:
            raise PortAudioError("Device unavailable")
        self.callback, self.finished = callback, finished_callback
        self.channels, self.rate_hz, self.block_samples = channels, samplerate, blocksize
        self.latency = sound.latency_s
        self.active = False
        self.calls: list[str] = []
        sound.streams.append(self)

    def exchange(self, block=None, adc=0.0, dac=0.0, current=0.0, overflow=False, underflow=False):
        """Call back with int16[frames, channels]; returns what lies in it afterwards."""
        if block is None:
            block = np.full((self.block_samples, self.channels), 99, np.int16)
        buffer = bytearray(block.astype(np.int16).tobytes())
        times = SimpleNamespace(inputBufferAdcTime=adc, outputBufferDacTime=dac, currentTime=current)
        status = SimpleNamespace(input_overflow=overflow, output_underflow=underflow)
        try:
            self.callback(buffer, len(block), times, status)
        except CallbackAbort:
            self.end()
        return np.frombuffer(buffer, np.int16).reshape(block.shape)

    def end(self):
        self.active = False
        self.finished()

    def start(self):
        self.active = True

    def stop(self, ignore_errors=True):
        self.calls.append("stop")
        self.active = False

    def close(self, ignore_errors=True):
        self.calls.append("close")


class Sound:
    """The module. `rates_hz` and `channels`: all that its devices accept."""

    PortAudioError = PortAudioError
    CallbackAbort = CallbackAbort

    def __init__(
        self,
        devices: Sequence[tuple[str, int, int]] = (("Card", 2, 2),),
        default=(0, 0),
        rates_hz=(16_000, 24_000, 48_000),
        channels=(1, 2),
        default_rate_hz=48_000,
        latency_s=0.0,
    ) -> None:
        self.devices = devices
        self.default = SimpleNamespace(device=default)
        self.rates_hz, self.channels = rates_hz, channels
        self.default_rate_hz, self.latency_s = default_rate_hz, latency_s
        self.busy = False
        self.streams: list[Stream] = []

    def query_hostapis(self):
        return [{"name": "ALSA"}]

    def query_devices(self):
        return [
            {
                "name": name,
                "hostapi": 0,
                "max_input_channels": inputs,
                "max_output_channels": outputs,
                "default_samplerate": float(self.default_rate_hz),
            }
            for name, inputs, outputs in self.devices
        ]

    def check_output_settings(self, device, channels, dtype, samplerate):
        if channels not in self.channels:
            raise PortAudioError("Invalid number of channels")
        if samplerate not in self.rates_hz:
            raise PortAudioError("Invalid sample rate")

    check_input_settings = check_output_settings

    def RawInputStream(self, **options):  # noqa: N802
        return Stream(self, "input", **options)

    def RawOutputStream(self, **options):  # noqa: N802
        return Stream(self, "output", **options)
