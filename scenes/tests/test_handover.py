"""Another engine takes over: when it is asked to, when one dies, hangs or is too slow; and when it must not."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.base import AdapterError, Span
from adapters.tts.null import ToneSynthesis, ToneTts
from adapters.tts.trouble import Trouble, Troubled
from orchestrator import actions as act
from orchestrator.handover import CRASHES_MOST, LEFT_MS
from orchestrator.settings import CoreSettings
from orchestrator.voices import ASKED, FAILED, OVERDUE, SLOW
from scenes.plays.mid_stream_swap import phrase_ends
from scenes.simulator import Simulator
from scenes.sound import tones
from scenes.tests.worlds import WORDS, check, notices, remembered
from scenes.world import Speech, World
from timeline import events as ev
from timeline.clock import VirtualClock

QUICK: dict[str, Any] = {"open_ms": 10, "call_ms": 5, "rtf": 0.1}
LONG = " ".join([WORDS.capitalize() + "."] * 3)


def cast(first: dict[str, Any], others: dict[str, dict[str, Any]], world: World, **settings: Any) -> Simulator:
    """A session with several engines, each a tone with troubles of its own; the others stand in, in this order."""
    made = {}
    for name, options in {"first": first, **others}.items():
        clock = VirtualClock()
        made[name] = (Troubled(ToneTts(), Trouble(**options), clock, name), clock)
    tts, clock = made.pop("first")
    capabilities = tuple(other.describe() for other, _ in made.values())
    core = CoreSettings(tts=tts.describe(), **{"others": capabilities, "fallback": tuple(made), **settings})
    return Simulator(core, tts, clock, world, others=made)


def read(simulator: Simulator, until_ms: float = 120_000) -> list[tuple[str, str]]:
    """Hold it; returns who took over, and why. Every word is heard once, and nothing is missing."""
    simulator.run(until_ms)
    check(simulator)
    assert [kept.text for kept in remembered(simulator, "assistant")] == [LONG]
    assert len(tones(simulator.audio(), phrase_ends(simulator))) == len(LONG.split())
    return swaps(simulator)


def swaps(simulator: Simulator) -> list[tuple[str, str]]:
    return [(fact.engine, fact.reason) for _, fact in simulator.of(act.ShowSwap)]


def reading(*more: tuple[float, Any]) -> World:
    return World(events=[(0, ev.SpeakRequested(LONG)), *more, (20_000, ev.InputEnded())])


def test_several_changes_are_made_in_the_order_of_their_times() -> None:
    asked = [ev.SwapRequested("second", 6000), ev.SwapRequested("third", 2000), ev.SwapRequested("first", 9000)]
    simulator = cast(QUICK, {"second": QUICK, "third": QUICK}, reading(*((1, event) for event in asked)))
    assert read(simulator) == [("third", ASKED), ("second", ASKED), ("first", ASKED)]
    begun = simulator.core.replying.speech.start_index
    for (_, swap), after_ms in zip(simulator.of(act.ShowSwap), (2000, 6000, 9000), strict=True):
        assert 0 <= swap.index - begun - after_ms * 24 < 24_000, "at the next word, which is less than a second away"
    assert simulator.underrun_samples() == 0


@pytest.mark.parametrize("open_ms", [300, 900, 1800])
def test_one_that_takes_long_to_get_ready_is_given_the_time(open_ms: int) -> None:
    simulator = cast(QUICK, {"second": {**QUICK, "open_ms": open_ms}}, reading((3000, ev.SwapRequested("second"))))
    assert read(simulator) == [("second", ASKED)]
    assert simulator.underrun_samples() == 0


def test_one_that_is_later_than_it_says_loses_no_word() -> None:
    late = {**QUICK, "stall_at": 0, "stall_ms": 2500}
    simulator = cast(QUICK, {"second": late}, reading((3000, ev.SwapRequested("second"))))
    assert ("second", ASKED) in read(simulator)


def test_a_change_to_an_engine_that_is_not_there_is_refused_in_words() -> None:
    simulator = cast(QUICK, {"second": QUICK}, reading((3000, ev.SwapRequested("fourth"))))
    assert read(simulator) == []
    assert notices(simulator) == ["no voice 'fourth' is loaded, first, second can speak: tts.fallback loads more"]


def test_who_speaks_already_says_so() -> None:
    simulator = cast(QUICK, {"second": QUICK}, reading((3000, ev.SwapRequested("first"))))
    assert read(simulator) == []
    assert notices(simulator) == ["first speaks already"]


@pytest.mark.parametrize("swapped", [False, True])
def test_changes_that_are_asked_for_ahead_come_in_whichever_order_they_were_asked(swapped: bool) -> None:
    asked = [ev.SwapRequested("second", 1000), ev.SwapRequested("first", 3000)]
    simulator = cast(QUICK, {"second": QUICK}, reading(*((1, event) for event in asked[:: -1 if swapped else 1])))
    assert read(simulator) == [("second", ASKED), ("first", ASKED)]


def test_what_was_asked_for_between_two_utterances_holds_for_the_next() -> None:
    world = World(events=[(0, ev.SwapRequested("second")), (100, ev.SpeakRequested(LONG)), (20_000, ev.InputEnded())])
    assert read(cast(QUICK, {"second": QUICK}, world)) == [("second", ASKED)]


def test_an_engine_without_word_times_is_followed_at_a_phrases_end() -> None:
    simulator = cast({**QUICK, "markers": False}, {"second": QUICK}, reading((3000, ev.SwapRequested("second"))))
    assert read(simulator) == [("second", ASKED)]
    assert simulator.of(act.ShowSwap)[0][1].index in {
        s.start_index for _, s in simulator.of(ev.ChunkStitched) if not s.seq
    }


@pytest.mark.parametrize("dies_at", range(12))
def test_one_that_dies_is_followed_and_no_word_is_lost(dies_at: int) -> None:
    simulator = cast({**QUICK, "dies_at": dies_at}, {"second": QUICK}, reading())
    assert read(simulator)[:1] == [("second", FAILED)]
    assert simulator.underrun_samples() == 0


def test_the_next_in_line_takes_over_from_one_that_fails_in_taking_over() -> None:
    dead = {**QUICK, "fail_at": 0, "fail_times": 1000}
    simulator = cast({**QUICK, "dies_at": 5}, {"second": dead, "third": QUICK}, reading())
    assert read(simulator)[:1] == [("third", FAILED)]


@pytest.mark.parametrize("open_ms", [10, 300, 600])
def test_one_that_hangs_in_mid_speech_is_replaced_before_it_is_heard(open_ms: int) -> None:
    second = {**QUICK, "open_ms": open_ms}
    simulator = cast({**QUICK, "stall_at": 6, "stall_ms": 15_000}, {"second": second}, reading())
    assert read(simulator)[:1] == [("second", OVERDUE)]
    assert simulator.underrun_samples() == 0


@pytest.mark.parametrize("stall_at", range(2, 8))
def test_a_hiccup_of_the_machine_changes_no_voice(stall_at: int) -> None:
    simulator = cast({**QUICK, "stall_at": stall_at, "stall_ms": 120}, {"second": QUICK}, reading())
    assert read(simulator) == []
    assert simulator.underrun_samples() == 0


def test_where_another_is_asked_for_at_once_something_is_left_ahead() -> None:
    simulator = cast(QUICK, {"second": QUICK}, reading((3000, ev.SwapRequested("second"))))
    assert read(simulator) == [("second", ASKED)]
    (changed_ns, swap), ticks = simulator.of(act.ShowSwap)[0], simulator.of(ev.SinkTick)
    stood = max(tick.read_index for t_ns, tick in ticks if t_ns <= changed_ns)
    assert swap.index - stood >= LEFT_MS * 24


def test_one_that_does_not_begin_is_replaced() -> None:
    simulator = cast({**QUICK, "cold_ms": 15_000}, {"second": QUICK}, reading())
    assert read(simulator)[:1] == [("second", OVERDUE)]
    assert simulator.of(ev.ChunkStitched)[0][0] < 3e9


@pytest.mark.parametrize(("rtf", "call_ms"), [(0.95, 50), (1.05, 0), (1.3, 200)])
def test_one_that_cannot_keep_up_is_replaced_before_it_runs_dry(rtf: float, call_ms: float) -> None:
    slow = {"open_ms": 20, "call_ms": call_ms, "rtf": rtf, "jitter": 0.05}
    simulator = cast(slow, {"second": QUICK}, reading())
    assert read(simulator)[0] == ("second", SLOW)
    assert simulator.underrun_samples() == 0
    assert notices(simulator) == ["first cannot keep up on this machine: second goes on"]


def test_an_interruption_never_counts_against_an_engine() -> None:
    """It is interrupted while it is at a call of seconds; afterwards it still is the first choice."""
    user = [Speech(500, 1300, "what is it")]
    lines = [(at, ev.UserTyped("stop")) for at in (2700, 3600, 4500, 5400, 6300)]
    world = World(user=user, replies=[LONG] * 9, events=[*lines, (9000, ev.InputEnded())])
    simulator = cast({**QUICK, "stall_at": 1, "stall_ms": 2500}, {"second": QUICK}, world)
    simulator.run(120_000)
    check(simulator)
    voices = simulator.core.replying.speech.voices
    assert not voices.rests("first", simulator.now_ns() + 10**10), "what it rested for was over in seconds"


@pytest.mark.parametrize("dies_at", range(1, 12))  # before the first sample it is asked again, and given up as ever
def test_one_that_is_alone_and_dies_takes_over_from_itself_and_no_word_is_lost(dies_at: int) -> None:
    simulator = cast({**QUICK, "dies_at": dies_at}, {}, reading())
    assert set(read(simulator)) <= {("first", FAILED)}
    assert simulator.underrun_samples() == 0


@pytest.mark.parametrize(("call_ms", "rtf"), [(100, 0.5), (150, 0.7)])
def test_one_that_is_alone_and_dies_while_its_first_chunk_waits_goes_on(call_ms: float, rtf: float) -> None:
    simulator = cast({"open_ms": 50, "call_ms": call_ms, "rtf": rtf, "dies_at": 1}, {}, reading())
    simulator.run(120_000)
    check(simulator)
    assert [kept.text for kept in remembered(simulator, "assistant")] == [LONG]  # the word that broke off sounds twice
    assert swaps(simulator) == [("first", FAILED)]


class Particular(ToneTts):
    """It breaks when it is to open a phrase that it does not like."""

    def open(self, span: Span) -> ToneSynthesis:
        if span.text.startswith("Zebra"):
            raise AdapterError("crashed", "it broke", retryable=True)
        return super().open(span)


def test_one_that_cannot_open_a_phrase_goes_on_with_the_one_that_sounds() -> None:
    clock = VirtualClock()
    tts = Troubled(Particular(), Trouble(**QUICK), clock, "first")
    world = World(events=[(0, ev.SpeakRequested(f"{LONG} Zebra crossing. {LONG}")), (20_000, ev.InputEnded())])
    simulator = Simulator(CoreSettings(tts=tts.describe()), tts, clock, world)
    simulator.run(120_000)
    check(simulator)
    assert swaps(simulator) == []
    assert [kept.text for kept in remembered(simulator, "assistant")] == [f"{LONG} {LONG}"]


def test_one_that_is_alone_and_dies_of_what_it_is_asked_is_given_up_as_ever() -> None:
    simulator = cast({**QUICK, "fail_at": 3, "fail_times": 1000}, {}, reading())
    simulator.run(120_000)
    check(simulator)
    (kept,) = remembered(simulator, "assistant")
    assert swaps(simulator) == [("first", FAILED)] * CRASHES_MOST
    assert kept.text != LONG
