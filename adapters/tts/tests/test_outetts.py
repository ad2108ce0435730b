"""OuteTts around a model that writes what the test tells it to; then, where the package is installed, around the
package itself with small random weights (adapters/tts/tests/oute_weights.py): these prove the path, not the sound."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.base import AdapterError, Span
from adapters.registry import Context
from adapters.tts import outetts, outetts_model
from adapters.tts.outetts import DEFAULT_SPEAKER, OuteTts
from adapters.tts.outetts_model import CONTEXT_FRAMES, UNIT_SAMPLES, load
from adapters.tts.tests import pull_all
from adapters.tts.tests.oute_weights import build, write_speaker
from adapters.tts.tests.oute_writer import WORD_FRAMES, WritingModel
from adapters.voice import Voice, named
from timeline.clock import SystemClock, VirtualClock

TEXT = "Hello there. General Kenobi."


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> WritingModel:
    made = WritingModel()
    monkeypatch.setattr(outetts, "load", lambda *_: made)
    return made


@pytest.fixture
def tts(model: WritingModel, tmp_path: Path) -> OuteTts:
    (tmp_path / "model.gguf").write_bytes(b"weights")
    paths = {"model_path": str(tmp_path / "model.gguf"), "codec_path": str(tmp_path / "model.gguf")}
    return OuteTts(OuteTts.Options(**paths), Context(None, VirtualClock(), tmp_path))  # type: ignore[arg-type]


def say(tts: OuteTts, text: str = TEXT, seed: int = 5, units: int = 8) -> np.ndarray:
    return np.concatenate([chunk.pcm for chunk in pull_all(tts.open(Span(text, Voice(), seed)), units)])


EXPECTED = np.repeat(np.tile(np.arange(WORD_FRAMES, dtype=np.float32) / 1024, 4), UNIT_SAMPLES)


@pytest.mark.parametrize("units", [1, 8, 50, 1000])
def test_all_frames_are_heard_once_whatever_is_pulled(tts: OuteTts, units: int) -> None:
    synthesis = tts.open(Span(TEXT, Voice(), 5))
    chunks = pull_all(synthesis, units)
    np.testing.assert_array_equal(np.concatenate([chunk.pcm for chunk in chunks]), EXPECTED)
    assert all(chunk.units <= units and chunk.pcm.size == chunk.units * UNIT_SAMPLES for chunk in chunks)
    assert sum(chunk.units for chunk in chunks) == 4 * WORD_FRAMES
    after = synthesis.pull(8, True)
    assert (after.units, after.pcm.size, after.eos) == (0, 0, True)


def test_each_word_is_marked_in_the_chunk_in_which_it_begins(tts: OuteTts) -> None:
    start = 0
    marked = []
    for chunk in pull_all(tts.open(Span(TEXT, Voice(), 5)), 8):
        for mark in chunk.markers:
            assert start <= mark.start_sample < start + chunk.pcm.size
            assert mark.end_sample == mark.start_sample + WORD_FRAMES * UNIT_SAMPLES
            marked.append(TEXT[mark.text_start : mark.text_end])
        start += chunk.pcm.size
    assert marked == TEXT.split()


def test_no_more_is_written_than_the_chunk_and_its_context_need(tts: OuteTts, model: WritingModel) -> None:
    tts.open(Span(TEXT, Voice(), 5)).pull(8, True)
    head_tokens = len("Hello") + 3
    assert model.written == head_tokens + 2 * (8 + CONTEXT_FRAMES)


def test_each_chunk_of_the_text_has_a_seed_of_its_own(tts: OuteTts, model: WritingModel) -> None:
    say(tts, seed=5)
    assert model.seeds == [5, 6]


def test_a_span_that_another_interrupts_is_written_to_its_end_first(tts: OuteTts) -> None:
    first, second = (tts.open(Span(TEXT, Voice(), seed)) for seed in (1, 9))
    heard = [first.pull(8, True), second.pull(8, True)]
    for synthesis, chunk in ((first, heard[0]), (second, heard[1])):
        rest = [chunk.pcm, *(more.pcm for more in pull_all(synthesis, 8))]
        np.testing.assert_array_equal(np.concatenate(rest), EXPECTED)


def test_a_span_that_was_closed_is_not_written_on(tts: OuteTts, model: WritingModel) -> None:
    first = tts.open(Span(TEXT, Voice(), 1))
    first.pull(8, True)
    first.close()
    first.close()
    assert first.pull(8, True).eos
    say(tts, "Next.")
    assert model.seeds == [1, 5]


@pytest.mark.parametrize("closed", ["synthesis", "tts"])
def test_closing_in_mid_pull_ends_it_before_the_next_token(tts: OuteTts, model: WritingModel, closed: str) -> None:
    synthesis = tts.open(Span(TEXT, Voice(), 1))
    close = synthesis.close if closed == "synthesis" else tts.close
    model.before_token = lambda: close() if model.written == 20 else None
    chunk = synthesis.pull(64, True)
    assert (chunk.units, chunk.eos, model.written) == (0, True, 21)


def test_a_model_that_fails_is_a_fault_of_one_line(tts: OuteTts, model: WritingModel) -> None:
    def fail() -> None:
        raise RuntimeError("llama_decode returned 1\nand more")

    model.before_token = fail
    with pytest.raises(AdapterError, match=r"llama_decode returned 1: check tts\.outetts") as caught:
        say(tts)
    assert caught.value.kind == "crashed" and "\n" not in caught.value.detail


@pytest.mark.parametrize("text", ["", "  \n", "..."])
def test_a_text_without_sentences_has_no_sound(tts: OuteTts, text: str) -> None:
    assert say(tts, text).size == 0


def test_warm_up_knows_the_weights(tts: OuteTts) -> None:
    tts.warm_up()
    capability = tts.describe()
    assert capability.cost is not None and len(capability.weights_sha256) == 64
    assert (capability.streaming, capability.egress, capability.markers) == (True, (), "measured")


# -- speakers and settings ----------------------------------------------------------------


def test_speakers_are_voices_by_their_names(tts: OuteTts, model: WritingModel, tmp_path: Path) -> None:
    for name in ("ada", "bob"):
        write_speaker(tmp_path / f"{name}.json")
    tts.options.speaker_path = str(tmp_path)
    assert tts.describe().voices == ("ada", "bob", DEFAULT_SPEAKER)
    for cast, spoken in (("", "ada"), ("bob", "bob"), (DEFAULT_SPEAKER, DEFAULT_SPEAKER)):
        pull_all(tts.open(Span("Hi.", named("outetts", cast), 1)), 8)
        assert model.speakers[-1] == {"name": spoken}
    with pytest.raises(AdapterError, match=r"tts\.voice 'nobody' is unknown to outetts; it has: ada, bob") as caught:
        tts.project(named("outetts", "nobody"))
    assert caught.value.kind == "missing"


def test_what_has_no_knob_is_reported(tts: OuteTts) -> None:
    projection = tts.project(Voice(pace=1.5))
    assert projection.knobs == {"speaker": DEFAULT_SPEAKER}
    assert [(one.field, one.how) for one in projection.report] == [("pace", "ignored")]


@pytest.mark.parametrize("option", ["model_path", "codec_path", "speaker_path", "tokenizer_path"])
def test_what_is_not_there_is_named(tts: OuteTts, option: str) -> None:
    setattr(tts.options, option, "/nowhere/at.all")
    with pytest.raises(AdapterError, match=rf"tts\.outetts\.{option}") as caught:
        say(tts)
    assert caught.value.kind == "missing"


def test_without_its_package_it_names_the_cure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "outetts", None)
    with pytest.raises(AdapterError, match=r"duckbill\[outetts\].*tts\.outetts\.python") as caught:
        load(tmp_path, tmp_path, tmp_path, 1, 0.4)
    assert caught.value.kind == "missing"


# -- the package itself -------------------------------------------------------------------


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    os.environ["TQDM_DISABLE"] = "1"  # before anything imports tqdm
    pytest.importorskip("outetts")
    pytest.importorskip("gguf")
    folder = tmp_path_factory.mktemp("weights")
    write_speaker(folder / "short.json")  # the package's own speaker makes a prompt of 2,000 tokens
    return {**build(folder), "speaker_path": str(folder / "short.json")}


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights never end by themselves: half a second of it is enough."""
    monkeypatch.setattr(outetts_model, "ANSWER_LEAST_S", 0.0)


