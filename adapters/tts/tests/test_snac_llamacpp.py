"""Orpheus' path without its weights: what is asked, how it fails and how it is closed.

What is proved is the path, not the sound: a small random SNAC, and a server on loopback that writes its tokens.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from dataclasses import asdict
from pathlib import Path

import pytest

from adapters.base import AdapterError, AudioChunk
from adapters.llm.llama_server import LlamaProcess
from adapters.tts.snac import END_TOKEN, FRAME_SAMPLES
from adapters.tts.snac_llamacpp import TEXT_CHARS
from adapters.tts.tests import pull_all
from adapters.tts.tests.snac_voice import FRAMES, SOON_S, fault, make, snr_db, span, spoken, whole
from adapters.tts.tests.token_server import WAIT_S, token_server, written
from adapters.voice import Timbre, Voice, named
from stitcher.pcm import Float32

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


# -- what is asked -------------------------------------------------------------------------


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


# -- faults --------------------------------------------------------------------------------


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


# -- a real server -------------------------------------------------------------------------


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
            return [spoken(await asyncio.to_thread(lambda one=one: pull_all(tts.open(one), 1))) for one in spans]
        finally:
            tts.close()
            await process.end()

    first, again, other = asyncio.run(run())
    assert first.size and first.size % FRAME_SAMPLES == 0
    assert first.tobytes() == again.tobytes() != other.tobytes()


# -- closing -------------------------------------------------------------------------------


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
        assert spoken(pull_all(tts.open(span()), 1)).size == 4 * FRAME_SAMPLES
        tts.close()
