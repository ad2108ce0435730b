"""A file is heard exactly, and what is played is in the file exactly, whatever happens to it."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from adapters.audio.files import FileMicrophone, FileSpeaker
from adapters.audio.tests.test_paced import WAIT_S, Listener
from adapters.base import AdapterError
from stitcher.pcm import to_float32, to_int16
from stitcher.playout import FACTS, Playout
from stitcher.ring import Ring
from stitcher.wav import header, read_wav
from timeline.clock import NS_PER_MS, SystemClock, VirtualClock

RATE_HZ = 16_000
BLOCK = 320
SINE = to_int16((0.5 * np.sin(np.arange(RATE_HZ) / 9)).astype(np.float32))


def write(path, pcm, rate_hz=RATE_HZ):
    path.write_bytes(header(rate_hz, pcm.size) + pcm.tobytes())
    return path


def recorded(path):
    pcm, rate_hz = read_wav(path.read_bytes())
    assert rate_hz == RATE_HZ
    return to_int16(pcm)


def playout(pcm=SINE, open_after=False):
    ring = Ring(np.zeros(2 * RATE_HZ, np.int16))
    assert ring.write(pcm)
    ring.open = open_after
    return Playout(ring, RATE_HZ)


def facts(playout):
    rows = np.concatenate(playout.facts.peek(playout.facts.queued)).reshape(-1, len(FACTS))
    return {name: rows[:, column].tolist() for column, name in enumerate(FACTS)}


def fail(error):
    pytest.fail(str(error))


# -- the microphone -----------------------------------------------------------------------


def test_a_file_is_heard_sample_by_sample_then_silence(tmp_path):
    ended: list[int] = []
    pcm = SINE[: 2 * BLOCK + 7]
    path = write(tmp_path / "in.wav", pcm)
    microphone = FileMicrophone(path, VirtualClock(), on_end=lambda: ended.append(1))
    listener = Listener(microphone, 6)
    heard = listener.listen()
    np.testing.assert_array_equal(heard[: pcm.size], pcm)
    assert heard.size == 6 * BLOCK
    assert not heard[pcm.size :].any()
    assert listener.times_ns() == [k * 20 * NS_PER_MS for k in range(1, 7)]
    assert ended == [1]


def test_the_end_is_told_after_the_last_sample_was_delivered(tmp_path):
    delivered: list[int] = []
    path = write(tmp_path / "in.wav", SINE[: 3 * BLOCK])
    microphone = FileMicrophone(path, VirtualClock(), on_end=lambda: delivered.append(listener.capture.ring.written))
    listener = Listener(microphone, 5)
    listener.listen()
    assert delivered == [3 * BLOCK]


def test_a_file_of_another_rate_is_resampled(tmp_path):
    tone = to_int16((0.5 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)).astype(np.float32))
    microphone = FileMicrophone(write(tmp_path / "in.wav", tone, 48_000), VirtualClock())
    heard = to_float32(Listener(microphone, 50).listen())
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ)
    np.testing.assert_allclose(heard[500:-500], expected[500:-500], atol=2e-3)


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda path: None, "missing", "No such file"),
        (lambda path: path.mkdir(), "missing", "Is a directory"),
        (lambda path: path.write_bytes(b"OggS"), "unsupported", "is not a WAV"),
        (lambda path: path.write_bytes(b""), "unsupported", "is empty"),
    ],
)
def test_a_file_that_cannot_be_heard_says_why(tmp_path, make, kind, words):
    path = tmp_path / "in.wav"
    make(path)
    with pytest.raises(AdapterError, match=words) as caught:
        FileMicrophone(path, VirtualClock())
    assert caught.value.kind == kind
    assert str(path) in caught.value.detail
    assert "\n" not in caught.value.detail


# -- the paced speaker --------------------------------------------------------------------


def play_blocks(speaker, played, blocks):
    """Play so many blocks, stopping from the speaker's own thread."""
    done = threading.Event()

    def notify():
        if played.position == blocks * BLOCK:
            speaker.stop()
            done.set()

    speaker.start(played, notify, fail)
    assert done.wait(WAIT_S)


def test_what_is_played_is_in_the_file(tmp_path):
    path = tmp_path / "out.wav"
    played = playout()
    play_blocks(FileSpeaker(path, VirtualClock(), RATE_HZ), played, 60)
    whole = recorded(path)
    np.testing.assert_array_equal(whole, np.concatenate(played.tap.peek(60 * BLOCK)))
    np.testing.assert_array_equal(whole[: SINE.size], SINE)
    assert facts(played)["device_ns"] == [k * 20 * NS_PER_MS for k in range(1, 61)]
    assert os.listdir(tmp_path) == ["out.wav"]  # noqa: PTH208


def test_real_time_goes_by_the_system_clock(tmp_path):
    clock = SystemClock()
    played = playout(SINE[: 5 * BLOCK])
    play_blocks(FileSpeaker(tmp_path / "out.wav", clock, RATE_HZ), played, 5)
    times = facts(played)["device_ns"]
    assert np.diff(times).tolist() == [20 * NS_PER_MS] * 4  # the deadlines, not when the thread came
    assert clock.now_ns() >= times[-1]