def real(weights: dict[str, str], **options: Any) -> OuteTts:
    return OuteTts(OuteTts.Options(**{**weights, "threads": 1, **options}), Context(None, SystemClock(), None))  # type: ignore[arg-type]


@pytest.mark.engines
@pytest.mark.usefixtures("brief")
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(weights: dict[str, str]) -> None:
    tts = real(weights)
    first = say(tts, "Hi.", 1)
    assert first.size and np.isfinite(first).all() and 0 < np.abs(first).max() <= 1
    assert not np.array_equal(say(tts, "Hi.", 2), first)
    np.testing.assert_array_equal(say(tts, "Hi.", 1), first)


@pytest.mark.engines
@pytest.mark.usefixtures("brief")
def test_the_tokens_are_those_of_the_packages_own_way(weights: dict[str, str]) -> None:
    """Its `regular_generation`, asked for the same text, speaker, seed and length."""
    import outetts as package

    model = real(weights).model
    speaker = model.speaker(Path(weights["speaker_path"]))
    ours = list(model.tokens("Hi.", speaker, 7))
    interface = model._interface
    interface.model.model.reset()
    interface.model.model.set_seed(7)
    length = len(interface.prepare_prompt("Hi.", model.speaker(Path(weights["speaker_path"]))))
    theirs = interface.regular_generation(
        package.GenerationConfig(text="Hi.", speaker=speaker, max_length=length + len(ours))
    )
    assert ours == theirs


