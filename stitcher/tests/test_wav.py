"""What we write is read back; what others write is read; what nobody could read is refused in one line."""

from __future__ import annotations

import io
import struct
import wave
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stitcher.pcm import to_float32, to_int16
from stitcher.wav import HEAD_BYTES_MOST, STREAMING, WavStream, WavWriter, header, read_wav

SINE = (0.5 * np.sin(np.arange(480) / 7)).astype(np.float32)
SAMPLES = hnp.arrays(np.int16, st.integers(1, 300))


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    padding = b"\0" * (len(body) % 2)
    return struct.pack("<4sI", name, len(body) if size is None else size) + body + padding


def layout(codec: int, channels: int, width: int, rate_hz: int = 16_000, bits: int | None = None) -> bytes:
    block = channels * width
    return struct.pack("<HHIIHH", codec, channels, rate_hz, rate_hz * block, block, bits or 8 * width)


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


@given(SAMPLES, st.integers(1_000, 192_000), st.integers(1, 50))
def test_what_is_written_is_read_back(pcm, rate_hz, block):
    file = io.BytesIO()
    writer = WavWriter(file, rate_hz)
    for at in range(0, pcm.size, block):
        writer.write(pcm[at : at + block])
    unfinished = file.getvalue()
    writer.finish()
    for data in (unfinished, file.getvalue()):
        read, read_hz = read_wav(data)
        assert read_hz == rate_hz
        np.testing.assert_array_equal(read, to_float32(pcm))


@given(SAMPLES)
def test_the_standard_library_reads_what_we_finish(pcm):
    with wave.open(io.BytesIO(header(24_000, pcm.size) + pcm.tobytes())) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
        assert file.readframes(file.getnframes()) == pcm.tobytes()


def test_more_than_four_gib_stays_a_stream():
    assert header(24_000, 2**31) == header(24_000, None)
    assert header(24_000, None).count(struct.pack("<I", STREAMING)) == 2


@given(st.binary(max_size=200))
def test_random_bytes_are_read_or_refused_in_one_line(data):
    refused_in_one_line(data)


@given(st.binary(max_size=24), st.binary(max_size=64), st.integers(0, STREAMING))
def test_random_formats_are_read_or_refused_in_one_line(fmt, body, size):
    refused_in_one_line(riff(chunk(b"fmt ", fmt), chunk(b"data", body, size)))


@given(SAMPLES, st.data())
def test_a_wav_with_one_byte_changed_is_read_or_refused_in_one_line(pcm, data):
    whole = bytearray(header(16_000, pcm.size) + pcm.tobytes())
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    refused_in_one_line(bytes(whole))


def refused_in_one_line(data: bytes) -> None:
    try:
        pcm, rate_hz = read_wav(data)
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert pcm.dtype == np.float32
        assert pcm.ndim == 1
        assert pcm.size > 0
        assert rate_hz > 0
        assert np.all(np.abs(pcm) <= 1.02)  # -128 of 127


@pytest.mark.parametrize(
    ("codec", "width", "encode", "tolerance"),
    [
        (1, 1, lambda pcm: (np.rint(pcm * 127) + 128).astype(np.uint8).tobytes(), 1 / 127),
        (1, 2, lambda pcm: to_int16(pcm).tobytes(), 1 / 32767),
        (1, 3, lambda pcm: b"".join(struct.pack("<i", int(s * (2**23 - 1)))[:3] for s in pcm), 1e-6),
        (1, 4, lambda pcm: (pcm.astype(np.float64) * (2**31 - 1)).astype("<i4").tobytes(), 1e-7),
        (3, 4, lambda pcm: pcm.astype("<f4").tobytes(), 0),
        (3, 8, lambda pcm: pcm.astype("<f8").tobytes(), 0),
    ],
)
def test_every_sample_format_is_read(codec, width, encode, tolerance):
    pcm, _ = read_wav(riff(chunk(b"fmt ", layout(codec, 1, width)), chunk(b"data", encode(SINE))))
    np.testing.assert_allclose(pcm, SINE, atol=tolerance, rtol=0)


def test_channels_are_mixed_down():
    stereo = np.stack([to_int16(SINE), np.zeros(SINE.size, np.int16)], axis=1)
    pcm, _ = read_wav(riff(chunk(b"fmt ", layout(1, 2, 2)), chunk(b"data", stereo.tobytes())))
    np.testing.assert_allclose(pcm, SINE / 2, atol=1e-4)


def test_an_extensible_format_is_read_by_its_subformat():
    extension = struct.pack("<HHIH", 22, 32, 4, 3) + bytes(14)
    data = riff(chunk(b"fmt ", layout(0xFFFE, 1, 4) + extension), chunk(b"data", SINE.tobytes()))
    np.testing.assert_array_equal(read_wav(data)[0], SINE)


def test_odd_chunks_are_stepped_over():
    data = riff(
        chunk(b"LIST", b"odd"),
        chunk(b"fmt ", layout(1, 1, 2)),
        chunk(b"note", b"x"),
        chunk(b"data", to_int16(SINE).tobytes()),
        chunk(b"tail", b"y"),
    )
    np.testing.assert_array_equal(read_wav(data)[0], to_float32(to_int16(SINE)))


