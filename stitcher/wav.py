"""RIFF/WAVE: written as a stream with one header, read from whatever a stranger's program left.

The writer does int16 mono. Its header goes out first, with the sizes of a stream that has not ended; if
the file can be sought, `finish` puts the real ones in. So what a crash leaves is readable too.

The reader takes PCM of 8, 16, 24 and 32 bits and floats, any number of channels (mixed down), and
believes no size it is told: what is cut off ends early, what is marked as a stream ends with the data.
Nothing here opens a file. What cannot be read is a ValueError of one line.

    RIFF size WAVE | fmt_ size codec channels rate_hz bytes/s block bits | ... | data size samples
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from stitcher.pcm import Float32, Int16, to_float32

STREAMING = 0xFFFFFFFF  # a size that is not known yet; 0 is in use for that as well
RIFF_BYTES = 36  # what the RIFF size counts before the samples
SAMPLE_BYTES = 2
RATES_HZ = range(1_000, 768_001)  # beyond what sound cards offer: the header is damaged

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_FORMAT = struct.Struct("<HHIIHH")
_CHUNK = struct.Struct("<4sI")
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_SUBFORMAT_AT = 24  # where an extensible format keeps the real codec
_CODECS = {2: "ADPCM", 6: "A-law", 7: "mu-law", 0x11: "IMA ADPCM", 0x31: "GSM", 0x50: "MPEG", 0x55: "MP3"}
_CURE = "convert it to 16-bit PCM, for instance with ffmpeg -i IN -c:a pcm_s16le OUT.wav"


# -- writing ------------------------------------------------------------------------------


def header(rate_hz: int, samples: int | None) -> bytes:
    """The 44 bytes before int16 mono; `samples` None, or more than 4 GiB of them: a stream without end."""
    size = STREAMING if samples is None else samples * SAMPLE_BYTES
    if size + RIFF_BYTES > STREAMING:
        size = STREAMING
    riff_size = min(size + RIFF_BYTES, STREAMING)
    return _HEADER.pack(
        b"RIFF", riff_size, b"WAVE", b"fmt ", _FORMAT.size, _PCM, 1, rate_hz,
        rate_hz * SAMPLE_BYTES, SAMPLE_BYTES, 8 * SAMPLE_BYTES, b"data", size,
    )  # fmt: skip


class WavWriter:
    """Writes int16 mono to `file` block by block; the caller opens and closes it."""

    def __init__(self, file: BinaryIO, rate_hz: int) -> None:
        self._file = file
        self.rate_hz = rate_hz
        self.samples = 0
        file.write(header(rate_hz, None))

    def write(self, block: Int16) -> None:
        self._file.write(block.astype("<i2", copy=False).tobytes())
        self.samples += block.size

    def finish(self) -> None:
        """Put the real sizes into the header; a file that cannot be sought stays a stream."""
        if self._file.seekable():
            self._file.seek(0)
            self._file.write(header(self.rate_hz, self.samples))


# -- reading ------------------------------------------------------------------------------


def read_wav(data: bytes) -> tuple[Float32, int]:
    """A whole WAV -> float32 mono, full scale 1.0, and its rate. Raises ValueError."""
    if not data:
        raise ValueError("is empty")
    if data[:4] not in (b"RIFF", b"RF64") or data[8:12] != b"WAVE":
        raise ValueError(f"is not a WAV; {_CURE}")
    layout: _Layout | None = None
    for name, body in _chunks(data):
        if name == b"fmt ":
            layout = _layout(body)
        elif name == b"data":
            if layout is None:
                raise ValueError("is a damaged WAV: no format before the samples")
            return _mono(body, layout), layout.rate_hz
    raise ValueError("is a WAV without samples")


@dataclass(frozen=True, slots=True)
class _Layout:
    codec: int
    channels: int
    rate_hz: int
    width_bytes: int  # of one sample of one channel, its padding included


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Name and content of each chunk, cut at the end of the data."""
    view = memoryview(data)
    at = 12
    while at + _CHUNK.size <= len(data):
        name, size = _CHUNK.unpack_from(data, at)
        at += _CHUNK.size
        if name == b"data" and size == 0:
            size = STREAMING
        yield name, view[at : at + size]
        at += size + size % 2  # chunks begin at even places


def _layout(body: memoryview) -> _Layout:
    if len(body) < _FORMAT.size:
        raise ValueError("is a damaged WAV: its format is cut off")
    codec, channels, rate_hz, _, block_bytes, bits = _FORMAT.unpack_from(body)
    if codec == _EXTENSIBLE and len(body) >= _SUBFORMAT_AT + 2:
        (codec,) = struct.unpack_from("<H", body, _SUBFORMAT_AT)
    if codec not in (_PCM, _FLOAT):
        raise ValueError(f"holds {_CODECS.get(codec, f'codec {codec:#06x}')}; {_CURE}")
    if channels == 0 or rate_hz not in RATES_HZ or block_bytes % channels:
        raise ValueError(f"is a damaged WAV: {channels} channels at {rate_hz} Hz in {block_bytes} bytes")
    width = block_bytes // channels
    if width not in ((4, 8) if codec == _FLOAT else (1, 2, 3, 4)) or bits > 8 * width:
        raise ValueError(f"holds samples of {bits} bits in {width} bytes; {_CURE}")
    return _Layout(codec, channels, rate_hz, width)


def _mono(body: memoryview, layout: _Layout) -> Float32:
    """The samples as float32, the channels' mean."""
    count = len(body) // (layout.width_bytes * layout.channels)
    if count == 0:
        raise ValueError("is a WAV without samples")
    raw = np.frombuffer(body, np.uint8, count * layout.channels * layout.width_bytes)
    pcm = _floats(raw, layout.width_bytes) if layout.codec == _FLOAT else _integers(raw, layout.width_bytes)
    if layout.channels == 1:
        return pcm
    mixed: Float32 = pcm.reshape(count, layout.channels).mean(axis=1, dtype=np.float32)
    return mixed


def _floats(raw: npt.NDArray[np.uint8], width: int) -> Float32:
    """Clipped to full scale; what is not a number becomes silence."""
    numbers = np.nan_to_num(raw.view(f"<f{width}"))
    clipped: Float32 = np.clip(numbers, -1.0, 1.0).astype(np.float32)
    return clipped


def _integers(raw: npt.NDArray[np.uint8], width: int) -> Float32:
    if width == 1:  # the only unsigned one
        unsigned: Float32 = (raw.astype(np.float32) - np.float32(128)) / np.float32(127)
        return unsigned
    if width == 2:
        return to_float32(raw.view("<i2"))
    if width == 3:  # as the upper three bytes of four
        padded = np.zeros((raw.size // 3, 4), np.uint8)
        padded[:, 1:] = raw.reshape(-1, 3)
        raw = padded.reshape(-1)
    wide: Float32 = (raw.view("<i4") / (2**31 - 1)).astype(np.float32)
    return wide
