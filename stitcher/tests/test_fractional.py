"""A ratio near one: untouched at one, in tune beside it, every sample where it is said to be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stitcher.fractional import AHEAD, TAPS, FractionalResampler

RATE_HZ = 24_000


def tone(hz: float, count: int) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(count) / RATE_HZ)).astype(np.float32)


def pushed(whole: np.ndarray, sizes: list[int], ratio: float) -> tuple[np.ndarray, FractionalResampler]:
    resampler = FractionalResampler()
    resampler.ratio = ratio
    parts = [resampler.push(chunk, ratio) for chunk in np.split(whole, np.cumsum(sizes)[:-1])]
    return np.concatenate((*parts, resampler.finish())), resampler


@given(st.lists(st.integers(0, 900), min_size=1, max_size=8))
def test_at_one_the_samples_pass_untouched(sizes):
    whole = np.random.default_rng(1).uniform(-1, 1, sum(sizes)).astype(np.float32)
    np.testing.assert_allclose(pushed(whole, sizes, 1.0)[0], whole, atol=1e-6)


@settings(deadline=None)
@given(st.lists(st.integers(0, 900), min_size=1, max_size=8), st.floats(0.998, 1.002))
def test_however_it_is_chunked_it_is_the_same(sizes, ratio):
    whole = tone(440, sum(sizes))
    chunked, at_once = pushed(whole, sizes, ratio)[0], pushed(whole, [sum(sizes)], ratio)[0]
    assert abs(chunked.size - at_once.size) <= 1
    least = min(chunked.size, at_once.size)
    np.testing.assert_allclose(chunked[:least], at_once[:least], atol=1e-5)


@pytest.mark.parametrize("ratio", [0.998, 0.9997, 1.0003, 1.002])
@pytest.mark.parametrize(("hz", "within"), [(200, 1e-4), (1000, 1e-4), (5000, 1e-4), (9000, 2e-3)])
def test_a_tone_is_the_tone_at_the_other_rate(ratio, hz, within):
    out, _ = pushed(tone(hz, RATE_HZ), [RATE_HZ], ratio)
    expected = 0.5 * np.sin(2 * np.pi * hz * np.arange(out.size) / ratio / RATE_HZ)
    middle = slice(TAPS, out.size - 2 * TAPS)
    assert np.abs(out[middle] - expected[middle]).max() < within
    assert out.size == pytest.approx(RATE_HZ * ratio, abs=1)


@pytest.mark.parametrize("seed", range(5))
def test_an_impulse_lies_where_the_places_say_while_the_ratio_glides(seed):
    draw = np.random.default_rng(seed)
    resampler, outs, places = FractionalResampler(), [], []
    whole = np.zeros(60_000, np.float32)
    impulses = np.arange(1000, 59_000, 1777)
    whole[impulses] = 1
    total = 0
    for chunk in np.split(whole, 100):
        places.append((resampler.next_place, total))
        outs.append(resampler.push(chunk, 1 + draw.uniform(-0.002, 0.002)))
        total += outs[-1].size
    out = np.concatenate(outs)
    xs, ys = np.array(places).T
    for impulse in impulses:
        expected = np.interp(impulse, xs, ys)
        near = int(expected)
        window = out[near - 50 : near + 50]
        assert abs(near - 50 + int(np.argmax(window)) - expected) <= 1


def test_a_day_loses_nothing():
    """The place of the next output is kept apart from its fraction."""
    resampler = FractionalResampler()
    resampler.push(np.zeros(1000, np.float32), 1.0001)
    resampler._whole += 86_400 * 48_000
    resampler._begin += 86_400 * 48_000
    resampler.pushed_samples += 86_400 * 48_000
    before = resampler._part
    out = resampler.push(np.zeros(10_000, np.float32), 1.0001)
    moved = (resampler._whole - 86_400 * 48_000) + resampler._part - before
    assert out.size == pytest.approx(10_000 * 1.0001, abs=2) and moved > 9_900


def test_a_restart_leaves_nothing_of_what_was_before():
    resampler = FractionalResampler()
    resampler.push(np.ones(1000, np.float32), 1.0005)
    resampler.restart()
    out = resampler.push(tone(300, 1000), 1.0005)
    assert resampler.ratio == 1.0005 and abs(out[0]) < 1e-6
    np.testing.assert_allclose(out[:900], pushed(tone(300, 1000), [1000], 1.0005)[0][:900], atol=1e-5)


def test_it_keeps_no_more_than_it_needs():
    resampler = FractionalResampler()
    for _ in range(1000):
        resampler.push(np.ones(480, np.float32), 1.0015)
        assert resampler._kept.size <= TAPS + AHEAD
