"""Kokoro's texts: how they are read, and cut into runs."""

from __future__ import annotations

import re
import sys
import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tts import kokoro_text
from adapters.tts.kokoro_text import FIRST_MOST, GROWTH, LEAST, MOST, Reading, read, runs
from adapters.tts.tests.kokoro_graph import (
    ALPHABET,
    fault,
    reading,
)

# -- reading -------------------------------------------------------------------------------


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


# -- runs ----------------------------------------------------------------------------------


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
