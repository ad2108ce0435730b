"""Kokoro: how a text is read and cut into runs, on a small graph of the same shape, and with real weights."""

from __future__ import annotations

import json
import re
import sys
import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import EAR_RATE_HZ, AdapterError, AudioChunk, Span
from adapters.registry import Context, create
from adapters.tts import calibrate, kokoro_text
from adapters.tts.kokoro_model import FRAME_SAMPLES, STYLE_FLOATS, STYLES, at_speed
from adapters.tts.kokoro_text import FIRST_MOST, GROWTH, LEAST, MOST, Reading, read, runs
from adapters.tts.tests import make
from adapters.tts.whole import speak_whole
from adapters.voice import Prosody, Timbre, Voice, named
from adapters.weights import Weights, default_cache
from timeline.clock import VirtualClock

ALPHABET = frozenset(",;:.!?—… AIOQTWYabdefhijklmnoprstuvwzæðŋɑɒɔəɛɜɡɪɹʃʊʌʒʤʧˈˌːᵊᵻθ")
VOICES = ("af_one", "am_two", "bf_three", "bm_four")
EACH_FRAMES = 4  # that the small graph gives each phoneme
LONG = "The old man rowed his boat across the lake, and watched the sun. Birds sang. " * 4


def pull_all(synthesis: Any, units: int = 64) -> list[AudioChunk]:
    chunks = [synthesis.pull(units, True)]
    while not chunks[-1].eos:
        chunks.append(synthesis.pull(units, True))
    return chunks


def sound(tts: Any, text: str, voice: Voice | None = None, seed: int = 1) -> np.ndarray:
    return np.concatenate([chunk.pcm for chunk in pull_all(tts.open(Span(text, voice or Voice(), seed)))])


def fault(call: Any, *args: Any) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        call(*args)
    assert "\n" not in caught.value.detail
    return caught.value


# -- reading ------------------------------------------------------------------------------


def reading(text: str, dialect: str = "en-us") -> Reading:
    pytest.importorskip("espeakng_loader")
    return read(text, dialect, ALPHABET)


@pytest.mark.parametrize(("text", "phonemes"), [
    ("Hello there, my good friend.", "həlˈO ðˈɛɹ, mI ɡˈʊd fɹˈɛnd."),
    ("A joyful child chose?", "ə ʤˈYfᵊl ʧˈIld ʧˈOz?"),
    ("Dr. Smith", "dˈɑktəɹ smˈɪθ"),
    ("We go — so...", "wi ɡˈO— sˈO…"),
    ("First line\nSecond line", "fˈɜɹst lˈIn. sˈɛkənd lˈIn"),
    ('"Go," he said!?', "ɡˈO, hi sˈɛd?"),
    ("I hope the weather is better.", "ˌI hˈOp ðə wˈɛðəɹ ɪz bˈɛTəɹ."),
    ("", ""), ("...", ""), (" \n\t", ""),
])  # fmt: skip
def test_a_text_is_read_in_the_letters_of_the_model_with_its_marks(text, phonemes):
    assert reading(text).phonemes == phonemes


def test_the_british_read_otherwise():
    assert reading("bath water", "en-us").phonemes == "bˈæθ wˈɔTəɹ"
    assert reading("bath water", "en").phonemes == "bˈaθ wˈɔːtə"


def test_each_token_knows_its_phonemes():
    text = "Well, I have 123 – yes, 123 – red apples."
    words = reading(text).words
    assert [text[word.text_start : word.text_end] for word in words] == re.findall(r"[^\s–]+", text)
    spoken = reading(text).phonemes
    assert spoken[words[3].start : words[3].end].startswith("wˈʌn")
    assert spoken[words[-1].start : words[-1].end] == "ˈæpᵊlz"
    for a, b in pairwise(words):
        assert a.start < a.end <= b.start < b.end


def test_a_clause_is_read_alike_whatever_was_read_before():
    first = reading("The record was recorded.")
    kokoro_text._letters.cache_clear()
    reading("Ein ganz anderer Satz, 42!", "en")
    assert reading("The record was recorded.") == first


