"""Smart Turn reads what Whisper reads, looks 8 s back, and tells a sentence that is over from one that is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from adapters.base import EAR_RATE_HZ, AdapterError
from adapters.catalogue import SMART_TURN
from adapters.ears.log_mel import BANDS, HOP_SAMPLES, log_mel
from adapters.ears.smart_turn import REACH_SAMPLES, SmartTurn, equally_loud
from adapters.registry import Context, create
from adapters.tts.espeak import EspeakTts
from adapters.tts.whole import speak_whole
from adapters.weights import Weights, default_cache
from stitcher.pcm import Float32
from timeline.clock import VirtualClock


def sound(seconds: float, seed: int = 0) -> Float32:
    """A tone that comes and goes over noise."""
    time = np.arange(int(seconds * EAR_RATE_HZ)) / EAR_RATE_HZ
    tone = 0.3 * np.sin(2 * np.pi * 440 * time) * (np.sin(2 * np.pi * 2 * time) > 0)
    return (tone + 0.01 * np.random.default_rng(seed).standard_normal(time.size)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> SmartTurn:
    pytest.importorskip("onnxruntime")
    weights = Weights(default_cache())
    try:
        weights.locate(SMART_TURN.name)
    except AdapterError as error:
        pytest.skip(error.detail)
    made: SmartTurn = create("ears", "smart_turn", {}, Context(weights, VirtualClock(), default_cache()))
    return made


@pytest.mark.parametrize("pcm", [sound(8), sound(0.7), np.zeros(EAR_RATE_HZ, np.float32)], ids=["8 s", "short", "none"])
def test_the_features_are_whispers(pcm: Float32) -> None:
    whisper = pytest.importorskip("faster_whisper.feature_extractor")
    theirs = whisper.FeatureExtractor(feature_size=BANDS)(pcm, padding=0)
    ours = log_mel(pcm)
    assert ours.shape == (BANDS, pcm.size // HOP_SAMPLES)
    assert ours == pytest.approx(theirs[:, : ours.shape[1]], abs=1e-4)


def test_louder_speech_is_the_same_speech() -> None:
    assert equally_loud(sound(3) * 0.1) == pytest.approx(equally_loud(sound(3)), rel=1e-2, abs=1e-2)


def test_what_lies_further_back_than_it_reaches_changes_nothing(model: SmartTurn) -> None:
    recent = sound(REACH_SAMPLES / EAR_RATE_HZ)
    assert model.probability(np.concatenate([sound(3, 1), recent])) == model.probability(recent)


def test_nothing_at_all_has_an_answer_and_the_same_twice(model: SmartTurn) -> None:
    empty = np.zeros(0, np.float32)
    assert 0.0 <= model.probability(empty) <= 1.0
    assert model.probability(empty) == model.probability(empty)


def test_who_says_um_has_not_finished(model: SmartTurn, tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader")
    voice = EspeakTts(EspeakTts.Options(), Context(Weights(tmp_path), VirtualClock(), tmp_path))

    def asked(text: str) -> float:
        return model.probability(np.pad(speak_whole(voice, text, EAR_RATE_HZ), (0, EAR_RATE_HZ // 5)))

    assert asked("What is the capital of Australia?") > 0.5 > asked("What is the, um,")


def test_it_says_what_it_is_and_what_it_costs(model: SmartTurn) -> None:
    model.warm_up()
    told = model.describe()
    assert (told.role, told.rate_hz, told.deterministic) == ("ears", EAR_RATE_HZ, True)
    assert told.cost is not None and len(told.weights_sha256) == 64


def test_missing_weights_are_one_line_with_the_cure(tmp_path: Path) -> None:
    absent = create("ears", "smart_turn", {}, Context(Weights(tmp_path), VirtualClock(), tmp_path))
    with pytest.raises(AdapterError, match="duckbill models fetch smart-turn") as caught:
        absent.warm_up()
    assert caught.value.kind == "missing"


def test_a_file_that_is_no_model_is_corrupt_and_another_model_unsupported(tmp_path: Path, model: SmartTurn) -> None:
    onnx = pytest.importorskip("onnx")
    other = tmp_path / "other.onnx"
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy")
    opset = [onnx.helper.make_opsetid("", 17)]
    graph = onnx.helper.make_graph([node], "identity", [x], [y])
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), other)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    for path, kind in ((other, "unsupported"), (broken, "corrupt")):
        context = Context(Weights(tmp_path, {"mine": path}), VirtualClock(), tmp_path)
        with pytest.raises(AdapterError) as caught:
            create("ears", "smart_turn", {"weights": "mine"}, context).warm_up()
        assert caught.value.kind == kind
