"""Kokoro with a small graph of the same shape, whose sound tells the phonemes; and what its tests ask of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.base import AdapterError, Span
from adapters.registry import Context, create
from adapters.tts.kokoro_model import FRAME_SAMPLES, STYLE_FLOATS, STYLES
from adapters.tts.kokoro_text import Reading, read
from adapters.tts.tests import pull_all
from adapters.voice import Voice
from adapters.weights import Weights
from timeline.clock import VirtualClock

ALPHABET = frozenset(",;:.!?—… AIOQTWYabdefhijklmnoprstuvwzæðŋɑɒɔəɛɜɡɪɹʃʊʌʒʤʧˈˌːᵊᵻθ")
VOICES = ("af_one", "am_two", "bf_three", "bm_four")
EACH_FRAMES = 4  # that the small graph gives each phoneme
LONG = "The old man rowed his boat across the lake, and watched the sun. Birds sang. " * 4


def sound(tts: Any, text: str, voice: Voice | None = None, seed: int = 1) -> np.ndarray:
    return np.concatenate([chunk.pcm for chunk in pull_all(tts.open(Span(text, voice or Voice(), seed)), 64)])


def fault(call: Any, *args: Any) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        call(*args)
    assert "\n" not in caught.value.detail
    return caught.value


def reading(text: str, dialect: str = "en-us") -> Reading:
    pytest.importorskip("espeakng_loader")
    return read(text, dialect, ALPHABET)


def small_graph(*, rounds: bool = True, tokens: str = "tokens") -> bytes:
    """Each phoneme lasts EACH_FRAMES over the speed, and is as loud as its number; the ends, 0, are silent. One of
    style's floats is added to each, times 0. The sound is of EACH_FRAMES a phoneme, whatever it is told."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Cast", [tokens], ["as_float"], to=kind.FLOAT),
        helper.make_node("Mul", ["as_float", "zero"], ["zeros"]),
        helper.make_node("ReduceSum", ["style"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
        helper.make_node("Add", ["zeros", "nothing"], ["nothings"]),
        helper.make_node("Div", ["each", "speed"], ["paced"]),
        helper.make_node("Add", ["nothings", "paced"], ["lasts"]),
        helper.make_node("Round" if rounds else "Floor", ["lasts"], ["whole"]),
        helper.make_node("Clip", ["whole", "one"], ["durations"]),
        helper.make_node("Mul", ["durations", "zero"], ["no_time"]),
        helper.make_node("Mul", ["as_float", "level"], ["loud"]),
        helper.make_node("Add", ["loud", "no_time"], ["late"]),
        helper.make_node("Add", ["late", "nothing"], ["louder"]),
        helper.make_node("Reshape", ["louder", "column"], ["upright"]),
        helper.make_node("Tile", ["upright", "repeats"], ["wide"]),
        helper.make_node("Reshape", ["wide", "flat"], ["audio"]),
    ]
    constants = [
        helper.make_tensor("zero", kind.FLOAT, [], [0.0]),
        helper.make_tensor("one", kind.FLOAT, [], [1.0]),
        helper.make_tensor("each", kind.FLOAT, [], [EACH_FRAMES + 0.2]),
        helper.make_tensor("level", kind.FLOAT, [], [0.01]),
        helper.make_tensor("column", kind.INT64, [2], [-1, 1]),
        helper.make_tensor("repeats", kind.INT64, [2], [1, EACH_FRAMES * FRAME_SAMPLES]),
        helper.make_tensor("flat", kind.INT64, [1], [-1]),
    ]
    inputs = [
        helper.make_tensor_value_info(tokens, kind.INT64, [1, "n"]),
        helper.make_tensor_value_info("style", kind.FLOAT, [1, STYLE_FLOATS]),
        helper.make_tensor_value_info("speed", kind.FLOAT, [1]),
    ]
    output = helper.make_tensor_value_info("audio", kind.FLOAT, ["samples"])
    graph = helper.make_graph(nodes, "small", inputs, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    return model.SerializeToString()


def write_files(folder: Path) -> None:
    """A model and four voices as a stranger would bring them."""
    (folder / "model").mkdir()
    (folder / "voices").mkdir()
    (folder / "model" / "small.onnx").write_bytes(small_graph())
    letters = {letter: number for number, letter in enumerate(sorted(ALPHABET), start=1)}
    (folder / "model" / "config.json").write_text(json.dumps({"vocab": letters}), "utf-8")
    for name in VOICES:
        np.ones(STYLES * STYLE_FLOATS, np.float32).tofile(folder / "voices" / f"{name}.bin")


def bring(files: Path) -> Any:
    weights = Weights(files / "cache", overrides={"small": files / "model", "few": files / "voices"})
    options = {"weights": "small", "voices": "few", "voice": "af_one"}
    return create("tts", "kokoro", options, Context(weights, VirtualClock(), files / "cache"))
