"""WebRTC's canceller: takes our own voice out and leaves the user's in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from adapters import registry
from adapters.base import EAR_RATE_HZ
from adapters.ears.base import ECHO_FRAME_SAMPLES, EchoCanceller
from adapters.registry import Context
from adapters.weights import Weights
from stitcher.pcm import Int16, dbfs
from timeline.clock import SystemClock

pytest.importorskip("livekit.rtc")
SECONDS = 6


@pytest.fixture
def canceller(tmp_path: Path) -> EchoCanceller:
    canceller: EchoCanceller = registry.create(
        "echo", "webrtc", {}, Context(Weights(tmp_path), SystemClock(), tmp_path)
    )
    return canceller


def babble(seed: int) -> np.ndarray:
    """Noise that comes and goes as syllables do, float64 in int16's range."""
    draw, at_s = np.random.default_rng(seed), np.arange(SECONDS * EAR_RATE_HZ) / EAR_RATE_HZ
    return draw.normal(size=at_s.size) * 2000 * np.maximum(0, np.sin(2 * np.pi * 3 * at_s + seed))


def cancelled(canceller: EchoCanceller, near: np.ndarray, far: np.ndarray) -> Int16:
    frames = range(0, near.size, ECHO_FRAME_SAMPLES)
    near, far = near.astype(np.int16), far.astype(np.int16)
    size = ECHO_FRAME_SAMPLES
    return np.concatenate([canceller.cancel(near[at : at + size], far[at : at + size]) for at in frames])


def test_an_echo_is_taken_out(canceller):
    far = babble(0)
    near = 0.5 * np.roll(far, 800)
    last = slice(-2 * EAR_RATE_HZ, None)
    before, after = dbfs(near.astype(np.int16)[last]), dbfs(cancelled(canceller, near, far)[last])
    assert before - after > 30


def test_a_user_alone_is_left_in(canceller):
    near = babble(1)
    after = cancelled(canceller, near, np.zeros_like(near))
    assert dbfs(after[EAR_RATE_HZ:]) == pytest.approx(dbfs(near.astype(np.int16)[EAR_RATE_HZ:]), abs=2)


def test_neither_input_is_changed_and_it_forgets_when_told(canceller):
    far = babble(0)
    near = (0.5 * np.roll(far, 800)).astype(np.int16)[:ECHO_FRAME_SAMPLES]
    kept = near.copy()
    first = canceller.cancel(near, far.astype(np.int16)[:ECHO_FRAME_SAMPLES])
    np.testing.assert_array_equal(near, kept)
    cancelled(canceller, babble(1), babble(2))
    canceller.reset()
    np.testing.assert_array_equal(canceller.cancel(near, far.astype(np.int16)[:ECHO_FRAME_SAMPLES]), first)


def test_it_says_what_it_is(canceller):
    said = canceller.describe()
    assert (said.name, said.role, said.rate_hz, said.unit_samples, said.egress) == ("webrtc", "echo", 16_000, 160, ())


def test_the_library_logs_nothing_and_is_as_it_was(canceller):
    """Its threads would call into an interpreter that ends."""
    from livekit.rtc import _ffi_client as client

    assert type(client.FfiClient.instance._ffi_lib).__name__ == "_Unlogged"
    assert client.get_ffi_lib.__module__ == client.__name__
