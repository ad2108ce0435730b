"""The ears: windows at their true positions and times, whatever rate and block the microphone has."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.base import EAR_RATE_HZ, Capability
from adapters.ears.base import ECHO_FRAME_SAMPLES
from orchestrator.ears import BREAK_SAMPLES, HISTORY_SECONDS, Ears
from orchestrator.echo import EchoPath
from orchestrator.tests.test_echo import babble, delayed
from stitcher.capture import Capture
from stitcher.echo_reference import LEAD_NS, EchoReference
from stitcher.pcm import to_int16
from timeline.clock import NS_PER_S
from timeline.events import EarFrame, MicrophoneBack


class Listener:
    """A detector that keeps its windows: speech where it is loud."""

    window_samples = 512

    def __init__(self):
        self.windows = []

    def probability(self, window):
        self.windows.append(window.copy())
        return float(np.abs(window.astype(float)).mean() > 1000)

    def reset(self):
        self.windows.clear()


def tone(seconds, rate_hz, hz=440.0):
    return to_int16((0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate_hz)) / rate_hz)).astype(np.float32))


def hear(audio, rate_hz, block):
    ears = Ears(Capture(rate_hz), Listener())
    frames = []
    for at in range(0, audio.size, block):
        piece = audio[at : at + block]
        ears.capture.take(piece, (at + piece.size) * NS_PER_S // rate_hz)
        frames += ears.listen()
    return ears, frames


@pytest.mark.parametrize("block", [80, 160, 320, 512, 1000, 4096])
def test_windows_follow_one_another_whatever_the_block(block):
    audio = tone(1.0, EAR_RATE_HZ)
    ears, frames = hear(audio, EAR_RATE_HZ, block)
    assert [frame.end_position for frame in frames] == list(range(512, audio.size + 1, 512))
    assert np.array_equal(np.concatenate(ears.vad.windows), audio[: 512 * len(frames)])
    for frame in frames:
        assert abs(frame.device_ns - frame.end_position * NS_PER_S // EAR_RATE_HZ) <= 1
        assert frame.speech_prob == 1.0 and frame.level_dbfs == pytest.approx(-9.0, abs=0.1)


@pytest.mark.parametrize("rate_hz", [8000, 44_100, 48_000])
def test_another_rate_is_resampled_and_stays_in_time(rate_hz):
    audio = np.concatenate((np.zeros(rate_hz, np.int16), tone(1.0, rate_hz), np.zeros(rate_hz, np.int16)))
    ears, frames = hear(audio, rate_hz, rate_hz // 50)
    assert 3 * EAR_RATE_HZ - ears.position < 0.1 * EAR_RATE_HZ, "more than the resampler keeps back"
    for frame in frames:
        assert abs(frame.device_ns - frame.end_position * NS_PER_S // EAR_RATE_HZ) <= 1000, "dated when it was judged"
    loud = [frame.end_position for frame in frames if frame.speech_prob]
    assert abs(loud[0] - EAR_RATE_HZ) <= 1024 and abs(loud[-1] - 2 * EAR_RATE_HZ) <= 1024
    spectrum = np.abs(np.fft.rfft(ears.slice(EAR_RATE_HZ + 800, 2 * EAR_RATE_HZ - 800)))
    assert np.argmax(spectrum) * EAR_RATE_HZ / (EAR_RATE_HZ - 1600) == pytest.approx(440, abs=2)


def test_a_slice_is_what_was_heard_there():
    audio = tone(2.0, EAR_RATE_HZ, 100)
    ears, _ = hear(audio, EAR_RATE_HZ, 320)
    assert np.array_equal(to_int16(ears.slice(1000, 5000)), audio[1000:5000])
    assert ears.slice(31_000, 99_000).size == 1000, "beyond what was heard there is nothing"
    assert ears.slice(40_000, 50_000).size == 0 and ears.slice(5000, 1000).size == 0
    assert ears.slice(-500, 500).size == 500


def test_of_a_slice_older_than_the_history_the_rest_is_given():
    seconds = HISTORY_SECONDS + 5
    audio = (np.arange(seconds * EAR_RATE_HZ) // EAR_RATE_HZ * 100).astype(np.int16)  # the second, a hundredfold
    ears, _ = hear(audio, EAR_RATE_HZ, 4000)
    kept = ears.slice(0, 7 * EAR_RATE_HZ)
    assert kept.size == 2 * EAR_RATE_HZ and set(to_int16(kept)) == {500, 600}
    assert ears.slice(0, 10**9).size == HISTORY_SECONDS * EAR_RATE_HZ


def test_what_found_no_room_is_counted_and_the_rest_is_heard():
    capture = Capture(EAR_RATE_HZ)
    for _ in range(12):
        capture.take(np.zeros(EAR_RATE_HZ, np.int16), 0)
    assert capture.lost_samples == 2 * EAR_RATE_HZ
    assert len(list(Ears(capture, Listener()).listen())) == 10 * EAR_RATE_HZ // 512


def test_a_microphone_that_comes_back_is_heard_on_at_its_own_rate():
    """Its windows go on behind a silence, are dated by its own times, and the detector begins anew."""
    ears, frames = hear(tone(1.01, EAR_RATE_HZ), EAR_RATE_HZ, 320)  # what is no whole window is never judged
    assert len(frames) == 31
    back_ns, rate_hz = 60 * NS_PER_S, 48_000
    ears.capture.begin_stream(rate_hz, "Webcam")
    ears.vad.windows.append("what a reset forgets")
    audio = tone(1.0, rate_hz)
    for at in range(0, audio.size, 960):
        ears.capture.take(audio[at : at + 960], back_ns + (at + 960) * NS_PER_S // rate_hz)
    back, *frames = ears.listen()
    assert back == MicrophoneBack(16_160 + BREAK_SAMPLES, "Webcam")
    assert len(ears.vad.windows) == len(frames) >= 29
    for number, frame in enumerate(frames, 1):
        assert isinstance(frame, EarFrame) and frame.end_position == back.position + 512 * number
        assert abs(frame.device_ns - back_ns - 512 * number * NS_PER_S // EAR_RATE_HZ) <= 1000
    assert not ears.slice(16_160, back.position).any(), "nobody's words run on into somebody else's"
    assert np.abs(ears.slice(back.position + 100, back.position + 8000)).max() == pytest.approx(0.5, abs=0.01)


def test_audio_in_bursts_is_heard_whole_and_each_window_when_it_sounded():
    """Twenty blocks at once, then nothing for 400 ms, all of them dated when they come."""
    audio = np.random.default_rng(0).normal(0, 3000, 4 * EAR_RATE_HZ).astype(np.int16)
    ears, frames, burst = Ears(Capture(EAR_RATE_HZ), Listener()), [], 20 * 320
    for at in range(0, audio.size, 320):
        ears.capture.take(audio[at : at + 320], -(-(at + 320) // burst) * burst * NS_PER_S // EAR_RATE_HZ)
        frames += ears.listen()
    assert np.array_equal(np.concatenate(ears.vad.windows), audio[: 512 * len(frames)]) and len(frames) == 125
    off_ns = [frame.device_ns - frame.end_position * NS_PER_S // EAR_RATE_HZ for frame in frames]
    assert off_ns[0] > 0.3 * NS_PER_S, "nobody could know by then"
    assert max(np.abs(off_ns[-112:])) <= 1, "once the first burst is there"
    assert [frame.device_ns for frame in frames] == sorted(frame.device_ns for frame in frames)


def test_windows_tell_what_the_microphone_gave_not_what_is_left_of_it():
    clipped = np.full(4800, 32_767, np.int16)
    clipped[::2] = 0
    _, frames = hear(np.concatenate((np.zeros(4800, np.int16), clipped)), 48_000, 480)
    assert {(frame.swing, frame.clipped_share) for frame in frames[:2]} == {(0, 0.0)}
    assert {(frame.swing, frame.clipped_share) for frame in frames[-2:]} == {(32_767, 0.5)}


class Inverter:
    """A canceller that shows what the reference said, upside down."""

    def cancel(self, near, far):
        return -far

    def describe(self):
        return Capability(name="inverter", version="1", role="echo", streaming=True)

    def reset(self):
        raise AssertionError("noise is no echo: there is nothing to align")


@pytest.mark.parametrize("block", [80, 160, 320, 1000])
def test_what_was_played_reaches_the_canceller_when_it_was_heard(block):
    """The microphone's blocks and the speaker's are cut differently; the reference fits all the same."""
    audio = np.random.default_rng(1).normal(0, 1000, EAR_RATE_HZ).astype(np.int16)
    reference = EchoReference(24_000, EAR_RATE_HZ)
    ears = Ears(Capture(EAR_RATE_HZ), Listener(), EchoPath(Inverter(), reference))
    played = to_int16((0.3 * np.sin(2 * np.pi * 200 * np.arange(26_400) / 24_000)).astype(np.float32))
    for at in range(0, played.size, 480):
        reference.played(played[at : at + 480], at * NS_PER_S // 24_000)
    for at in range(0, audio.size, block):
        ears.capture.take(audio[at : at + block], (at + block) * NS_PER_S // EAR_RATE_HZ)
        list(ears.listen())
    assert audio.size - ears.position < ECHO_FRAME_SAMPLES
    at_s = np.arange(1, ears.position + 1) / EAR_RATE_HZ + LEAD_NS / NS_PER_S
    expected = -0.3 * np.sin(2 * np.pi * 200 * at_s)
    np.testing.assert_allclose(ears.slice(0, ears.position)[2000:], expected[2000:], atol=0.02)


class Canceller:
    """Takes nothing off, and counts how often it has begun anew."""

    resets = 0

    def cancel(self, near, far):
        return near

    def describe(self):
        return Capability(name="nothing", version="1", role="echo", streaming=True)

    def reset(self):
        self.resets += 1


def test_our_own_voice_is_nobody_though_the_microphone_comes_back_elsewhere():
    """It is gone for two seconds of a long reply; at its new place the echo comes 170 ms later."""
    far, rate = babble(0, 14), EAR_RATE_HZ
    echo, canceller = delayed(far, 80), Canceller()
    elsewhere, gone = delayed(far, 250), (6 * rate, 8 * rate)
    ears = Ears(Capture(rate), Listener(), EchoPath(canceller, EchoReference(rate, rate)))
    windows = []
    for at in range(0, far.size - 640, 320):
        end = at + 320
        ears.echo.reference.played(far[end : end + 320].astype(np.int16), end * NS_PER_S // rate)  # a block ahead
        if end == gone[1]:
            ears.capture.begin_stream(rate)
        if not gone[0] < end < gone[1]:
            near = (echo if end <= gone[0] else elsewhere)[at:end]
            ears.capture.take(near.astype(np.int16), end * NS_PER_S // rate)
        windows += [fact for fact in ears.listen() if isinstance(fact, EarFrame)]
    heard = [frame.end_position for frame in windows if frame.speech_prob]
    back = gone[0] + BREAK_SAMPLES
    assert canceller.resets > 0 and windows[-1].end_position > back + 5 * rate
    assert not [position for position in heard if position > back + 3 * rate], "once it has been learned anew"
    assert ears.echo.alignment.found_s == pytest.approx(0.25 + LEAD_NS / NS_PER_S, abs=0.01)
