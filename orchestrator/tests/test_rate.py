"""The rate controller, on the engine that it would have: costs are numbers here, nothing is rendered."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Capability, Cost
from orchestrator.cost import CostModel
from orchestrator.rate import Ladder
from timeline.clock import NS_PER_MS, NS_PER_S

RUNGS = (8, 12, 16, 24, 32, 48, 64)
UNIT_NS = 10 * NS_PER_MS
BLOCK_NS = 20 * NS_PER_MS
SETTLED_S = 20  # by then the model has forgotten the prior and the ladder has climbed
THOROUGH = settings(max_examples=150, deadline=None, derandomize=True)


def capability(call_ms: float = 0.0, rtf: float = 0.3, known: bool = True) -> Capability:
    cost = Cost(call_ns=int(call_ms * NS_PER_MS), unit_ns=int(rtf * UNIT_NS)) if known else None
    return Capability("paper", "1", "tts", unit_samples=240, granularity=RUNGS, rate_hz=24_000, cost=cost)


@dataclass
class Trace:
    """What a simulated utterance did. Leads are those at which a chunk was asked for or finished."""

    rungs: list[tuple[float, int, bool]] = field(default_factory=list)  # (second, units, low latency)
    leads_s: list[float] = field(default_factory=list)
    underrun_s: float = 0.0

    def changes(self, after_s: float) -> list[float]:
        late = [(at, units) for at, units, _ in self.rungs if at >= after_s]
        return [b[0] for a, b in itertools.pairwise(late) if a[1] != b[1]]


def speak(ladder: Ladder, call_ms: float, rtf: float, seconds: float = 90, jitter: float = 0.0, seed: int = 0,
          burst_ms: float = 0.0) -> Trace:  # fmt: skip
    """One utterance: the sink takes a block every 20 ms, the engine answers when its cost has passed; after each of
    both the ladder is asked."""
    rng, trace = random.Random(seed), Trace()
    now, end, sounding, lead = 0, int(seconds * NS_PER_S), False, 0
    ladder.begin()
    tick, due, units, cost = BLOCK_NS, -1, 0, 0
    while now < end:
        if due < 0 and (ask := ladder.next(lead)) is not None:
            units = ask.units
            trace.rungs.append((now / NS_PER_S, units, ask.low_latency))
            noise = max(0.2, 1 + rng.gauss(0, jitter)) if jitter else 1.0
            burst = burst_ms if burst_ms and rng.random() < 0.05 else 0
            cost = int(((call_ms + rtf * units * 10) * noise + burst) * NS_PER_MS)
            due = now + cost
        now = min(tick, due) if due >= 0 else tick
        if now == due:
            lead, sounding, due = lead + units * UNIT_NS, True, -1
            ladder.observe(units, cost)
            trace.leads_s.append(lead / NS_PER_S)
        if now == tick:
            trace.underrun_s += max(0, BLOCK_NS - lead) / NS_PER_S if sounding else 0
            lead = max(0, lead - BLOCK_NS) if sounding else lead
            tick += BLOCK_NS
    return trace


def test_it_begins_on_the_smallest_rung_and_climbs_one_at_a_time():
    trace = speak(Ladder(capability()), 5, 0.2)
    asked = [units for _, units, _ in trace.rungs]
    assert asked[0] == RUNGS[0] and trace.rungs[0][2]
    steps = [RUNGS.index(b) - RUNGS.index(a) for a, b in itertools.pairwise(asked)]
    assert max(steps) == 1 and asked[-1] == RUNGS[-1]
    assert not trace.rungs[-1][2], "low latency is for the beginning"


@THOROUGH
@given(st.floats(0.05, 0.8), st.integers(0, 9999))
def test_an_engine_of_any_sustainable_speed_never_runs_dry(rtf, seed):
    for known in (True, False) if rtf < 0.3 else (True,):
        trace = speak(Ladder(capability(2, rtf, known)), 2, rtf, jitter=0.1, seed=seed)
        assert trace.underrun_s == 0


@THOROUGH
@given(st.floats(0.05, 0.5), st.integers(0, 9999))
def test_bursts_cost_little_and_the_ladder_does_not_swing(rtf, seed):
    trace = speak(Ladder(capability(2, rtf)), 2, rtf, jitter=0.3, seed=seed, burst_ms=150)
    assert trace.underrun_s <= 2 * 0.15, "two bursts, of more than fifty: the first come unforeseen"
    assert len(trace.changes(SETTLED_S)) <= 2 * (90 - SETTLED_S) / 10


@THOROUGH
@given(st.floats(0.05, 0.8), st.floats(0, 20), st.integers(0, 9999))
def test_once_settled_ten_seconds_of_audio_lie_between_two_changes(rtf, call_ms, seed):
    trace = speak(Ladder(capability(call_ms, rtf)), call_ms, rtf, jitter=0.1, seed=seed)
    changes = trace.changes(SETTLED_S)
    assert all(b - a >= 10 - max(trace.leads_s) for a, b in itertools.pairwise(changes))


@THOROUGH
@given(st.floats(0.0, 0.8), st.floats(0, 100), st.floats(0, 0.3), st.floats(0, 15_000), st.booleans())
def test_the_lead_is_bounded(rtf, call_ms, jitter, burst_ms, steady):
    """Below what the ring holds, whatever the engine does: what finds no room would be lost."""
    ladder = Ladder(capability(call_ms, rtf), steady)
    trace = speak(ladder, call_ms, rtf, jitter=jitter, burst_ms=burst_ms)
    assert max(trace.leads_s) <= 2 * 2 + 0.64, "twice what a call may take, and a chunk"


def test_a_high_fixed_cost_goes_to_a_rung_that_keeps_up():
    trace = speak(Ladder(capability(200, 0.3)), 200, 0.3)
    late = [units for at, units, _ in trace.rungs if at > SETTLED_S]
    assert min(late) >= 32, "200 ms + 0.3 * 240 ms is more than 240 ms: smaller ones starve it"


@pytest.mark.parametrize("rtf", [1.05, 1.5, 4.0])
def test_an_engine_slower_than_speech_is_known_for_it(rtf):
    ladder = Ladder(capability(0, 0.3))
    speak(ladder, 0, rtf, seconds=30)
    assert not ladder.keeps_up


@pytest.mark.parametrize("rtf", [0.0, 0.5, 0.9])
def test_an_engine_that_keeps_up_is_not_slandered(rtf):
    ladder = Ladder(capability(0, rtf))
    speak(ladder, 0, rtf, seconds=30, jitter=0.05)
    assert ladder.keeps_up


def test_steady_takes_the_largest_rung_from_beginning_to_end():
    trace = speak(Ladder(capability(), steady=True), 5, 0.2)
    assert {units for _, units, _ in trace.rungs} == {RUNGS[-1]}
    assert not any(low for _, _, low in trace.rungs) and trace.underrun_s == 0


@pytest.mark.parametrize("jitter", [0, 0.2])
def test_each_utterance_begins_anew_and_keeps_what_was_learnt(jitter):
    """Also what was learnt of small rungs, after a long time on the largest."""
    ladder = Ladder(capability(0, 0.1))
    for seed in range(5):
        speak(ladder, 30, 0.5, jitter=jitter, seed=seed)
        fixed_ns = ladder.cost.fixed_ns
        assert ladder.rung == len(RUNGS) - 1
        ladder.begin()
        assert ladder.next(0).units == RUNGS[0]
        assert ladder.cost.fixed_ns == fixed_ns
    assert ladder.cost.predict_ns(RUNGS[0]) == pytest.approx(70 * NS_PER_MS, rel=0.2)


def test_the_first_rung_sounds_soonest_without_a_gap_behind_it():
    """With a call at 200 ms the smallest would be there first, and then be silent for 150 ms."""
    assert Ladder(capability(2, 0.5)).next(0).units == RUNGS[0]
    assert Ladder(capability(200, 0.3)).next(0).units in (32, 48)


@pytest.mark.parametrize(("rtf", "held"), [(0.1, False), (0.5, False), (0.9, True)])
def test_the_first_chunk_waits_where_the_second_may_outlast_it(rtf, held):
    ladder = Ladder(capability(0, rtf))
    ladder.next(0)
    first_ns = RUNGS[0] * UNIT_NS
    ladder.observe(RUNGS[0], int(rtf * first_ns))
    second_ns, audible_ns = rtf * first_ns, first_ns - BLOCK_NS
    assert (ladder.hold_ns(first_ns) > 0) == held
    assert ladder.hold_ns(first_ns) >= second_ns - audible_ns


def asked_at(ladder: Ladder, lead_ms: float) -> int:
    ask = ladder.next(int(lead_ms * NS_PER_MS))
    return ask.units if ask else 0


def test_a_rung_that_does_not_keep_up_is_left_one_step_at_a_time():
    """The engine turned out to need 100 ms a call: rung 8 loses 40 ms with each."""
    ladder = Ladder(capability(0, 0.2))
    rungs = []
    for _ in range(10):
        rungs.append(asked_at(ladder, 60))
        ladder.observe(rungs[-1], int((100 + 0.2 * rungs[-1] * 10) * NS_PER_MS))
    assert rungs[-1] >= 16
    assert all(RUNGS.index(b) - RUNGS.index(a) <= 1 for a, b in itertools.pairwise(rungs))


def test_a_burst_alone_does_not_halve_the_rung_but_slowness_does():
    for took_ms, times, halves in ((464, 1, False), (464, 6, True)):
        ladder = Ladder(capability(0, 0.1))
        speak(ladder, 0, 0.1, seconds=10)
        for _ in range(times):
            ladder.observe(64, took_ms * NS_PER_MS)
        assert (asked_at(ladder, 20) < 64) == halves


@THOROUGH
@given(st.floats(0, 500), st.floats(0.01, 3))
def test_the_cost_model_finds_the_fixed_cost_and_the_cost_of_a_unit(call_ms, rtf):
    model = CostModel(capability(known=False), UNIT_NS)
    for number in range(120):
        units = RUNGS[number % len(RUNGS)]
        model.observe(units, int((call_ms + rtf * units * 10) * NS_PER_MS))
    assert model.fixed_ns == pytest.approx(call_ms * NS_PER_MS, abs=0.01 * NS_PER_MS + 0.001 * call_ms * NS_PER_MS)
    assert model.unit_ns == pytest.approx(rtf * UNIT_NS, rel=0.001)


@THOROUGH
@given(st.lists(st.tuples(st.sampled_from(RUNGS), st.integers(0, 20 * NS_PER_S)), max_size=60))
def test_the_cost_model_never_predicts_less_than_nothing(observations):
    model = CostModel(capability(), UNIT_NS)
    for units, render_ns in observations:
        model.observe(units, render_ns)
        assert model.fixed_ns >= 0 and model.unit_ns >= 0
        assert all(model.deviation_ns(rung) >= 0 for rung in RUNGS)


def learnt(call_ms: float = 2, rtf: float = 0.3) -> CostModel:
    """A model that has seen an even engine climb and stay on the largest rung."""
    model = CostModel(capability(call_ms, rtf), UNIT_NS)
    for units in (*RUNGS, *[RUNGS[-1]] * 20):
        model.observe(units, int((call_ms + rtf * units * 10) * NS_PER_MS))
    return model


def test_one_hiccup_raises_the_worst_and_hardly_the_line():
    model = learnt()
    before_ns = model.predict_ns(64)
    model.observe(64, int(before_ns + NS_PER_S))
    assert model.predict_ns(64) == pytest.approx(before_ns, rel=0.05)
    assert model.worst_ns(64) > 1.5 * before_ns


def test_two_in_a_row_are_a_change_and_known_at_once():
    model = learnt()
    for _ in range(2):
        model.observe(64, int(1.2 * 640 * NS_PER_MS))
    assert model.predict_ns(64) == pytest.approx(1.2 * 640 * NS_PER_MS, rel=0.05)


def test_two_quick_calls_on_one_rung_are_a_change_too():
    model = learnt(rtf=0.9)
    for _ in range(2):
        model.observe(64, int(0.3 * 640 * NS_PER_MS))
    assert model.predict_ns(64) == pytest.approx(0.3 * 640 * NS_PER_MS, rel=0.1)


def test_a_slope_that_was_wrong_is_not_taken_for_a_change_of_load():
    """Warm-up said 0.1 and no fixed cost; in truth a call costs 30 ms, whatever rung it is seen on."""
    model = CostModel(capability(0, 0.1), UNIT_NS)
    for units in RUNGS * 3:
        model.observe(units, int((30 + 0.5 * units * 10) * NS_PER_MS))
    assert model.predict_ns(64) == pytest.approx(350 * NS_PER_MS, rel=0.05)
    assert model.predict_ns(8) == pytest.approx(70 * NS_PER_MS, rel=0.2)


def test_a_change_is_known_behind_a_call_that_met_half_of_it():
    model = learnt()
    for share in (0.5, 1.2, 1.2):
        model.observe(64, int(share * 640 * NS_PER_MS))
    assert model.predict_ns(64) == pytest.approx(1.2 * 640 * NS_PER_MS, rel=0.05)


def test_load_seen_on_the_largest_rung_is_expected_in_proportion_on_the_smallest():
    model = learnt(2, 0.2)
    for _ in range(60):
        model.observe(64, int((2 + 0.2 * 640) * 3 * NS_PER_MS))
    assert model.predict_ns(8) == pytest.approx((2 + 0.2 * 80) * 3 * NS_PER_MS, rel=0.25)


def test_where_much_of_a_first_chunk_is_lost_a_longer_one_is_asked_for():
    ladder = Ladder(capability(0, 0.1))
    usual = ladder.next(0).units
    ladder.observe(usual, int(0.1 * usual * UNIT_NS))
    ladder.began(0)  # nothing of it sounds
    ladder.begin()
    assert ladder.next(0).units > usual
