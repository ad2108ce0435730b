"""XTTS' path with a small model of random weights: what is proved is the path, not the sound. Needs coqui-tts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.base import AdapterError, Span
from adapters.registry import Context
from adapters.tts.tests import pull_all
from adapters.tts.tests.xtts_weights import SPEAKERS, save_weights, small_vocoder
from adapters.tts.xtts import XttsTts
from adapters.voice import Timbre, Voice, named
from adapters.weights import Weights
from stitcher.wav import header
from timeline.clock import VirtualClock

HELLO = "Hello there, my friend."


def make(folder: Path, **options: Any) -> XttsTts:
    made = XttsTts.Options(**{"model_path": str(folder), "chunk_tokens": 8, **options})
    return XttsTts(made, Context(Weights(folder), VirtualClock(), folder))


# -- without coqui-tts: what is known from the configuration alone ------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of weights that cannot be loaded."""
    config = {
        "languages": ["en", "de", "zh-cn"], "audio": {"output_sample_rate": 24_000},
        "model_args": {"gpt_code_stride_len": 1024, "input_sample_rate": 22_050, "output_hop_length": 256},
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("accent", "language", "how"),
    [
        ("", "en", None),
        ("de", "de", "honoured"),
        ("en-GB", "en", "approximated"),
        ("zh", "zh-cn", "honoured"),
        ("fi", "en", "ignored"),
    ],
)
def test_an_accent_is_a_language(accent: str, language: str, how: str | None, folder: Path) -> None:
    tts = make(folder, speaker_path="/voices/me.wav")
    projection = tts.project(Voice(accent=accent, pace=1.5))
    assert projection.knobs == {"speaker": "me", "speed": 1.5, "language": language}
    assert {came.field: came.how for came in projection.report}.get("accent") == how


def test_what_it_has_no_knob_for_is_said(folder: Path) -> None:
    report = make(folder, speaker_path="me.wav").project(
        Voice(timbre=Timbre(gender="female"), emotion_priors={"joy": 1})
    )
    assert {came.field: came.how for came in report.report} == {"timbre.gender": "ignored", "emotion_priors": "ignored"}


def test_the_rungs_are_what_whole_pieces_bring(folder: Path) -> None:
    assert make(folder, speaker_path="me.wav", chunk_tokens=4).describe().granularity == (13, 26, 39)
    capability = make(folder, speaker_path="me.wav", chunk_tokens=20).describe()
    assert capability.granularity == (88, 176, 264)  # 20 tokens are 929 ms, less the crossfade of 43 ms
    assert (capability.unit, capability.unit_samples, capability.rate_hz) == ("ms", 240, 24_000)
    assert capability.deterministic and capability.egress == ()


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"model_path": ""}, "missing", "model_path is not set"),
        ({"model_path": "/nowhere"}, "missing", "no config.json"),
        ({}, "missing", "set tts.xtts.speaker_path"),
        ({"speaker_path": "me.wav", "voice": "nobody"}, "missing", r"tts\.voice 'nobody' .* me"),
        ({"speaker_path": "me.wav", "language": "fi"}, "unsupported", "en, de, zh-cn"),
    ],
)
def test_a_setting_that_is_wrong_is_named(options: dict[str, Any], kind: str, words: str, folder: Path) -> None:
    with pytest.raises(AdapterError, match=words) as caught:
        make(folder, **options).project(Voice())
    assert caught.value.kind == kind


def test_a_configuration_that_is_none_is_corrupt(folder: Path) -> None:
    (folder / "config.json").write_text("[]")
    with pytest.raises(AdapterError, match=r"config\.json cannot be read") as caught:
        make(folder).describe()
    assert caught.value.kind == "corrupt"


def test_nothing_to_say_loads_nothing(folder: Path) -> None:
    synthesis = make(folder, speaker_path="me.wav").open(Span(" \n", Voice(), 1))
    chunk = synthesis.pull(8, True)
    assert (chunk.units, chunk.pcm.size, chunk.eos, synthesis.units) == (0, 0, True, 0)


# -- with it ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    pytest.importorskip("TTS", reason="coqui-tts is not installed here")
    with small_vocoder():
        yield save_weights(tmp_path_factory.mktemp("xtts"))


@pytest.fixture(scope="module")
def tts(weights: Path) -> XttsTts:
    return make(weights)


def say(tts: XttsTts, text: str = HELLO, seed: int = 3, voice: Voice | None = None, step: int = 0) -> np.ndarray:
    chunks = pull_all(tts.open(Span(text, voice or Voice(), seed)), tts.rungs[step])
    return np.concatenate([chunk.pcm for chunk in chunks])


@pytest.mark.engines
def test_a_text_is_spoken_in_whole_units(tts: XttsTts) -> None:
    synthesis = tts.open(Span(HELLO, Voice(), 3))
    assert synthesis.units == -1
    chunks = pull_all(synthesis, tts.rungs[0])
    assert synthesis.units == sum(chunk.units for chunk in chunks)
    for chunk in chunks[:-1]:
        assert chunk.pcm.size == chunk.units * tts.unit_samples
    pcm = np.concatenate([chunk.pcm for chunk in chunks])
    assert pcm.dtype == np.float32 and np.isfinite(pcm).all() and 0 < np.abs(pcm).max() <= 1
    after = synthesis.pull(8, True)
    assert (after.units, after.pcm.size, after.eos) == (0, 0, True)


