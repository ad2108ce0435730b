"""RIFF/WAVE: written as a stream with one header, read from whatever a stranger's program left.

The writer does int16 mono. Its header goes out first, with the sizes of a stream that has not ended; if
the file can be sought, `finish` puts the real ones in. So what a crash leaves is readable too.

The reader takes PCM of 8, 16, 24 and 32 bits and floats, any number of channels (mixed down), and
believes no size it is told: what is cut off ends early, what is marked as a stream ends with the data.
A WAV that arrives piece by piece is read as it comes.
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
HEAD_BYTES_MOST = 64 * 1024  # before the samples of one that arrives: titles and padding, never a picture book

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_FORMAT = struct.Struct("<HHIIHH")
_CHUNK = struct.Struct("<4sI")
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_SUBFORMAT_AT = 24  # where an extensible format keeps the real codec
_CODECS = {2: "ADPCM", 6: "A-law", 7: "mu-law", 0x11: "IMA ADPCM", 0x31: "GSM", 0x50: "MPEG", 0x55: "MP3"}
_TRAILERS = frozenset((b"LIST", b"fact", b"cue ", b"id3 ", b"ID3 ", b"bext", b"JUNK", b"smpl", b"PEAK"))
_NO_FORMAT = "is a damaged WAV: no format before the samples"
_NO_SAMPLES = "is a WAV without samples"
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
    view = memoryview(data)
    for name, at, size in _chunks(data):
        if name == b"fmt ":
            layout = _layout(view[at : at + size])
        elif name == b"data":
            if layout is None:
                raise ValueError(_NO_FORMAT)
            return _mono(view[at : at + size], layout), layout.rate_hz
    raise ValueError(_NO_SAMPLES)


class WavStream:
    """A WAV that arrives in pieces of any length. Servers write its header before they know its size, and what they
    write then is all ones, nothing, two thousand million, or the size of their first piece: so samples go on until
    the data end, or until a chunk of another name follows where the header said that they would end."""

    def __init__(self) -> None:
        self.rate_hz = 0  # until its format is known
        self._rest = bytearray()
        self._layout: _Layout | None = None
        self._left = 0  # bytes of samples that the header still promises
        self._ended = False

    def feed(self, block: bytes) -> Float32:
        """float32 mono, full scale 1.0: the samples that are whole with this block. Raises ValueError."""
        self._rest += block
        if self._layout is None:
            self._layout = self._begin()
        if self._layout is None or self._ended:
            return np.zeros(0, np.float32)
        sample_bytes = self._layout.width_bytes * self._layout.channels
        if self._left < sample_bytes and not self._goes_on():
            return np.zeros(0, np.float32)
        count = min(len(self._rest), self._left) // sample_bytes * sample_bytes
        if count == 0:
            return np.zeros(0, np.float32)
        pcm = _mono(memoryview(bytes(self._rest[:count])), self._layout)
        del self._rest[:count]
        self._left -= count
        return pcm if self._left >= sample_bytes else np.concatenate((pcm, self.feed(b"")))

    def _begin(self) -> _Layout | None:
        """The format, once all that lies before the samples is here."""
        if self._rest[:4] != b"RIFF"[: len(self._rest)] or self._rest[8:12] != b"WAVE"[: max(0, len(self._rest) - 8)]:
            raise ValueError("is not a WAV")
        layout = None
        for name, at, size in _chunks(self._rest):
            if name == b"fmt " and at + size <= len(self._rest):
                layout = _layout(memoryview(bytes(self._rest[at : at + size])))
            elif name == b"data":
                if layout is None:
                    raise ValueError(_NO_FORMAT)
                del self._rest[:at]
                self.rate_hz, self._left = layout.rate_hz, size
                return layout
        if len(self._rest) > HEAD_BYTES_MOST:
            raise ValueError(_NO_SAMPLES)
        return None

    def _goes_on(self) -> bool:
        """What the header promised is here: True where samples follow all the same."""
        if len(self._rest) < len(b"LIST"):
            return False
        self._ended = bytes(self._rest[:4]) in _TRAILERS
        if not self._ended:
            self._left = STREAMING
        return not self._ended


@dataclass(frozen=True, slots=True)
class _Layout:
    codec: int
    channels: int
    rate_hz: int
    width_bytes: int  # of one sample of one channel, its padding included


def _chunks(data: bytes | bytearray) -> Iterator[tuple[bytes, int, int]]:
    """Of each chunk its name, where its content begins, and how many bytes it says to have."""
    at = 12
    while at + _CHUNK.size <= len(data):
        name, size = _CHUNK.unpack_from(data, at)
        at += _CHUNK.size
        if name == b"data" and size == 0:
            size = STREAMING
        yield name, at, size
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