def test_a_file_in_the_way_is_kept(tmp_path):
    path = tmp_path / "out.wav"
    path.write_bytes(b"precious")
    speaker = FileSpeaker(path, VirtualClock(), RATE_HZ, paced=False)
    for _ in range(2):
        speaker.start(playout(), lambda: None, fail)
        speaker.kick()
        speaker.stop()
    assert (tmp_path / "out.1.wav").read_bytes() == b"precious"
    np.testing.assert_array_equal(recorded(tmp_path / "out.2.wav"), SINE)
    np.testing.assert_array_equal(recorded(path), SINE)


def test_a_crash_leaves_a_wav_and_the_next_run_keeps_it(tmp_path):
    path = tmp_path / "out.wav"
    crashed = FileSpeaker(path, VirtualClock(), RATE_HZ, paced=False)
    crashed.start(playout(), lambda: None, fail)
    crashed.kick()
    part = tmp_path / "out.wav.part"
    np.testing.assert_array_equal(recorded(part), SINE)  # never stopped: just what lies on the disk
    after = FileSpeaker(path, VirtualClock(), RATE_HZ, paced=False)
    after.start(playout(SINE[:BLOCK]), lambda: None, fail)
    after.kick()
    after.stop()
    np.testing.assert_array_equal(recorded(tmp_path / "out.wav.1.part"), SINE)
    np.testing.assert_array_equal(recorded(path), SINE[:BLOCK])


@pytest.mark.parametrize("name", ["no/such/folder/out.wav", "."])
def test_a_place_that_cannot_be_written_says_why(tmp_path, name):
    speaker = FileSpeaker(tmp_path / name, VirtualClock(), RATE_HZ)
    with pytest.raises(AdapterError, match="cannot record to") as caught:
        speaker.start(playout(), lambda: None, fail)
    assert caught.value.kind == "refused"
    speaker.stop()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
@pytest.mark.parametrize("paced", [True, False])
def test_a_full_disk_is_a_fault_told_once(tmp_path, monkeypatch, paced):
    path = tmp_path / "out.wav"
    faults: list[AdapterError] = []
    told = threading.Event()
    speaker = FileSpeaker(path, VirtualClock(), RATE_HZ, paced)

    def notify():  # after the first block the disk is full
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, speaker._recording._file.fileno())
        os.close(full)

    speaker.start(playout(), notify, lambda error: (faults.append(error), told.set()))
    speaker.kick()
    speaker.kick()
    assert told.wait(WAIT_S)
    assert [fault.kind for fault in faults] == ["refused"]
    assert "No space left" in faults[0].detail
    with pytest.raises(AdapterError, match="it stays at"):
        speaker.stop()
    speaker.stop()
    assert recorded(path.with_name("out.wav.part")).size == BLOCK


# -- the speaker that need not wait -------------------------------------------------------


def test_an_unpaced_speaker_takes_whole_blocks_and_the_rest_when_the_stream_closes(tmp_path):
    path = tmp_path / "out.wav"
    speaker = FileSpeaker(path, VirtualClock(), RATE_HZ, paced=False)
    played = playout(SINE[: 2 * BLOCK + 5], open_after=True)
    speaker.start(played, lambda: None, fail)
    speaker.kick()
    assert (played.position, played.ring.queued) == (2 * BLOCK, 5)
    played.ring.open = False
    speaker.kick()
    speaker.kick()
    assert facts(played)["block_samples"] == [BLOCK, BLOCK, 5]
    assert sum(facts(played)["underrun_samples"]) == 0
    speaker.stop()
    np.testing.assert_array_equal(recorded(path), SINE[: 2 * BLOCK + 5])


@pytest.mark.parametrize("queued", [0, 5, 2 * BLOCK])
def test_an_unpaced_speaker_does_a_flush_at_once_and_once(tmp_path, queued):
    speaker = FileSpeaker(tmp_path / "out.wav", VirtualClock(), RATE_HZ, paced=False)
    played = playout(SINE[: BLOCK + queued], open_after=True)
    speaker.start(played, lambda: None, fail)
    while played.ring.read < BLOCK:  # all but `queued`
        block = np.zeros(BLOCK, np.int16)
        played.fill(block, 0)
    flush = played.ring.request_flush()
    speaker.kick()
    speaker.kick()
    assert played.ring.read == flush
    assert played.position == 2 * BLOCK
    assert facts(played)["flushed_index"][-1] >= 0


def test_notify_comes_with_every_block(tmp_path):
    notified: list[int] = []
    speaker = FileSpeaker(tmp_path / "out.wav", VirtualClock(), RATE_HZ, paced=False)
    speaker.start(playout(), lambda: notified.append(1), fail)
    speaker.kick()
    assert len(notified) == 50
    assert not speaker.paced
    speaker.stop()