@pytest.mark.engines
@pytest.mark.parametrize("chunk_tokens", [4, 7])
def test_the_smallest_pull_waits_for_one_piece(chunk_tokens: int, tts: XttsTts, weights: Path) -> None:
    small = make(weights, chunk_tokens=chunk_tokens)
    small.model = tts.model
    synthesis = small.open(Span(HELLO, Voice(), 3))
    synthesis.pull(small.rungs[0], True)
    assert synthesis._rest.size < small.rungs[0] * small.unit_samples


@pytest.mark.engines
def test_the_same_span_gives_the_same_bytes_from_a_model_loaded_anew(tts: XttsTts, weights: Path) -> None:
    first = say(tts)
    assert say(make(weights)).tobytes() == first.tobytes()
    assert say(tts, step=2).tobytes() == first.tobytes()
    assert say(tts, seed=4).tobytes() != first.tobytes()


@pytest.mark.engines
def test_texts_spoken_in_turns_sound_as_if_alone(tts: XttsTts) -> None:
    texts = (HELLO, "Something else that is rather longer than the other.")
    alone = [say(tts, text) for text in texts]
    syntheses = [tts.open(Span(text, Voice(), 3)) for text in texts]
    heard: list[list[np.ndarray]] = [[], []]
    going = {0, 1}
    while going:
        for k in sorted(going):
            chunk = syntheses[k].pull(tts.rungs[0], True)
            heard[k].append(chunk.pcm)
            going -= {k} if chunk.eos else set()
    for k in (0, 1):
        np.testing.assert_array_equal(np.concatenate(heard[k]), alone[k])


@pytest.mark.engines
def test_speaking_leaves_the_dice_of_others_alone(tts: XttsTts) -> None:
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    say(tts)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.engines
def test_a_faster_pace_is_shorter_and_another_speaker_another_sound(tts: XttsTts) -> None:
    plain = say(tts)
    assert say(tts, voice=Voice(pace=2.0)).size == pytest.approx(plain.size / 2, rel=0.05)
    assert say(tts, voice=named("xtts", SPEAKERS[1])).tobytes() != plain.tobytes()


@pytest.mark.engines
def test_a_voice_is_learnt_from_a_recording(weights: Path, tmp_path: Path) -> None:
    rate_hz = 16_000
    tone = (8000 * np.sin(np.arange(2 * rate_hz) * 0.05)).astype(np.int16)
    path = tmp_path / "me.wav"
    path.write_bytes(header(rate_hz, tone.size) + tone.tobytes())
    mine = make(weights, speaker_path=str(path))
    assert mine.describe().voices == ("me", *SPEAKERS)
    assert say(mine).tobytes() != say(mine, voice=named("xtts", SPEAKERS[0])).tobytes()


@pytest.mark.engines
def test_a_recording_that_is_none_is_named(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=r"speaker_path .* cannot be used") as caught:
        say(make(weights, speaker_path=str(tmp_path / "none.wav")))
    assert caught.value.kind == "corrupt"


@pytest.mark.engines
def test_it_may_be_closed_at_any_moment_and_twice(tts: XttsTts) -> None:
    for pulls in (0, 1):
        synthesis = tts.open(Span(HELLO, Voice(), 1))
        for _ in range(pulls):
            synthesis.pull(tts.rungs[0], True)
        synthesis.close()
        synthesis.close()
        assert synthesis.pull(tts.rungs[0], True).eos


@pytest.mark.engines
def test_a_text_that_is_too_long_is_a_fault_and_stays_one(tts: XttsTts) -> None:
    synthesis = tts.open(Span("word " * 100, Voice(), 1))
    for _ in range(2):
        with pytest.raises(AdapterError, match="maximum") as caught:
            synthesis.pull(8, True)
        assert caught.value.kind == "crashed"
    assert say(tts).size


@pytest.mark.engines
@pytest.mark.parametrize("answer", ["none", "empty", "no numbers"])
def test_answers_that_are_no_audio_are_garbage(answer: str, tts: XttsTts, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    pieces = {"none": [], "empty": [torch.zeros(0)], "no numbers": [torch.full((9,), torch.nan)]}[answer]
    monkeypatch.setattr(tts.model.xtts, "inference_stream", lambda **knobs: iter(pieces))
    synthesis = tts.open(Span(HELLO, Voice(), 1))
    for _ in range(2):
        with pytest.raises(AdapterError) as caught:
            synthesis.pull(8, True)
        assert caught.value.kind == "garbage"


@pytest.mark.engines
@pytest.mark.parametrize("name", ["model.pth", "vocab.json", "speakers_xtts.pth"])
def test_a_damaged_file_is_corrupt(name: str, weights: Path, tmp_path: Path) -> None:
    for path in weights.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / name).unlink()
    (tmp_path / name).write_bytes(b"no such thing")
    with pytest.raises(AdapterError, match="fetch") as caught:
        say(make(tmp_path))
    assert caught.value.kind == "corrupt"


@pytest.mark.engines
def test_warm_up_measures_a_cost(weights: Path) -> None:
    tts = make(weights)
    tts.warm_up()
    assert tts.describe().cost is not None
