"""The null engine costs what it is told to, and fails when it is told to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import AdapterError, Span
from adapters.tts.null import RATE_HZ, UNIT_SAMPLES
from adapters.tts.tests import make
from adapters.voice import Voice
from timeline.clock import NS_PER_MS

SPAN = Span("The quick brown fox jumps.", Voice(), 4)


def test_what_it_costs_passes_on_the_clock(tmp_path):
    tts = make("null", tmp_path, open_ms=30, call_ms=5, rtf=0.5, stall_at=1, stall_ms=100)
    synthesis, spent = tts.open(SPAN), [tts.clock.now_ns()]
    for _ in range(3):
        synthesis.pull(8, True)
        spent.append(tts.clock.now_ns())
    call_ns = 5 * NS_PER_MS + 8 * UNIT_SAMPLES * 1000 * NS_PER_MS // RATE_HZ // 2
    assert np.diff([0, *spent]).tolist() == [30 * NS_PER_MS, call_ns, call_ns + 100 * NS_PER_MS, call_ns]


def test_jitter_comes_from_the_seed(tmp_path):
    def cost(seed: int) -> int:
        tts = make("null", tmp_path, call_ms=10, jitter=0.5)
        tts.open(Span("Hello.", Voice(), seed)).pull(8, True)
        return tts.clock.now_ns()

    assert cost(1) == cost(1) != cost(2)


@pytest.mark.parametrize("kind", ["crashed", "stalled", "garbage"])
def test_it_fails_where_it_is_told_and_then_goes_on_as_if_nothing_were(tmp_path, kind):
    plain = make("null", tmp_path).open(SPAN)
    failing = make("null", tmp_path, fail_at=1, fail_kind=kind, fail_times=2).open(SPAN)
    expected, got = [plain.pull(8, True).pcm for _ in range(3)], [failing.pull(8, True).pcm]
    for _ in range(2):
        with pytest.raises(AdapterError, match="fail_at") as caught:
            failing.pull(8, True)
        assert (caught.value.kind, caught.value.retryable) == (kind, True)
    got += [failing.pull(8, True).pcm for _ in range(2)]
    np.testing.assert_array_equal(np.concatenate(got), np.concatenate(expected))


@given(short_by=st.integers(0, 20), units=st.integers(1, 70))
def test_short_answers_still_come_to_an_end(short_by, units):
    tts = make("null", None, short_by=short_by)
    synthesis, chunks = tts.open(SPAN), []
    while not chunks or not chunks[-1].eos:
        chunks.append(synthesis.pull(units, True))
        assert 1 <= chunks[-1].units <= max(1, units - short_by)
    assert sum(chunk.units for chunk in chunks) == synthesis.units


def test_without_marks_it_says_so(tmp_path):
    tts = make("null", tmp_path, markers=False)
    assert tts.describe().markers == "none"
    assert tts.open(SPAN).pull(1000, False).markers == ()
