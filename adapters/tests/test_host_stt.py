"""Recognizers in a process of their own: they hear the same samples, and a process that dies is asked again.

What holds of every hosted engine is shown in test_host.py; here is what recognizers add to it.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters import host
from adapters.base import AdapterError, Capability, Transcript
from adapters.host import Recipe
from adapters.host_stt import HostedStt
from adapters.hosted_stt import SttClerk
from adapters.registry import Context, create
from adapters.tests.rogue_stt import RogueStt, digest
from adapters.weights import Weights
from adapters.wire import SLOT_SAMPLES, Slot
from stitcher.pcm import Float32
from timeline.clock import VirtualClock
from timeline.words import WordTime

PATIENCE_S = 60  # of a test, for what comes at once: reached only where it fails
ROGUE = "adapters.tests.rogue_stt:RogueStt"
SPEECH = np.random.default_rng(0).standard_normal(16_000, np.float32)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(Weights(tmp_path), VirtualClock(), tmp_path)


@pytest.fixture
def rogue(context: Context) -> Iterator[Callable[..., HostedStt]]:
    """Makes hosts of the recognizer that misbehaves; all are closed in the end."""
    made: list[HostedStt] = []

    def make_one(**options: Any) -> HostedStt:
        made.append(HostedStt(Recipe("stt.rogue", ROGUE, options, context)))
        return made[-1]

    yield make_one
    for one in made:
        one.close()


def fault_of(call: Callable[[], Any]) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        call()
    return caught.value


def test_it_hears_every_sample_and_answers_with_every_fact(rogue):
    stt = rogue()
    for pcm in (SPEECH, SPEECH[:0], np.tile(SPEECH, 60), SPEECH[::2]):
        pid, heard = stt.transcribe(pcm, False).text.split()
        assert heard == digest(pcm) and int(pid) != os.getpid()
    assert np.tile(SPEECH, 60).size > SLOT_SAMPLES
    stt.transcribe(SPEECH, False)
    assert stt.word_times() == (WordTime("heard", 1, SPEECH.size, 0.5),)
    assert stt.describe().isolation == "process"


def test_what_is_no_number_is_handed_on_as_it_is(rogue):
    pcm = np.full(100, np.nan, np.float32)
    assert rogue().transcribe(pcm, False).text.split()[1] == digest(pcm)


def test_the_engine_reads_the_shared_memory_itself():
    """One copy, ours into the slot: the engine's side makes none."""
    slot, seen = Slot(), []

    class Listening(RogueStt):
        def transcribe(self, pcm: Float32, provisional: bool, expected: str = "") -> Transcript:
            seen.append(pcm)
            return Transcript("")

    clerk = SttClerk(Listening(RogueStt.Options(), None), slot)
    slot.write(SPEECH)
    clerk.do_transcribe({"samples": SPEECH.size, "provisional": True, "expected": ""})
    assert np.shares_memory(seen[0], slot.view(SPEECH.size)) and not seen[0].flags.writeable
    np.testing.assert_array_equal(seen[0], SPEECH)


def test_two_threads_at_one_host_each_get_their_own(rogue):
    stt, answers = rogue(), {}

    def hear(seed: int) -> None:
        pcm = np.random.default_rng(seed).standard_normal(8_000 * seed, np.float32)
        heard = [stt.transcribe(pcm, False).text.split()[1] for _ in range(20)]
        answers[seed] = set(heard) == {digest(pcm)}

    threads = [threading.Thread(target=hear, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert answers == {1: True, 2: True}


def test_what_it_is_told_to_prepare_is_done_beside_the_calls(rogue):
    stt = rogue()
    stt.warm_up()
    stt.prepare()
    assert stt.transcribe(SPEECH, True).text == "warm 1 prepared 1 writeable False"


def test_an_engine_that_fails_to_prepare_goes_on(rogue):
    stt = rogue(prepare="bug")
    stt.prepare()
    assert stt.transcribe(SPEECH, True).text == "warm 0 prepared 0 writeable False"


def test_its_own_fault_is_passed_on(rogue):
    fault = fault_of(lambda: rogue(fault="no such language").transcribe(SPEECH, False))
    assert (fault.kind, fault.detail, fault.retryable) == ("refused", "no such language", False)


def test_killed_in_mid_transcription_it_says_so_at_once_and_hears_the_same_again(rogue, tmp_path):
    for name in ("begun", "release"):
        os.mkfifo(tmp_path / name)
    once = tmp_path / "once"
    stt = rogue(final=f"without {once} wait {tmp_path}")
    stt.warm_up()
    first = stt._remote
    faults: list[AdapterError] = []
    asking = threading.Thread(target=lambda: faults.append(fault_of(lambda: stt.transcribe(SPEECH, False))))
    asking.start()
    with (tmp_path / "begun").open():  # it has the audio, and is at it
        once.touch()
        os.kill(first._child._process.pid, signal.SIGKILL)
        asking.join(PATIENCE_S)
    assert [(fault.kind, fault.retryable) for fault in faults] == [("crashed", True)]
    assert "SIGKILL" in faults[0].detail
    assert stt.transcribe(SPEECH, False).text.split()[1] == digest(SPEECH)
    assert stt.transcribe(SPEECH, True).text.startswith("warm 1 ")
    assert stt._remote is not first


def test_restarts_are_bounded_and_an_answer_forgives_the_deaths_before_it(rogue, tmp_path, monkeypatch):
    monkeypatch.setattr(host, "RESTARTS_MOST", 1)
    alive = tmp_path / "alive"
    stt = rogue(final=f"without {alive} die")
    for _ in range(2):
        assert fault_of(lambda: stt.transcribe(SPEECH, False)).retryable
    assert "choose another stt.adapter" in fault_of(lambda: stt.transcribe(SPEECH, False)).detail
    stt.warm_up()
    alive.touch()
    stt.transcribe(SPEECH, False)
    alive.unlink()
    assert fault_of(lambda: stt.transcribe(SPEECH, False)).retryable
    assert stt.transcribe(SPEECH, True).text.startswith("warm 1 ")


def test_a_closed_one_says_so_and_may_still_be_told(rogue):
    stt = rogue()
    stt.close()
    stt.prepare()
    assert "closed" in fault_of(lambda: stt.transcribe(SPEECH, False)).detail


# -- who asks for a process ---------------------------------------------------------------


def test_an_option_may_be_a_path(rogue, tmp_path):
    assert rogue(folder=tmp_path).transcribe(SPEECH, True).text.startswith("warm 0 ")


def test_the_scripted_recognizer_can_have_one(context):
    stt = create("stt", "script", {"isolation": "process", "lines": ["Hello there."]}, context)
    assert (stt.describe().isolation, stt.transcribe(SPEECH, False).text) == ("process", "Hello there.")
    stt.close()


class Apart(RogueStt):
    """Prefers a process."""

    ISOLATION = "process"


@pytest.mark.parametrize(("asked", "came"), [({}, "process"), ({"isolation": "thread"}, "thread")])
def test_a_class_says_where_it_runs_unless_it_is_told(context, asked, came):
    stt = create("stt", f"{__name__}:Apart", asked, context)
    told: Capability = stt.describe()
    assert told.isolation == came
    stt.close()


def test_where_there_can_be_no_process_it_does_without(context, monkeypatch):
    monkeypatch.delattr(os, "killpg")
    assert create("stt", f"{__name__}:Apart", {}, context).describe().isolation == "thread"
    assert "leave it out" in fault_of(lambda: create("stt", "script", {"isolation": "process"}, context)).detail
