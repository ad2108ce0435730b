"""The bytes of a server's answer -> samples: raw PCM or a WAV, in pieces of any length.

Rules. Pure: it is fed bytes and raises ValueError (what was sent: the cure) for what is no such audio. Nothing
compressed is decoded: the request asks for PCM. Raw PCM carries no rate, so it is taken to have the one that was set,
unless the server tells another. What the server calls it is believed, except that a WAV is known by its first bytes,
for some call everything PCM.
"""

from __future__ import annotations

from email.message import Message

import numpy as np

from stitcher.pcm import Float32, to_float32
from stitcher.wav import WavStream

SAMPLE_BYTES = 2  # int16, little-endian, mono: what "pcm" means to every such server

_WAV = frozenset("audio/wav audio/x-wav audio/wave audio/vnd.wave".split())
_PCM = frozenset(["audio/pcm"])
_ANY = frozenset(["", "application/octet-stream", "binary/octet-stream"])  # by servers that do not say
_MAGIC = {b"ID3": "MP3", b"\xff\xfb": "MP3", b"\xff\xf3": "MP3", b"\xff\xf2": "MP3", b"OggS": "Ogg", b"fLaC": "FLAC"}
_SNIFF_BYTES = 4  # the longest of these, and RIFF
_CURE = "set tts.openai_speech.response_format to what this server has, or base_url to another"


class SpeechAnswer:
    """One answer. `content_type`: the header as it came; `rate_hz`: what the samples must have."""

    def __init__(self, content_type: str, rate_hz: int) -> None:
        header = Message()
        header["content-type"] = content_type
        self._kind = header.get_content_type() if content_type else ""
        if self._kind not in _WAV | _PCM | _ANY:
            raise ValueError(f"{self._kind} instead of PCM or WAV: {_CURE}")
        self._rate_hz = rate_hz
        told = header.get_param("rate")
        if isinstance(told, str) and told.isdigit():
            self._check(int(told))
        self._wav: WavStream | None = None
        self._known = False  # whether the first bytes have been looked at
        self._rest = b""

    def feed(self, block: bytes) -> Float32:
        """float32 mono, full scale 1.0: the samples that are whole with this block."""
        block, self._rest = self._rest + block, b""
        if not self._known:
            if len(block) < _SNIFF_BYTES:
                self._rest = block
                return np.zeros(0, np.float32)
            self._look(block[:_SNIFF_BYTES])
        if self._wav is None:
            whole = len(block) // SAMPLE_BYTES * SAMPLE_BYTES
            self._rest = block[whole:]
            # The lowest int16 lies just below full scale.
            return np.maximum(to_float32(np.frombuffer(block, "<i2", whole // SAMPLE_BYTES)), np.float32(-1))
        try:
            pcm = self._wav.feed(block)
        except ValueError as error:
            raise ValueError(f"a file that {str(error).partition(';')[0]}: {_CURE}") from None
        if self._wav.rate_hz:
            self._check(self._wav.rate_hz)
        return np.maximum(pcm, np.float32(-1))

    def _look(self, head: bytes) -> None:
        self._known = True
        if self._kind in _WAV or head == b"RIFF":
            self._wav = WavStream()
        elif self._kind in _ANY:
            found = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
            if found:
                raise ValueError(f"{found} instead of PCM or WAV: {_CURE}")

    def _check(self, rate_hz: int) -> None:
        if rate_hz != self._rate_hz:
            raise ValueError(f"audio of {rate_hz} Hz: set tts.openai_speech.rate_hz, now {self._rate_hz}, to that")