@pytest.mark.engines
@pytest.mark.usefixtures("brief")
def test_small_chunks_sound_like_the_whole(weights: dict[str, str]) -> None:
    tts = real(weights)
    small, whole = say(tts, "Hi.", 1, units=8), say(tts, "Hi.", 1, units=10_000)
    assert np.sqrt(np.mean((small - whole) ** 2)) <= np.sqrt(np.mean(whole**2)) * 10 ** (-100 / 20)  # 100 dB below


@pytest.mark.engines
@pytest.mark.usefixtures("brief")
def test_transformers_writes_too_but_does_not_stream(weights: dict[str, str]) -> None:
    tts = real(weights, model_path=weights["tokenizer_path"])
    assert not tts.describe().streaming
    assert say(tts, "Hi.", 1).size


@pytest.mark.engines
@pytest.mark.usefixtures("brief")
def test_the_packages_own_speaker_is_there_and_a_wrong_one_is_refused(weights: dict[str, str], tmp_path: Path) -> None:
    assert len(real(weights).model.default_speaker(DEFAULT_SPEAKER)["words"]) > 10
    for text in ("{}", "no json", '{"interface_version": 1}', '{"interface_version": 3, "words": [], "text": ""}'):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(AdapterError, match=r"tts\.outetts\.speaker_path .*bad\.json is no speaker") as caught:
            say(real(weights, speaker_path=str(tmp_path / "bad.json")), "Hi.")
        assert caught.value.kind == "corrupt"


@pytest.mark.engines
@pytest.mark.usefixtures("brief")
def test_weights_that_are_none_are_refused(weights: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bad.pth").write_bytes(b"nonsense")
    with pytest.raises(AdapterError, match=r"tts\.outetts cannot load its weights") as caught:
        say(real(weights, codec_path=str(tmp_path / "bad.pth")), "Hi.")
    assert caught.value.kind == "corrupt"
