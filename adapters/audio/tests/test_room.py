"""The device adapters on a real device: PortAudio over JACK's dummy driver, with a room behind it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from adapters.audio.device import LATENCY_MOST_S, DeviceMicrophone, DeviceSpeaker
from adapters.audio.devices import resolve
from adapters.base import AdapterError
from scenes.jack import JackRoom, available, jack_server
from stitcher.capture import CAPTURE_FACTS, Capture
from stitcher.pcm import to_float32
from stitcher.playout import FACTS, Playout
from stitcher.ring import Ring
from timeline.clock import NS_PER_S, SystemClock

pytestmark = [pytest.mark.device, pytest.mark.skipif(bool(available()), reason=available() or "none")]

RATE_HZ = 16_000
TONE = (10_000 * np.sin(np.arange(1, RATE_HZ + 1) / 9)).astype(np.int16)
PORTAUDIO_SCALE = 32_768  # what PortAudio divides int16 by


def fail(error):
    pytest.fail(str(error))


@pytest.fixture(scope="module")
def card():
    with jack_server(RATE_HZ) as server:
        yield server


def column(facts, names, name):
    return np.concatenate(facts.peek(facts.queued)).reshape(-1, len(names))[:, names.index(name)]


def find(signal, first):
    """Where `signal` begins to be something: the index of its first sample, known not to be 0."""
    at = int(np.flatnonzero(signal)[0])
    assert signal[at] * first > 0
    return at


def assert_plausible(times_ns, clock):
    assert np.all(np.diff(times_ns) > 0)
    assert times_ns[0] > 0
    assert times_ns[-1] < clock.now_ns() + LATENCY_MOST_S * NS_PER_S


def test_the_room_hears_exactly_what_was_stitched(card):
    clock = SystemClock()
    with JackRoom() as room:
        speaker = DeviceSpeaker(None, clock, RATE_HZ)
        assert speaker.rate_hz == RATE_HZ
        ring = Ring(np.zeros(2 * RATE_HZ, np.int16))
        playout = Playout(ring, RATE_HZ)
        speaker.start(playout, lambda: None, fail)
        assert room.wait_until(lambda: room.wired(speakers=1))
        ring.write(np.append(TONE, np.int16(0)))  # a stream that ends silent leaves nothing to decay
        assert room.wait_until(lambda: ring.queued == 0)
        beyond = room.position + RATE_HZ // 5
        assert room.wait_until(lambda: room.position >= beyond)
        speaker.stop()
        played = room.played() * PORTAUDIO_SCALE
    first = find(played, TONE[0])
    np.testing.assert_array_equal(played[first : first + TONE.size], TONE)
    assert not played[first + TONE.size :].any()
    assert_plausible(column(playout.facts, FACTS, "device_ns"), clock)


def test_the_microphone_hears_the_voice_in_the_room(card):
    clock = SystemClock()
    with JackRoom() as room:
        microphone = DeviceMicrophone("system", clock)
        capture = Capture(microphone.rate_hz)
        microphone.start(capture, lambda: None, fail)
        assert room.wait_until(lambda: room.wired(microphones=1))
        room.say(to_float32(TONE))
        assert room.wait_until(lambda: room.silent)
        beyond = capture.ring.written + RATE_HZ // 5
        assert room.wait_until(lambda: capture.ring.written >= beyond)
        microphone.stop()
    heard = np.concatenate(capture.ring.peek(capture.ring.queued)).astype(int)
    first = find(heard, TONE[0])
    # PortAudio cuts float off to int16 where we round: one step at most.
    assert np.abs(heard[first : first + TONE.size] - TONE).max() <= 1
    assert_plausible(column(capture.facts, CAPTURE_FACTS, "device_ns"), clock)


def test_the_room_echoes_with_its_delay_and_gain(card):
    clock = SystemClock()
    with JackRoom(echo_delay_samples=400, echo_gain=0.5) as room:
        speaker, microphone = DeviceSpeaker(None, clock, RATE_HZ), DeviceMicrophone(None, clock)
        ring = Ring(np.zeros(2 * RATE_HZ, np.int16))
        capture = Capture(RATE_HZ)
        microphone.start(capture, lambda: None, fail)
        speaker.start(Playout(ring, RATE_HZ), lambda: None, fail)
        assert room.wait_until(lambda: room.wired(1, 1))
        ring.write(np.append(TONE, np.int16(0)))  # a stream that ends silent leaves nothing to decay
        assert room.wait_until(lambda: ring.queued == 0)
        beyond = capture.ring.written + RATE_HZ // 5
        assert room.wait_until(lambda: capture.ring.written >= beyond)
        speaker.stop()
        microphone.stop()
    heard = np.concatenate(capture.ring.peek(capture.ring.queued)).astype(int)
    first = find(heard, TONE[0])
    assert np.abs(2 * heard[first : first + TONE.size] - TONE).max() <= 2


def test_a_rate_that_the_card_refuses_becomes_its_own(card):
    assert DeviceSpeaker(None, SystemClock(), 24_000).rate_hz == RATE_HZ
    assert resolve(None, "output").default_rate_hz == RATE_HZ


def test_a_room_without_a_server_says_so(monkeypatch):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "duckbill-nowhere")
    with pytest.raises(AdapterError, match="no JACK server for the room"):
        JackRoom()


KILL = """
    import threading
    import numpy as np
    from adapters.audio.device import DeviceMicrophone, DeviceSpeaker
    from scenes.jack import jack_server
    from stitcher.capture import Capture
    from stitcher.playout import Playout
    from stitcher.ring import Ring
    from timeline.clock import SystemClock

    faults, blocks = {"microphone": [], "speaker": []}, threading.Semaphore(0)
    told = threading.Semaphore(0)

    def on_fault(name):
        return lambda error: (faults[name].append(error.kind), told.release())

    with jack_server() as card:
        microphone = DeviceMicrophone(None, SystemClock())
        speaker = DeviceSpeaker(None, SystemClock(), 16_000)
        microphone.start(Capture(16_000), blocks.release, on_fault("microphone"))
        speaker.start(Playout(Ring(np.zeros(100, np.int16)), 16_000), blocks.release, on_fault("speaker"))
        assert all(blocks.acquire(timeout=5) for _ in range(10))
        card.kill()
        assert told.acquire(timeout=8) and told.acquire(timeout=8)
        assert not told.acquire(timeout=0.5)
        microphone.stop()
        speaker.stop()
    print(faults)
"""


def test_a_card_unplugged_in_mid_stream_is_told_once_and_nothing_hangs():
    """In a process of its own: PortAudio cannot be used again once its server has died."""
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", textwrap.dedent(KILL)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "{'microphone': ['unplugged'], 'speaker': ['unplugged']}"