def test_threads_read_at_the_same_time():
    texts = [f"Number {k} is read here, and there." for k in range(8)]
    alone = [reading(text, dialect) for text in texts for dialect in ("en-us", "en")]
    kokoro_text._letters.cache_clear()
    found: dict[str, list[Reading]] = {}
    threads = [
        threading.Thread(target=lambda d=d: found.update({d: [read(text, d, ALPHABET) for text in texts]}))
        for d in ("en-us", "en")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [pair for both in zip(found["en-us"], found["en"], strict=True) for pair in both] == alone


def test_a_machine_without_espeak_is_told_the_extra(monkeypatch):
    kokoro_text._library.cache_clear()
    kokoro_text._letters.cache_clear()
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    error = fault(read, "Hello.", "en-us", ALPHABET)
    assert error.kind == "missing" and "duckbill[kokoro]" in error.detail


# -- runs ---------------------------------------------------------------------------------


@given(st.lists(st.text("abc", min_size=1, max_size=30), max_size=60), st.lists(st.sampled_from([" ", ", ", ". "])))
def test_runs_cover_the_phonemes_and_none_is_too_long(words, gaps):
    gaps = (gaps + [" "] * len(words))[: len(words)]
    phonemes = "".join(word + gap for word, gap in zip(words, gaps, strict=True)).strip()
    ranges = runs(phonemes)
    assert "".join(phonemes[start:end] for start, end in ranges) == phonemes
    assert all(a[1] == b[0] for a, b in pairwise(ranges))
    lengths = [end - start for start, end in ranges]
    assert all(length > 0 for length in lengths)
    assert not lengths or lengths[0] <= FIRST_MOST
    for before, length in pairwise(lengths):
        assert length <= min(MOST, max(FIRST_MOST, GROWTH * before))


def test_runs_end_behind_marks_the_first_soon():
    assert runs("həlˈO ðˈɛɹ, mI ɡˈʊd fɹˈɛnd, həlˈO ðˈɛɹ.") == [(0, 12), (12, 39)]


def test_no_run_is_a_scrap():
    word = "abcdefgh "
    for count in range(1, 60):
        for phonemes in ((word * count).strip(), (word * count).strip() + ", a."):
            lengths = [end - start for start, end in runs(phonemes)]
            assert lengths == [len(phonemes)] or min(lengths) >= LEAST


# -- a small graph of the same shape ------------------------------------------------------


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


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A model and four voices as a stranger would bring them."""
    for package in ("onnxruntime", "espeakng_loader"):
        pytest.importorskip(package)
    (tmp_path / "model").mkdir()
    (tmp_path / "voices").mkdir()
    (tmp_path / "model" / "small.onnx").write_bytes(small_graph())
    letters = {letter: number for number, letter in enumerate(sorted(ALPHABET), start=1)}
    (tmp_path / "model" / "config.json").write_text(json.dumps({"vocab": letters}), "utf-8")
    for name in VOICES:
        np.ones(STYLES * STYLE_FLOATS, np.float32).tofile(tmp_path / "voices" / f"{name}.bin")
    return tmp_path


@pytest.fixture
def small(files: Path) -> Any:
    return bring(files)


def bring(files: Path) -> Any:
    weights = Weights(files / "cache", overrides={"small": files / "model", "few": files / "voices"})
    options = {"weights": "small", "voices": "few", "voice": "af_one"}
    return create("tts", "kokoro", options, Context(weights, VirtualClock(), files / "cache"))


def count_runs(tts: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The phonemes of each run, as they are rendered."""
    rendered: list[str] = []
    render = tts.model.render

    def counted(phonemes: str, *rest: Any) -> Any:
        rendered.append(phonemes)
        return render(phonemes, *rest)

    monkeypatch.setattr(tts.model, "render", counted)
    return rendered


def test_a_run_is_rendered_when_it_is_pulled_and_not_before(small, monkeypatch):
    rendered = count_runs(small, monkeypatch)
    synthesis = small.open(Span(LONG, Voice(), 1))
    assert rendered == []
    seen = 0
    while True:
        chunk = synthesis.pull(24, True)
        assert len(rendered) - seen in (0, 1)
        assert 0 < chunk.units <= 24
        seen = len(rendered)
        if chunk.eos:
            break
    whole = reading(LONG).phonemes
    assert len(rendered) > 3
    assert "".join(rendered) == "".join(whole[start:end].rstrip() for start, end in runs(whole))


def test_words_begin_and_end_with_their_phonemes(small):
    text = "Hello there, my good friend."
    chunks = pull_all(small.open(Span(text, Voice(), 1)))
    marks = [mark for chunk in chunks for mark in chunk.markers]
    assert [text[mark.text_start : mark.text_end] for mark in marks] == text.split()
    grain = EACH_FRAMES * FRAME_SAMPLES
    breath = FRAME_SAMPLES  # what stays of the quiet before a run
    hello, there, my, *_ = marks
    assert (hello.start_sample, hello.end_sample) == (breath, breath + len("həlˈO") * grain)
    assert (there.start_sample, there.end_sample) == (breath + 6 * grain, breath + len("həlˈO ðˈɛɹ") * grain)
    first_run = chunks[0].units * FRAME_SAMPLES
    assert first_run == pytest.approx(breath + 11 * grain, abs=grain)
    assert my.start_sample == first_run + breath


def test_quiet_stays_behind_a_run_by_its_mark(small):
    def tail(text: str) -> int:
        pcm = sound(small, text)
        return pcm.size - int(np.flatnonzero(pcm)[-1]) - 1

    assert tail("Good evening") == 0
    assert tail("Good evening,") == tail("Good evening.") == EACH_FRAMES * FRAME_SAMPLES  # no more than there is


def test_a_run_that_failed_is_rendered_again(small, monkeypatch):
    whole = sound(small, LONG)
    synthesis = small.open(Span(LONG, Voice(), 1))
    first = synthesis.pull(10_000, True)
    run = small.model._sound.run

    def fails(*_: Any) -> Any:
        raise RuntimeError("out of memory\nand more")

    monkeypatch.setattr(small.model, "_sound", type("Broken", (), {"run": staticmethod(fails)}))
    for _ in range(2):
        error = fault(synthesis.pull, 10_000, True)
        assert (error.kind, error.retryable) == ("crashed", True)
    monkeypatch.setattr(small.model, "_sound", type("Mended", (), {"run": staticmethod(run)}))
    np.testing.assert_array_equal(np.concatenate([first.pcm, *(c.pcm for c in pull_all(synthesis))]), whole)


def test_what_is_closed_while_it_renders_ends_and_is_no_fault(small, monkeypatch):
    synthesis = small.open(Span(LONG, Voice(), 1))
    render = small.model.render

    def closed_meanwhile(*args: Any) -> Any:
        synthesis.close()
        return render(*args)  # the runtime refuses what has been broken off

    monkeypatch.setattr(small.model, "render", closed_meanwhile)
    for _ in range(2):
        chunk = synthesis.pull(64, True)
        assert (chunk.units, chunk.pcm.size, chunk.markers, chunk.eos) == (0, 0, (), True)


def test_after_close_nothing_more_is_rendered(small, monkeypatch):
    synthesis = small.open(Span(LONG, Voice(), 1))
    assert synthesis.pull(24, True).units == 24
    rendered = count_runs(small, monkeypatch)
    synthesis.close()
    assert synthesis.pull(24, True).eos and rendered == []


def test_a_very_long_text_is_read_at_once_and_rendered_as_it_is_pulled(small, monkeypatch):
    rendered = count_runs(small, monkeypatch)
    synthesis = small.open(Span(("The quick brown fox. " * 500)[:10_000], Voice(), 1))
    synthesis.pull(24, True)
    assert len(rendered) == 1
    synthesis.close()


def test_the_level_comes_from_the_warm_up_and_full_scale_is_kept(small):
    before = np.abs(sound(small, "The quick brown fox.")).max()
    small.warm_up()
    assert np.abs(sound(small, "The quick brown fox.")).max() == pytest.approx(0.6, rel=0.2)
    assert before != pytest.approx(0.6, rel=0.01)
    small._gain = 1000.0
    assert np.abs(sound(small, "Loud!")).max() == 1.0


def test_a_span_sounds_the_same_whoever_the_engine_was_warmed_up_for(small, monkeypatch):
    render = small.model.render

    def one_is_louder(phonemes: str, voice: str, *rest: Any) -> Any:
        rendered = render(phonemes, voice, *rest)
        return replace(rendered, pcm=rendered.pcm * np.float32(2 if voice == "am_two" else 1))

    monkeypatch.setattr(small.model, "render", one_is_louder)
    small.warm_up()
    plain = sound(small, "The quick brown fox.", named("kokoro", "bm_four"))
    small.warm_up(named("kokoro", "am_two", 1.5))
    np.testing.assert_array_equal(sound(small, "The quick brown fox.", named("kokoro", "bm_four")), plain)


def test_how_it_speaks_by_itself_is_told_of_the_voice_it_was_warmed_up_for(small):
    for voice in (Voice(), named("kokoro", "am_two")):
        small.warm_up(replace(voice, pace=1.5))
        assert small.describe().natural == calibrate.natural(small, voice)


def test_the_capability_is_what_it_is(small):
    capability = small.describe()
    assert (capability.rate_hz, capability.unit_samples, capability.markers) == (24_000, 600, "measured")
    assert (capability.deterministic, capability.supports_seed, capability.cost) == (True, False, None)
    assert sorted(capability.voices) == sorted(VOICES)
    small.warm_up()
    assert small.describe().cost is not None and len(small.describe().weights_sha256) == 64


# -- projecting ---------------------------------------------------------------------------


@pytest.mark.parametrize(("voice", "name"), [
    (Voice(), "af_one"),
    (Voice(timbre=Timbre(gender="male")), "am_two"),
    (Voice(accent="en-GB"), "bf_three"),
    (Voice(accent="en-GB", timbre=Timbre(gender="male")), "bm_four"),
    (Voice(accent="de-DE", timbre=Timbre(gender="male")), "am_two"),
    (named("kokoro", "bm_four"), "bm_four"),
    (named("piper", "joe"), "af_one"),
])  # fmt: skip
def test_who_is_not_cast_is_chosen_by_accent_and_gender(small, voice, name):
    assert small.project(voice).knobs["voice"] == name


def test_what_came_of_each_field_is_said(small):
    voice = Voice(
        timbre=Timbre(gender="male", names={"piper": "joe"}, pitch_hz=100.0), accent="de-DE", pace=1.5,
        prosody=Prosody(pauses=2.0),
    )  # fmt: skip
    came = {one.field: one.how for one in small.project(voice).report}
    assert came == {
        "timbre.names": "ignored", "timbre.gender": "approximated", "timbre.pitch_hz": "ignored",
        "prosody.pauses": "ignored", "accent": "ignored", "pace": "honoured",
    }  # fmt: skip
    joyful = small.project(Voice(prosody=Prosody(level_db=-3.0), emotion_priors={"joy": 1.0}))
    assert {one.field: one.how for one in joyful.report} == {
        "prosody.level_db": "honoured", "emotion_priors": "approximated",
    }  # fmt: skip
    british = small.project(Voice(accent="en-GB", timbre=Timbre(gender="neutral")))
    assert {one.field: one.how for one in british.report} == {"accent": "approximated", "timbre.gender": "ignored"}


@given(frames=st.lists(st.integers(2, 20), min_size=1, max_size=60), speed=st.floats(0.5, 2.0))
def test_a_speed_is_kept_over_all_phonemes_although_frames_are_whole(frames, speed):
    paced = at_speed(np.array(frames), speed)
    np.testing.assert_allclose(np.cumsum(paced), np.cumsum(frames) / speed, atol=0.5001)


def test_no_phoneme_is_shorter_than_a_frame_and_the_next_ones_pay_for_it():
    assert at_speed(np.array([1, 1, 6, 6]), 2.0).tolist() == [1, 1, 2, 3]
    assert at_speed(np.array([1, 2, 3]), 1.0).tolist() == [1, 2, 3]


def test_a_level_and_an_emotion_are_heard(small):
    plain = sound(small, "Good evening.")
    softer = sound(small, "Good evening.", Voice(prosody=Prosody(level_db=-6.0)))
    np.testing.assert_allclose(softer, plain * 10 ** (-6 / 20), rtol=1e-5)
    sad = small.project(Voice(emotion_priors={"sadness": 1.0})).knobs
    assert sad["speed"] < 1.0 and sad["gain_db"] == -2.0


def test_a_configured_voice_that_is_not_there_names_the_setting(files):
    tts = bring(files)
    tts.options.voice = "nobody"
    assert "tts.kokoro.voice 'nobody'" in fault(tts.project, Voice()).detail


# -- files that are not right -------------------------------------------------------------


def damage(graph: bytes) -> bytes:
    return b"\xff" * len(graph)


def forget_rounding(graph: bytes) -> bytes:
    return small_graph(rounds=False)


def rename_tokens(graph: bytes) -> bytes:
    return small_graph(tokens="input_ids")


@pytest.mark.parametrize(("change", "kind", "cure"), [
    (damage, "corrupt", "duckbill models fetch"),
    (forget_rounding, "unsupported", "leave it out"),
    (rename_tokens, "unsupported", "leave it out"),
])  # fmt: skip
def test_a_graph_that_is_not_right_names_the_cure(files, change, kind, cure):
    graph = files / "model" / "small.onnx"
    graph.write_bytes(change(graph.read_bytes()))
    error = fault(bring(files).open, Span("Hello.", Voice(), 1))
    assert error.kind == kind and cure in error.detail


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"vocab": {"a": "b"}}'])
def test_a_configuration_that_cannot_be_read_names_the_cure(files, text):
    (files / "model" / "config.json").write_text(text)
    error = fault(bring(files).open, Span("Hello.", Voice(), 1))
    assert error.kind == "corrupt" and "config.json cannot be read" in error.detail


