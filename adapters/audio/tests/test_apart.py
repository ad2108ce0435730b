"""A microphone in a process of its own: what it sends, how it ends, and a card that is pulled out and plugged in
again."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from adapters.audio.apart import ApartMicrophone, packed, unpacked
from adapters.base import AdapterError
from scenes.jack import available
from timeline.clock import SystemClock

ROOT = Path(__file__).parents[3]


def test_a_block_is_the_same_on_the_other_side():
    block = np.array([0, 1, -32_768, 32_767], np.int16)
    heard, age_ns = unpacked(packed(block, 12_345_678_901))
    np.testing.assert_array_equal(heard, block)
    assert (heard.dtype, age_ns) == (np.int16, 12_345_678_901)


def descriptors():
    """How many are open; 0 where the system does not tell."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def test_one_that_is_not_there_is_told_by_its_process_and_leaves_nothing_open():
    opened = []
    for _ in range(2):  # the first time the interpreter opens some for good
        with pytest.raises(AdapterError) as caught:
            ApartMicrophone("no microphone has such a name", SystemClock(), 20, 16_000)
        assert caught.value.kind == "missing" and "\n" not in caught.value.detail
        opened.append(descriptors())
    assert opened[0] == opened[1]


PULL = """
    import threading
    import numpy as np
    from adapters.audio.apart import ApartMicrophone
    from adapters.audio.device import DeviceMicrophone
    from adapters.audio.returning import ReturningMicrophone
    from scenes.jack import JackRoom, jack_server, plugged_in_again
    from stitcher.capture import Capture
    from timeline.clock import SystemClock

    blocks, told = threading.Semaphore(0), threading.Semaphore(0)
    faults, clock, tone = [], SystemClock(), np.full(16_000, 0.25, np.float32)

    def on_fault(error):
        faults.append((error.kind, error.retryable))
        told.release()

    with jack_server() as card:
        device = DeviceMicrophone(None, clock)
        microphone = ReturningMicrophone(device, lambda: ApartMicrophone(device.spec, clock, 20, device.rate_hz))
        capture = Capture(microphone.rate_hz)
        microphone.start(capture, blocks.release, on_fault)
        assert all(blocks.acquire(timeout=5) for _ in range(10)), "never heard"
        card.kill()
        assert told.acquire(timeout=8), "not told"
        capture.ring.consume(capture.ring.queued)
        while blocks.acquire(blocking=False):
            pass
        with plugged_in_again(card), JackRoom() as room:
            assert all(blocks.acquire(timeout=30) for _ in range(10)), "not back"
            assert room.wait_until(lambda: room.wired(microphones=1))
            room.say(tone)
            wanted = lambda: int((np.concatenate(capture.ring.peek(10**6)) > 8000).sum())
            assert room.wait_until(lambda: wanted() == tone.size, 10), wanted()
            microphone.stop()
    print(faults, capture.stream, capture.rate_hz)
"""


@pytest.mark.device
@pytest.mark.skipif(bool(available()), reason=available() or "none")
def test_a_card_that_is_pulled_out_and_plugged_in_again_is_heard_to_the_sample():
    """In a process of its own: PortAudio cannot be used again once its server has died."""
    command = [sys.executable, "-c", textwrap.dedent(PULL)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[('unplugged', True)] 1 16000"
