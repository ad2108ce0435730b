"""Orpheus' path without its weights: what of its tokens is heard, and that nothing of it is a seam.

What is proved is the path, not the sound: a small random SNAC, and a server on loopback that writes its tokens.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from adapters.tts.snac import END_TOKEN, FRAME_SAMPLES, RATE_HZ
from adapters.tts.snac_decoder import SnacDecoder
from adapters.tts.tests.snac_voice import FRAMES, SEED, make, say, snr_db, span, spoken, whole
from adapters.tts.tests.token_server import WAIT_S, token_server, written
from stitcher.seam_measures import measure_seam

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def wide_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from adapters.tts.tests.snac_graph import save_decoder

    return save_decoder(tmp_path_factory.mktemp("snac") / "wide.onnx", narrow=False)


@pytest.mark.parametrize("rungs", [(1,), (4,), (1, 2, 3, 4, 6, 8, 12)], ids=str)
def test_the_stream_is_the_whole_without_a_seam(rungs: tuple[int, ...], decoder_path: Path) -> None:
    with token_server((written(FRAMES), "end")) as server:
        heard = say(server, decoder_path, rungs)
    assert snr_db(heard, whole(decoder_path, FRAMES)) > 100
    for frame in range(1, len(FRAMES)):
        assert measure_seam(heard, frame * FRAME_SAMPLES, RATE_HZ).click_ratio < 1.6


def test_windows_without_context_are_heard_as_other_than_the_whole(decoder_path: Path) -> None:
    """What the two figures above are worth: without context they fail."""
    with token_server((written(FRAMES), "end")) as server:
        heard = say(server, decoder_path, before_frames=0, after_frames=0)
    assert snr_db(heard, whole(decoder_path, FRAMES)) < 20


def test_with_the_kernels_of_the_real_one_three_frames_of_context_are_all_it_hears(wide_path: Path) -> None:
    with token_server((written(FRAMES), "end")) as server:
        full = say(server, wide_path, before_frames=3, after_frames=3)
        usual = say(server, wide_path)
        narrow = say(server, wide_path, before_frames=1, after_frames=1)
    truth = whole(wide_path, FRAMES)
    assert snr_db(full, truth) > 100
    assert snr_db(usual, truth) > snr_db(narrow, truth) + 6


def test_a_decoders_own_noise_belongs_to_the_span_and_is_no_seam(tmp_path: Path) -> None:
    from adapters.tts.tests.snac_graph import save_decoder

    noisy = save_decoder(tmp_path / "noisy.onnx", narrow=True, noisy=True)
    plain = save_decoder(tmp_path / "plain.onnx", narrow=True)
    with token_server((written(FRAMES), "end")) as server:
        heard, again, larger = (say(server, noisy, rungs) for rungs in ((1,), (1,), (4, 3)))
    assert again.tobytes() == heard.tobytes()
    assert snr_db(heard, whole(noisy, FRAMES)) > 100
    assert snr_db(larger, heard) > 100
    decoder = SnacDecoder(noisy, 1, 1, 1, "test")
    assert decoder.decode(FRAMES, 0, 9, SEED).tobytes() != decoder.decode(FRAMES, 0, 9, SEED + 1).tobytes()
    assert snr_db(heard, whole(plain, FRAMES)) < 30  # there is noise in it


@pytest.mark.parametrize("count", range(1, 6))
def test_beginning_and_end_are_heard_however_short_it_is(count: int, decoder_path: Path) -> None:
    frames = FRAMES[:count]
    with token_server((written(frames), "end")) as server:
        heard = say(server, decoder_path)
    assert heard.size == count * FRAME_SAMPLES
    assert snr_db(heard, whole(decoder_path, frames)) > 100
    assert min(np.abs(part).max() for part in np.split(heard, count)) > 0.01


def test_a_chunk_is_there_as_soon_as_its_context_is(decoder_path: Path) -> None:
    """The server hangs after five frames: with two of context three can be heard, one by one."""
    with token_server((written(FRAMES[:5]), "hang")) as server:
        tts = make(server.url, decoder_path, stall_timeout_s=60.0)
        synthesis = tts.open(span())
        assert synthesis.units == -1
        chunks = [synthesis.pull(1, True) for _ in range(3)]
        assert [(chunk.units, chunk.eos) for chunk in chunks] == [(1, False)] * 3
        synthesis.close()
        tts.close()
    assert snr_db(spoken(chunks), whole(decoder_path, FRAMES[:5])[: 3 * FRAME_SAMPLES]) > 100


def test_tokens_after_the_end_of_speech_are_not_heard(decoder_path: Path) -> None:
    with token_server(([*written(FRAMES[:4]), END_TOKEN, *written(FRAMES[4:])], "hang")) as server:
        assert say(server, decoder_path).size == 4 * FRAME_SAMPLES
        assert server.left.wait(WAIT_S)


@pytest.mark.parametrize("text", ["", "  \n\t ", "\x00\ud83d"])
def test_nothing_to_say_asks_nobody(text: str, decoder_path: Path) -> None:
    tts = make("http://127.0.0.1:1", decoder_path)
    chunk = tts.open(span(text)).pull(1, True)
    assert (chunk.units, chunk.pcm.size, chunk.eos) == (0, 0, True)


def test_a_voice_that_does_not_end_is_cut_and_said_so(decoder_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with token_server((written(FRAMES), "hang")) as server:
        assert say(server, decoder_path, max_tokens=70).size == 10 * FRAME_SAMPLES
        assert server.left.wait(WAIT_S)
    assert "raise tts.snac_llamacpp.max_tokens" in caplog.text
