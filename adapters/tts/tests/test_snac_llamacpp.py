"""Orpheus' path without its weights: a small random SNAC, and a server on loopback that writes its tokens.

What is proved is the path (tokens, windows, ends, faults), not the sound.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from dataclasses import asdict
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.base import AdapterError, AudioChunk, Span
from adapters.llm.llama_server import LlamaProcess
from adapters.registry import Context
from adapters.tts.snac import END_TOKEN, FRAME_SAMPLES, RATE_HZ
from adapters.tts.snac_decoder import SnacDecoder
from adapters.tts.snac_llamacpp import TEXT_CHARS, SnacLlamacppTts
from adapters.tts.tests.token_server import WAIT_S, TokenServer, frames_of, token_server, written
from adapters.voice import Timbre, Voice, named
from adapters.weights import Weights
from stitcher.pcm import Float32
from stitcher.seam_measures import measure_seam
from timeline.clock import VirtualClock

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SOON_S = 0.25  # a stall that the tests need not wait for long
FRAMES = frames_of(30)
SEED = 3


@pytest.fixture(scope="module")
def decoder_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from adapters.tts.tests.snac_graph import save_decoder

    return save_decoder(tmp_path_factory.mktemp("snac") / "decoder.onnx", narrow=True)


@pytest.fixture(scope="module")
def wide_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from adapters.tts.tests.snac_graph import save_decoder

    return save_decoder(tmp_path_factory.mktemp("snac") / "wide.onnx", narrow=False)


def make(url: str, decoder_path: Path, **options: Any) -> SnacLlamacppTts:
    made = SnacLlamacppTts.Options(url=url, decoder_path=str(decoder_path), threads=1, **options)
    folder = decoder_path.parent
    return SnacLlamacppTts(made, Context(Weights(folder), VirtualClock(), folder))


def span(text: str = "Hello there.", voice: Voice | None = None, seed: int = SEED) -> Span:
    return Span(text, voice or Voice(), seed)


def pull_all(synthesis: Any, rungs: tuple[int, ...] = (1,)) -> list[AudioChunk]:
    chunks = []
    for rung in cycle(rungs):
        chunks.append(synthesis.pull(rung, True))
        assert chunks[-1].units <= rung
        if chunks[-1].eos:
            return chunks
        assert len(chunks) < 1000, "it never ends"
    raise AssertionError


def spoken(chunks: list[AudioChunk]) -> Float32:
    return np.concatenate([chunk.pcm for chunk in chunks])


def say(server: TokenServer, decoder_path: Path, rungs: tuple[int, ...] = (1,), **options: Any) -> Float32:
    tts = make(server.url, decoder_path, **options)
    try:
        return spoken(pull_all(tts.open(span()), rungs))
    finally:
        tts.close()


def whole(decoder_path: Path, frames: list[tuple[int, ...]]) -> Float32:
    """All frames at once, so that nothing can be a seam."""
    return SnacDecoder(decoder_path, 1, 0, 0, "test").decode(frames, 0, len(frames), SEED)


def snr_db(heard: Float32, truth: Float32) -> float:
    assert heard.shape == truth.shape
    return 10 * float(np.log10(np.mean(truth**2) / max(float(np.mean((heard - truth) ** 2)), 1e-30)))


def fault(*answer: Any, decoder_path: Path, **options: Any) -> AdapterError:
    with token_server(*answer) as server, pytest.raises(AdapterError) as caught:
        say(server, decoder_path, **options)
    line = caught.value.detail
    assert "\n" not in line and "tts.snac_llamacpp" in line and ": " in line  # what is wrong: the cure
    return caught.value


# -- what is heard ------------------------------------------------------------------------


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


# -- what is asked ------------------------------------------------------------------------


def test_the_request_is_a_prompt_with_the_spans_seed(decoder_path: Path) -> None:
    with token_server((written(FRAMES[:4]), "end")) as server:
        tts = make(server.url, decoder_path, temperature=0.5)
        tts.open(
            span("Good\nmorning <laugh>, <|eot_id|><custom_token_2>.", named("snac_llamacpp", "leo"), seed=2**32 - 1)
        )
        tts.close()
    assert server.asked == [
        {
            "prompt": "<custom_token_3><|begin_of_text|>leo: Good morning <laugh>, < |eot_id|>< custom_token_2>."
            "<|eot_id|><custom_token_4><custom_token_5><custom_token_1>",
            "max_tokens": 2400, "temperature": 0.5, "top_p": 0.9, "top_k": 0, "min_p": 0.0, "repeat_penalty": 1.1,
            "seed": 0, "stop": [END_TOKEN], "stream": True,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("voice", "name", "report"),
    [
        (Voice(), "tara", {}),
        (named("snac_llamacpp", "zac"), "zac", {"timbre.names": "honoured"}),
        (Voice(timbre=Timbre(gender="male")), "leo", {"timbre.gender": "honoured"}),
        (Voice(timbre=Timbre(gender="female"), pace=1.5), "tara", {"timbre.gender": "honoured", "pace": "ignored"}),
    ],
)
def test_a_voice_is_one_of_the_models_names(
    voice: Voice, name: str, report: dict[str, str], decoder_path: Path
) -> None:
    projection = make("http://127.0.0.1:1", decoder_path).project(voice)
    assert projection.knobs == {"voice": name}
    assert {came.field: came.how for came in projection.report} == report


def test_an_unknown_voice_is_named_with_the_setting(decoder_path: Path) -> None:
    tts = make("http://127.0.0.1:1", decoder_path)
    with pytest.raises(AdapterError, match=r"tts\.voice 'nobody' .* tara") as caught:
        tts.open(span(voice=named("snac_llamacpp", "nobody")))
    assert caught.value.kind == "missing"


def test_the_capability_says_what_it_is(decoder_path: Path) -> None:
    capability = make("https://voices.example", decoder_path).describe()
    assert capability.egress == ("voices.example",)
    assert (capability.unit, capability.unit_samples, capability.rate_hz) == ("frames", 2048, 24_000)
    assert capability.supports_seed and not capability.deterministic
    assert json.loads(json.dumps(asdict(capability)))["limits"]["text_chars"] == TEXT_CHARS


def test_warm_up_measures_a_cost(decoder_path: Path) -> None:
    with token_server((written(FRAMES), "end")) as server:
        tts = make(server.url, decoder_path)
        tts.warm_up()
        tts.close()
        assert len(server.asked) == 2
    assert tts.describe().cost is not None


# -- faults -------------------------------------------------------------------------------


def test_nobody_listens(decoder_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: no one else gets the port
        tts = make(f"http://127.0.0.1:{unused.getsockname()[1]}", decoder_path)
        with pytest.raises(AdapterError, match="refused the connection: start the server") as caught:
            tts.open(span())
        tts.close()
    assert caught.value.kind == "refused"


def test_a_server_that_writes_words_is_no_voice(decoder_path: Path) -> None:
    error = fault((["word "] * 100, "hang"), decoder_path=decoder_path)
    assert (error.kind, error.retryable) == ("garbage", False)
    assert "29 tokens in a row that are no audio" in error.detail


def test_a_server_that_hides_its_tokens_is_told_how_to_show_them(decoder_path: Path) -> None:
    error = fault(([], "end"), decoder_path=decoder_path)
    assert error.kind == "garbage" and "--special" in error.detail


def test_a_stall_before_the_first_sample_is_worth_another_try(decoder_path: Path) -> None:
    error = fault(([], "hang"), decoder_path=decoder_path, first_token_timeout_s=SOON_S)
    assert (error.kind, error.retryable) == ("stalled", True)
    assert "first_token_timeout_s" in error.detail


def test_what_came_before_a_stall_is_heard_and_then_it_is_raised(decoder_path: Path) -> None:
    with token_server((written(FRAMES[:6]), "hang")) as server:
        tts = make(server.url, decoder_path, stall_timeout_s=SOON_S)
        synthesis = tts.open(span())
        chunk = synthesis.pull(8, True)
        assert (chunk.units, chunk.eos) == (4, False)
        for _ in range(2):  # asked again it does not say other words
            with pytest.raises(AdapterError) as caught:
                synthesis.pull(8, True)
            assert (caught.value.kind, caught.value.retryable) == ("stalled", False)
        synthesis.close()
        tts.close()
    assert snr_db(chunk.pcm, whole(decoder_path, FRAMES[:6])[: 4 * FRAME_SAMPLES]) > 100


def test_a_server_that_hangs_up_has_crashed(decoder_path: Path) -> None:
    with token_server((written(FRAMES[:6]), "drop")) as server:
        tts = make(server.url, decoder_path)
        synthesis = tts.open(span())
        assert synthesis.pull(4, True).units == 4
        server.may_drop.set()
        with pytest.raises(AdapterError, match="closed the connection") as caught:
            synthesis.pull(1, True)
        synthesis.close()
        tts.close()
    assert (caught.value.kind, caught.value.retryable) == ("crashed", False)


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [(None, "missing", "is not set"), (b"", "corrupt", "cannot be loaded"), (b"onnx", "corrupt", "cannot be loaded")],
)
def test_a_decoder_that_is_none_is_named(content: bytes | None, kind: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "decoder.onnx"
    if content is not None:
        path.write_bytes(content)
    tts = make("http://127.0.0.1:1", path if content is not None else Path())
    tts.options.decoder_path = str(path) if content is not None else ""
    with pytest.raises(AdapterError, match=words) as caught:
        tts.open(span())
    assert caught.value.kind == kind


# -- a real server ------------------------------------------------------------------------


@pytest.mark.engines
def test_a_real_llama_cpp_server_streams_frames_that_its_seed_decides(
    decoder_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("xllamacpp")
    pytest.importorskip("gguf")
    from adapters.tts.tests.token_model import save_model

    async def run() -> list[Float32]:
        process = await LlamaProcess.start(save_model(decoder_path.with_name("model.gguf")), 1, 2048)
        monkeypatch.setenv("TEST_KEY", process.key)
        options = {"api_key_env": "TEST_KEY", "temperature": 1.0, "top_p": 1.0, "repeat_penalty": 1.0}
        tts = make(process.url, decoder_path, **options)
        try:
            spans = [span(seed=seed) for seed in (1, 1, 2)]
            return [spoken(await asyncio.to_thread(lambda one=one: pull_all(tts.open(one)))) for one in spans]
        finally:
            tts.close()
            await process.end()

    first, again, other = asyncio.run(run())
    assert first.size and first.size % FRAME_SAMPLES == 0
    assert first.tobytes() == again.tobytes() != other.tobytes()


# -- closing ------------------------------------------------------------------------------


@pytest.mark.parametrize("pulls", [0, 1])
def test_closing_hangs_up_at_once(pulls: int, decoder_path: Path) -> None:
    with token_server((written(FRAMES[:5]), "hang")) as server:
        tts = make(server.url, decoder_path)
        synthesis = tts.open(span())
        for _ in range(pulls):
            synthesis.pull(1, True)
        synthesis.close()
        assert server.left.wait(WAIT_S)
        synthesis.close()
        assert synthesis.pull(1, True).eos
        tts.close()


def test_closing_from_another_thread_wakes_the_one_that_waits(decoder_path: Path) -> None:
    with token_server((written(FRAMES[:3]), "hang")) as server:
        tts = make(server.url, decoder_path, stall_timeout_s=60.0)
        synthesis = tts.open(span())
        synthesis.pull(1, True)
        chunks: list[AudioChunk] = []
        waiting = threading.Thread(target=lambda: chunks.append(synthesis.pull(1, True)))
        waiting.start()
        synthesis.close()
        waiting.join(WAIT_S)
        assert server.left.wait(WAIT_S)
        tts.close()
    assert [(chunk.units, chunk.eos) for chunk in chunks] == [(0, True)]


def test_closing_the_adapter_ends_what_is_on_its_way_and_it_can_be_used_again(decoder_path: Path) -> None:
    with token_server((written(FRAMES[:5]), "hang"), (written(FRAMES[:4]), "end")) as server:
        tts = make(server.url, decoder_path)
        synthesis = tts.open(span())
        tts.close()
        assert server.left.wait(WAIT_S)
        synthesis.close()
        assert spoken(pull_all(tts.open(span()))).size == 4 * FRAME_SAMPLES
        tts.close()