def test_a_model_without_its_configuration_names_the_setting(files):
    (files / "model" / "config.json").unlink()
    error = fault(bring(files).open, Span("Hello.", Voice(), 1))
    assert error.kind == "missing" and "weights.small" in error.detail


def test_a_voice_of_another_shape_is_corrupt(files):
    (files / "voices" / "af_one.bin").write_bytes(bytes(1000))
    error = fault(bring(files).open(Span("Hello.", Voice(), 1)).pull, 24, True)
    assert error.kind == "corrupt" and "af_one.bin" in error.detail


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_package_that_is_not_installed_names_the_extra(files, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    error = fault(bring(files).open, Span("Hello.", Voice(), 1))
    assert error.kind == "missing" and "duckbill[kokoro]" in error.detail


# -- with real weights --------------------------------------------------------------------


@pytest.fixture(scope="module")
def kokoro(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make("kokoro", tmp_path_factory.mktemp("kokoro"))


@pytest.mark.engines
def test_the_seed_changes_nothing(kokoro):
    np.testing.assert_array_equal(sound(kokoro, "Hello.", seed=1), sound(kokoro, "Hello.", seed=2))


@pytest.mark.engines
def test_two_threads_at_once_and_one_core_give_the_same_bytes(kokoro, tmp_path):
    alone = sound(kokoro, "Hello there.")
    found: dict[int, np.ndarray] = {}
    threads = [threading.Thread(target=lambda k=k: found.update({k: sound(kokoro, "Hello there.")})) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(found[0], alone)
    np.testing.assert_array_equal(found[1], alone)
    np.testing.assert_array_equal(sound(make("kokoro", tmp_path, threads=1), "Hello there."), alone)


@pytest.mark.engines
@pytest.mark.parametrize("pace", [0.7, 1.1, 1.3])
def test_a_pace_is_heard_as_it_was_asked(kokoro, pace):
    """The graph's own speed gives 1.06 for 1.1, and no value of it 1.3."""

    def spoken_samples(voice: Voice) -> int:
        marks = [
            m
            for c in pull_all(kokoro.open(Span("Nobody remembers who built the old mill by the river", voice, 1)))
            for m in c.markers
        ]
        return marks[-1].end_sample - marks[0].start_sample

    assert spoken_samples(Voice()) / spoken_samples(Voice(pace=pace)) == pytest.approx(pace, rel=0.02)


@pytest.mark.engines
def test_nobody_waits_for_silence(kokoro):
    """The model begins with a third of a second of it, and ends a run with half a second."""
    pcm = sound(kokoro, "Hello there, my good friend.")
    loud = np.flatnonzero(np.abs(pcm) > 0.02)
    assert loud[0] < 0.1 * 24_000
    assert pcm.size - loud[-1] < 0.5 * 24_000
    assert np.diff(loud).max() < 0.4 * 24_000  # at the comma, where two runs meet


@pytest.mark.engines
def test_every_voice_of_the_catalogue_speaks(kokoro):
    sounds = [sound(kokoro, "Good evening.", named("kokoro", name)) for name in kokoro.describe().voices]
    assert len(sounds) == 6
    assert all(0.2 < np.abs(pcm).max() <= 1 for pcm in sounds)
    assert len({pcm.tobytes() for pcm in sounds}) == 6


@pytest.mark.engines
def test_a_recognizer_understands_it(kokoro):
    jiwer = pytest.importorskip("jiwer")
    weights = Weights(default_cache())
    try:
        stt = create("stt", "whisper", {}, Context(weights, VirtualClock(), default_cache()))
        stt.warm_up()
    except AdapterError as error:
        pytest.skip(error.detail)
    text = "Could you tell me when the last train to the city leaves?"
    pcm = np.pad(speak_whole(kokoro, text, EAR_RATE_HZ), EAR_RATE_HZ // 5)
    heard = stt.transcribe(pcm, False).text
    words = [" ".join(re.findall(r"[a-z']+", said.lower())) for said in (text, heard)]
    assert jiwer.wer(*words) <= 0.1, heard
