"""Piper's graph: cut and decoded in windows, or spoken whole where it cannot be cut."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.base import AdapterError, Span
from adapters.tts.piper_graph import UnknownGraph, split
from adapters.tts.tests import make
from adapters.voice import Voice

HOP = 64
REPEATS = 200  # samples for each phoneme id of the small voice


def tone_graph(*, ceil_and_sum: bool = False, decoder: bool = False) -> Any:
    """A voice that is no VITS: each phoneme id becomes a constant. On request with parts that look like one."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Cast", ["input"], ["as_float"], to=kind.FLOAT),
        helper.make_node("Mul", ["as_float", "level"], ["loudness"]),
    ]
    constants = [
        helper.make_tensor("level", kind.FLOAT, [], [0.001]),
        helper.make_tensor("repeats", kind.INT64, [2], [1, REPEATS]),
        helper.make_tensor("axis", kind.INT64, [], [1]),
        helper.make_tensor("weight", kind.FLOAT, [1, 1, 1], [1.0]),
        helper.make_tensor("channel", kind.INT64, [1], [1]),
    ]
    last = "loudness"
    if ceil_and_sum:
        nodes.append(helper.make_node("Ceil", [last], ["rounded"]))
        nodes.append(helper.make_node("CumSum", ["rounded", "axis"], ["sum"]))
    if decoder:
        nodes += [
            helper.make_node("Unsqueeze", [last, "channel"], ["row"]),
            helper.make_node("Conv", ["row", "weight"], ["latent"]),
            helper.make_node("ConvTranspose", ["latent", "weight"], ["up"]),
            helper.make_node("Squeeze", ["up", "channel"], ["flat"]),
        ]
        last = "flat"
    nodes.append(helper.make_node("Tile", [last, "repeats"], ["output"]))
    inputs = [
        helper.make_tensor_value_info("input", kind.INT64, [1, "n"]),
        helper.make_tensor_value_info("input_lengths", kind.INT64, [1]),
        helper.make_tensor_value_info("scales", kind.FLOAT, [3]),
    ]
    output = helper.make_tensor_value_info("output", kind.FLOAT, [1, "samples"])
    graph = helper.make_graph(nodes, "tone", inputs, [output], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


@pytest.fixture
def voice_file(tmp_path: Path) -> Path:
    """The small voice as a stranger would bring it: a graph and its configuration."""
    ids = pytest.importorskip("piper.phoneme_ids").DEFAULT_PHONEME_ID_MAP
    path = tmp_path / "tone.onnx"
    path.write_bytes(tone_graph().SerializeToString())
    config = {
        "num_symbols": len(ids), "num_speakers": 1, "audio": {"sample_rate": 16_000}, "hop_length": HOP,
        "espeak": {"voice": "en-us"}, "phoneme_id_map": ids,
    }  # fmt: skip
    path.with_name("tone.onnx.json").write_text(json.dumps(config), "utf-8")
    return path


def fault(call: Any, *args: Any) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        call(*args)
    assert "\n" not in caught.value.detail
    return caught.value


# -- a graph that nobody knows ------------------------------------------------------------


def test_a_graph_that_is_not_known_is_spoken_by_whole_sentences(voice_file, tmp_path, caplog):
    tts = make("piper", tmp_path / "cache", model_path=str(voice_file))
    with caplog.at_level(logging.WARNING, "duckbill"):
        capability = tts.describe()
    assert "tone.onnx is spoken by whole sentences: no transposed convolution" in caplog.text
    assert (capability.streaming, capability.supports_seed, capability.markers) == (False, False, "none")
    assert (capability.rate_hz, capability.unit_samples) == (16_000, HOP)
    synthesis = tts.open(Span("Hello.", Voice(), 1))
    chunks = [synthesis.pull(8, True)]
    while not chunks[-1].eos:
        chunks.append(synthesis.pull(8, True))
    pcm = np.concatenate([chunk.pcm for chunk in chunks])
    assert pcm.size % REPEATS == 0 and pcm.size > REPEATS
    assert synthesis.units == sum(chunk.units for chunk in chunks) == -(-pcm.size // HOP)
    assert all(chunk.markers == () for chunk in chunks)


def test_a_whole_sentence_is_let_go_of(voice_file, tmp_path):
    tts = make("piper", tmp_path / "cache", model_path=str(voice_file))
    synthesis = tts.open(Span("Hello.", Voice(), 1))
    assert not synthesis.pull(8, True).eos
    synthesis.close()
    after = synthesis.pull(8, True)
    assert (after.units, after.pcm.size, after.eos) == (0, 0, True)


@pytest.mark.parametrize(("parts", "reason"), [
    ({}, "no transposed convolution"),
    ({"decoder": True}, "0 tensors look like durations"),
    ({"decoder": True, "ceil_and_sum": True}, "0 random nodes where two are known"),
])  # fmt: skip
def test_what_is_missing_in_a_graph_is_named(parts, reason):
    with pytest.raises(UnknownGraph, match=reason):
        split(tone_graph(**parts))


# -- files that are not right -------------------------------------------------------------


def test_a_voice_that_is_not_there(tmp_path):
    tts = make("piper", tmp_path, model_path=str(tmp_path / "none.onnx"))
    error = fault(tts.describe)
    assert error.kind == "missing" and "tts.piper.model_path" in error.detail


@pytest.mark.parametrize("whole", [False, True])
def test_a_damaged_voice_names_the_cure(voice_file, tmp_path, whole):
    voice_file.write_bytes(b"\xff" * 999)
    tts = make("piper", tmp_path / "cache", model_path=str(voice_file), whole=whole)
    error = fault(tts.open, Span("Hello.", Voice(), 1))
    assert error.kind == "corrupt" and "duckbill models" in error.detail


@pytest.mark.parametrize("text", [None, "", "{", "{}", "[]"])
def test_a_configuration_that_cannot_be_read_names_the_cure(voice_file, tmp_path, text):
    side = voice_file.with_name("tone.onnx.json")
    side.unlink() if text is None else side.write_text(text)
    error = fault(make("piper", tmp_path / "cache", model_path=str(voice_file)).describe)
    assert error.kind == "corrupt" and "tone.onnx.json cannot be read" in error.detail


@pytest.mark.engines
def test_a_cache_that_cannot_be_written_names_the_setting(tmp_path, cut_voice):
    (tmp_path / "cache").touch()
    tts = make("piper", tmp_path / "cache", model_path=str(cut_voice.path))
    error = fault(tts.describe)
    assert error.kind == "missing" and error.detail.endswith("set cache")


@pytest.mark.parametrize("package", ["piper", "onnx"])
def test_a_package_that_is_not_installed_names_the_extra(voice_file, tmp_path, monkeypatch, package):
    tts = make("piper", tmp_path / "cache", model_path=str(voice_file))
    monkeypatch.setitem(sys.modules, package, None)
    error = fault(tts.describe)
    assert error.kind == "missing" and "duckbill[piper]" in error.detail


# -- with real weights --------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole_voice(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make("piper", tmp_path_factory.mktemp("whole"), whole=True)


@pytest.mark.engines
@pytest.mark.parametrize("rung", [8, 24, 64])
def test_windows_are_the_whole_to_100_db(cut_voice, rung):
    text = "Windows of a few frames, decoded with their context, sound like the whole."
    synthesis = cut_voice.open(Span(text, Voice(), 5))
    whole = cut_voice.parts.decode(synthesis._latent, 0, synthesis.units, synthesis._hop)
    windows = []
    while not windows or not windows[-1].eos:
        windows.append(synthesis.pull(rung, True))
    error = np.concatenate([chunk.pcm for chunk in windows]) - whole
    assert 10 * np.log10(np.sum(whole**2) / np.sum(error**2)) >= 100


@pytest.mark.engines
def test_the_cut_voice_lasts_as_long_as_the_whole_one(cut_voice, whole_voice):
    """Its noise is another, and so are the durations that the noise decides: within a fifth."""
    span = Span("The quick brown fox jumps over the lazy dog.", Voice(), 1)
    cut, whole = cut_voice.open(span).units, whole_voice.open(span).units
    assert cut == pytest.approx(whole, rel=0.2)


@pytest.mark.engines
def test_a_seed_decides_the_noise(cut_voice):
    def say(seed: int) -> np.ndarray:
        return cut_voice.open(Span("Hello.", Voice(), seed)).pull(10_000, False).pcm

    np.testing.assert_array_equal(say(1), say(1))
    assert say(1).size != say(2).size or np.abs(say(1) - say(2)).max() > 0.001


@pytest.mark.engines
def test_a_cut_is_kept_and_an_unfinished_one_made_again(cut_cache):
    def parts_of(cache: Path) -> list[tuple[str, int]]:
        files = [path for path in cache.rglob("*") if path.is_file()]
        return sorted((path.name, path.stat().st_mtime_ns) for path in files)

    def use(cache: Path) -> list[tuple[str, int]]:
        assert make("piper", cache).describe().streaming
        return parts_of(cache)

    first = parts_of(cut_cache)
    assert [name for name, _ in first] == ["cut.json", "decoder.onnx", "flow.onnx", "text.onnx"]
    assert use(cut_cache) == first
    next(cut_cache.rglob("cut.json")).unlink()
    next(cut_cache.rglob("flow.onnx")).write_bytes(b"half")
    again = use(cut_cache)
    assert [name for name, _ in again] == [name for name, _ in first]
    assert again != first


@pytest.mark.engines
def test_digits_are_one_token(cut_voice):
    text = "I have 123 apples."
    synthesis = cut_voice.open(Span(text, Voice(), 1))
    marks = synthesis.pull(10_000, False).markers
    assert [text[mark.text_start : mark.text_end] for mark in marks] == text.split()
    longest = max(marks, key=lambda mark: mark.end_sample - mark.start_sample)
    assert text[longest.text_start : longest.text_end] == "123"


@pytest.mark.engines
def test_a_damaged_cut_in_the_cache_is_cut_again(cut_cache):
    (folder,) = (cut_cache / "piper").iterdir()
    for damaged in (folder / "decoder.onnx", folder / "cut.json"):
        damaged.write_bytes(b"{")
        assert make("piper", cut_cache).open(Span("Cured.", Voice(), 0)).pull(8, True).units == 8