@pytest.mark.parametrize("size", [0, STREAMING, 10_000])
def test_a_size_that_is_not_so_ends_with_the_data(size):
    data = riff(chunk(b"fmt ", layout(1, 1, 2)), chunk(b"data", to_int16(SINE).tobytes(), size))
    assert read_wav(data)[0].size == SINE.size


def test_half_a_sample_at_the_end_is_left_out():
    data = header(16_000, None) + to_int16(SINE).tobytes()
    assert read_wav(data[:-1])[0].size == SINE.size - 1


def test_a_float_that_is_no_number_becomes_silence():
    body = np.array([np.nan, np.inf, -np.inf, 0.25], "<f4").tobytes()
    pcm, _ = read_wav(riff(chunk(b"fmt ", layout(3, 1, 4)), chunk(b"data", body)))
    assert pcm.tolist() == [0.0, 1.0, -1.0, 0.25]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"ID3\x04 and so on", "is not a WAV.*ffmpeg"),
        (riff(chunk(b"fmt ", layout(7, 1, 1)), chunk(b"data", b"xx")), "mu-law.*ffmpeg"),
        (riff(chunk(b"fmt ", layout(0x1234, 1, 1)), chunk(b"data", b"xx")), "codec 0x1234"),
        (riff(chunk(b"fmt ", layout(1, 1, 2, rate_hz=0)), chunk(b"data", b"xx")), "damaged.*0 Hz"),
        (riff(chunk(b"fmt ", layout(1, 0, 2)), chunk(b"data", b"xx")), "damaged.*0 channels"),
        (riff(chunk(b"fmt ", layout(1, 1, 5)), chunk(b"data", b"xx")), "40 bits in 5 bytes"),
        (riff(chunk(b"fmt ", b"short"), chunk(b"data", b"xx")), "cut off"),
        (riff(chunk(b"data", b"xx")), "no format"),
        (riff(chunk(b"fmt ", layout(1, 1, 2))), "without samples"),
        (header(16_000, 0), "without samples"),
    ],
)
def test_what_cannot_be_read_says_why(data, words):
    with pytest.raises(ValueError, match=words):
        read_wav(data)


# -- arriving in pieces -------------------------------------------------------------------

TOLD = st.sampled_from([0, STREAMING, 2_000_000_000])


def arrive(data: bytes, sizes: list[int]) -> tuple[np.ndarray, int]:
    """Feed it in pieces of these sizes, in turn."""
    stream, pieces, at = WavStream(), [], 0
    for size in cycle(sizes):
        pieces.append(stream.feed(data[at : at + size]))
        at += size
        if at >= len(data):
            return np.concatenate(pieces), stream.rate_hz
    raise AssertionError


@given(SAMPLES, st.lists(st.integers(1, 50), min_size=1), st.integers(0, 2000) | TOLD)
def test_it_may_arrive_in_any_pieces_whatever_size_it_is_told_to_have(pcm, sizes, told):
    data = riff(chunk(b"LIST", b"INFOx"), chunk(b"fmt ", layout(1, 1, 2)), chunk(b"data", pcm.tobytes(), told))
    got, rate_hz = arrive(data, sizes)
    assert rate_hz == 16_000
    lost = 1 if 0 < told < 2 * pcm.size else 0  # the last sample is half a chunk's name: none followed
    np.testing.assert_array_equal(got[: pcm.size - lost], to_float32(pcm)[: pcm.size - lost])
    assert pcm.size - lost <= got.size <= pcm.size


@given(SAMPLES, st.lists(st.integers(1, 50), min_size=1))
def test_what_follows_the_samples_is_not_heard(pcm, sizes):
    data = riff(chunk(b"fmt ", layout(1, 1, 2)), chunk(b"data", pcm.tobytes()), chunk(b"LIST", b"INFO" * 9))
    np.testing.assert_array_equal(arrive(data, sizes)[0], to_float32(pcm))


def test_what_arrives_in_stereo_floats_is_mixed_down():
    pcm = np.array([[0.5, -0.5], [0.25, 0.75]], "<f4")
    data = riff(chunk(b"fmt ", layout(3, 2, 4)), chunk(b"data", pcm.tobytes(), STREAMING))
    np.testing.assert_array_equal(arrive(data, [3])[0], np.array([0.0, 0.5], np.float32))


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"ID3\x04", "not a WAV"), (b"RIFF0000AVI ", "not a WAV"), (riff(chunk(b"data", b"0000")), "no format"),
     (riff(chunk(b"JUNK", bytes(HEAD_BYTES_MOST))), "without samples"),
     (riff(chunk(b"fmt ", layout(0x55, 1, 2))) + bytes(8), "MP3")],
)  # fmt: skip
def test_what_arrives_and_is_no_wav_of_ours_is_refused(data, words):
    with pytest.raises(ValueError, match=words):
        arrive(data, [7])
