"""Kokoro on a small graph of the same shape: runs, words, voices, and files that are not right."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Span
from adapters.tts import calibrate
from adapters.tts.kokoro_model import FRAME_SAMPLES, at_speed
from adapters.tts.kokoro_text import runs
from adapters.tts.tests import pull_all
from adapters.tts.tests.kokoro_graph import (
    EACH_FRAMES,
    LONG,
    VOICES,
    bring,
    fault,
    reading,
    small_graph,
    sound,
    write_files,
)
from adapters.voice import Prosody, Timbre, Voice, named


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for package in ("onnxruntime", "espeakng_loader"):
        pytest.importorskip(package)
    write_files(tmp_path)
    return tmp_path


@pytest.fixture
def small(files: Path) -> Any:
    return bring(files)


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
    chunks = pull_all(small.open(Span(text, Voice(), 1)), 64)
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
    np.testing.assert_array_equal(np.concatenate([first.pcm, *(c.pcm for c in pull_all(synthesis, 64))]), whole)


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


# -- projecting ----------------------------------------------------------------------------


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


# -- files that are not right --------------------------------------------------------------


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
