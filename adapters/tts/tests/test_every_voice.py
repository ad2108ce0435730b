"""What the contract promises of every engine, whatever it is asked to say."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.base import AdapterError, AudioChunk, Span
from adapters.tts.tests import make
from adapters.voice import Voice, named

ENGINES = ["null", "espeak", pytest.param("piper", marks=pytest.mark.engines)]
HELLO = "Hello there, this is a test of 123 words."
TEXTS = {
    "plain": HELLO, "empty": "", "blank": "  \n\t ", "dots": "...", "emoji": "👩‍🚀🎉 Party 🎉!",
    "chinese": "你好，世界。", "russian": "Привет, мир!", "arabic": "مرحبا بالعالم", "combining": "e\u0301 n\u0303o",
    "controls": "a\x00b\x01c\x07 d\x1b[31me\x7f\u200b\u2028f", "digits": "3.14 1,000,000 $5 50% 007",
    "one letter": "a", "markup": "<speak>[[h@'loU]] {x} & y</speak>", "half a character": "half \ud83d done",
    "one long word": "a" * 1000, "long": ("The quick brown fox. " * 48)[:1000], "lines": "One.\nTwo?\r\nThree!",
}  # fmt: skip


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module", params=["thread", "process"])
def isolation(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module", params=ENGINES)
def tts(request: pytest.FixtureRequest, isolation: str, cache: Path) -> Iterator[Any]:
    """Made once a module: Piper is cut and loaded in seconds."""
    engine = make(request.param, cache, isolation=isolation)
    yield engine
    engine.close()


def pull_all(synthesis: Any, rungs: tuple[int, ...] = (8, 64, 12)) -> list[AudioChunk]:
    chunks = []
    for rung in cycle(rungs):
        chunks.append(synthesis.pull(rung, True))
        assert chunks[-1].units <= rung
        if chunks[-1].eos:
            return chunks
        assert len(chunks) < 10_000, "it never ends"
    raise AssertionError


def say(tts: Any, text: str = HELLO, seed: int = 3, voice: Voice | None = None, rungs=(8, 64, 12)) -> np.ndarray:
    chunks = pull_all(tts.open(Span(text, voice or Voice(), seed)), rungs)
    return np.concatenate([chunk.pcm for chunk in chunks])


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_any_text_is_spoken_in_whole_units_and_marked_inside_its_audio(tts, text):
    capability = tts.describe()
    synthesis = tts.open(Span(text, Voice(), 3))
    chunks = pull_all(synthesis)
    assert [chunk.eos for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert synthesis.units in (-1, sum(chunk.units for chunk in chunks))
    start, marks = 0, []
    for chunk in chunks:
        assert chunk.pcm.dtype == np.float32 and chunk.pcm.ndim == 1
        assert np.isfinite(chunk.pcm).all() and np.abs(chunk.pcm).max(initial=0) <= 1
        if not chunk.eos:
            assert chunk.pcm.size == chunk.units * capability.unit_samples
        assert chunk.pcm.size <= chunk.units * capability.unit_samples
        for mark in chunk.markers:
            assert start <= mark.start_sample < start + chunk.pcm.size
        marks += chunk.markers
        start += chunk.pcm.size
    for mark in marks:
        assert 0 <= mark.text_start < mark.text_end <= len(text)
        assert mark.start_sample <= mark.end_sample <= start
    for a, b in pairwise(marks):
        assert a.text_end <= b.text_start
        assert a.end_sample <= b.start_sample


def test_words_are_marked_where_they_sound(tts):
    """Each word once and in order; in the middle of each there is sound."""
    text = "Hello there, my good friend."
    synthesis = tts.open(Span(text, Voice(), 3))
    chunks = pull_all(synthesis)
    pcm = np.concatenate([chunk.pcm for chunk in chunks])
    marks = [mark for chunk in chunks for mark in chunk.markers]
    assert [text[mark.text_start : mark.text_end] for mark in marks] == text.split()
    for mark in marks:
        assert np.abs(pcm[mark.start_sample : mark.end_sample]).max() > 0.02


def test_after_the_end_nothing_comes(tts):
    synthesis = tts.open(Span("Hi.", Voice(), 1))
    pull_all(synthesis)
    after = synthesis.pull(8, True)
    assert (after.units, after.pcm.size, after.markers, after.eos) == (0, 0, (), True)


def test_the_same_span_gives_the_same_bytes_whatever_else_was_said(tts):
    first = say(tts)
    say(tts, "Something else.", seed=9)
    interleaved = tts.open(Span("Something else.", Voice(), 9))
    interleaved.pull(8, True)
    np.testing.assert_array_equal(say(tts), first)


def test_small_and_large_pulls_sound_the_same(tts):
    small, large = say(tts, rungs=(8,)), say(tts, rungs=(64,))
    noise = np.sqrt(np.mean((small - large) ** 2))
    assert noise <= np.sqrt(np.mean(large**2)) * 10 ** (-100 / 20)  # 100 dB below


def test_another_process_gives_the_same_bytes(tts, request):
    name = tts.describe().name
    script = (
        "import hashlib, sys, pathlib\n"
        "from adapters.tts.tests import make\n"
        "from adapters.tts.tests.test_every_voice import say\n"
        "pcm = say(make(sys.argv[1], pathlib.Path(sys.argv[2])))\n"
        "print(hashlib.sha256(pcm.tobytes()).hexdigest())\n"
    )
    cache = str(request.getfixturevalue("cache"))
    ran = subprocess.run(
        [sys.executable, "-c", script, name, cache], capture_output=True, text=True, check=True, timeout=120,
        cwd=request.config.rootpath,
    )  # fmt: skip
    assert ran.stdout.split()[-1] == hashlib.sha256(say(tts).tobytes()).hexdigest()


def test_a_faster_pace_is_shorter(tts):
    slow, plain, fast = (say(tts, voice=Voice(pace=pace)).size for pace in (0.5, 1.0, 2.0))
    assert slow > 1.3 * plain > 1.3 * 1.3 * fast


def test_an_unknown_timbre_is_named_with_the_setting(tts):
    with pytest.raises(AdapterError, match=r"tts\.voice 'nobody'") as caught:
        tts.open(Span("Hi.", named(tts.describe().name, "nobody"), 1))
    assert caught.value.kind == "missing"
    assert say(tts, "Hi.").size


def test_it_may_be_closed_at_any_moment_and_twice(tts):
    for pulls in (0, 1, 2):
        synthesis = tts.open(Span(HELLO, Voice(), 1))
        for _ in range(pulls):
            synthesis.pull(8, True)
        synthesis.close()
        synthesis.close()
    assert say(tts, "Still here.").size


def test_closing_from_another_thread_while_it_is_pulled_gives_audio_an_end_or_a_fault(tts):
    for _ in range(5):
        synthesis = tts.open(Span("Hello there.", Voice(), 1))
        closer = threading.Thread(target=synthesis.close)
        closer.start()
        with contextlib.suppress(AdapterError):
            pull_all(synthesis, (8,))
        closer.join()


def test_a_capability_is_json_and_its_rungs_ascend(tts):
    capability = tts.describe()
    assert json.loads(json.dumps(dataclasses.asdict(capability)))["role"] == "tts"
    assert capability.granularity == tuple(sorted(set(capability.granularity)))
    assert capability.unit_samples > 0 and capability.rate_hz > 0
    assert capability.egress == ()


def test_warm_up_measures_a_cost(tts):
    tts.warm_up()
    cost = tts.describe().cost
    assert cost is not None
    assert all(value >= 0 for value in dataclasses.astuple(cost))
