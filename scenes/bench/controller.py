"""The rate controller against others on the same traces, and against a schedule that knows every cost beforehand.

On paper and on a virtual clock: nothing is rendered, and the machine does not matter. Each rule speaks sessions of a
few utterances, so that what it learns in one counts in the next. The limits are for ours:

    underruns              none where jitter is bounded (pacing.traces says what that is)
    start_delay_ratio      all the waiting for first sounds there, over all of the clairvoyant schedule's
    rung_changes_per_10s   the most in any 10 s of any run there, once settled
    said_before_underrun   share of the runs that no schedule saves in which it said so before the first gap
    false_alarms           runs with bounded jitter in which it said so too

What else was measured has no limit: `rough` are the traces whose jitter is not bounded (bursts, hiccups, wide jitter,
engines that nobody measured); `worst` is the ratio of the trace with the worst one, `first` that of first utterances.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import mean

from adapters.registry import Context
from orchestrator.rate import Ladder
from scenes.bench.pacing.clairvoyant import least_delay_ns
from scenes.bench.pacing.measures import changes_in_10s, mean_lead_s, regret_ns, settling_ns
from scenes.bench.pacing.playback import NEVER_NS, Playback, Rule, Run
from scenes.bench.pacing.rules import LARGE, SMALL, Bba, Fixed, NetEq
from scenes.bench.pacing.traces import TRACES, Maker, Trace
from scenes.bench.report import Metric, Report, Table, at_least, at_most, machine, shown
from timeline.clock import NS_PER_MS, NS_PER_S

SESSIONS = 4  # a trace, each with seeds of its own
UTTERANCES = 4  # a session: the first knows what warm-up measured, the others what was seen since
START_DELAY_MOST = 1.15
CHANGES_MOST = 1

OURS = "ours"
Which = Callable[[list["Outcome"]], list["Outcome"]]
RULES: dict[str, Callable[[Trace], Rule]] = {
    OURS: lambda trace: Ladder(trace.capability()),
    "fixed_small": lambda trace: Fixed(SMALL),
    "fixed_large": lambda trace: Fixed(LARGE),
    "bba": lambda trace: Bba(),
    "neteq": lambda trace: NetEq(),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One utterance of one rule. `least_ns`: the clairvoyant's start delay; -1 where no schedule works."""

    trace: Trace
    first: bool  # of its session
    said_before: bool  # in an utterance of its session before this one: a notice is given once
    least_ns: int
    run: Run


def run(context: Context, traces: Iterable[Maker] = TRACES, sessions: int = SESSIONS) -> Report:
    """Let all of them speak. The context is not needed: time is virtual."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in RULES}
    for make in traces:
        for session in range(sessions):
            speeches = [make(session * UTTERANCES + number) for number in range(UTTERANCES)]
            least_ns = [-1 if trace.hopeless else least_delay_ns(trace) for trace in speeches]
            for name, rule_for in RULES.items():
                rule = rule_for(speeches[0])
                said_before = False
                for number, (trace, least) in enumerate(zip(speeches, least_ns, strict=True)):
                    spoken = Playback(trace, rule).speak()
                    outcomes[name].append(Outcome(trace, number == 0, said_before, least, spoken))
                    said_before = said_before or spoken.said_ns < NEVER_NS
    metrics = [*limited(outcomes[OURS]), *(metric for name in RULES for metric in beside(name, outcomes[name]))]
    kinds = {"bounded jitter": bounded, "rough": rough, "too slow": hopeless}
    tables = [draw(kind, outcomes, which) for draw in (trace_table, rules_table) for kind, which in kinds.items()]
    return Report("controller", machine(), tuple(metrics), len(outcomes[OURS]), tuple(tables))


# -- which, and how much ------------------------------------------------------------------


def bounded(outcomes: list[Outcome]) -> list[Outcome]:
    return [one for one in outcomes if one.trace.bounded]


def rough(outcomes: list[Outcome]) -> list[Outcome]:
    return [one for one in outcomes if not one.trace.bounded and not one.trace.hopeless]


def hopeless(outcomes: list[Outcome]) -> list[Outcome]:
    return [one for one in outcomes if one.trace.hopeless]


def underruns(outcomes: list[Outcome]) -> int:
    return sum(one.run.underruns for one in outcomes)


def start_ratio(outcomes: list[Outcome]) -> float:
    return sum(one.run.start_ns for one in outcomes) / max(1, sum(one.least_ns for one in outcomes))


def worst_start_ratio(outcomes: list[Outcome]) -> float:
    return max((start_ratio(ones) for ones in of_traces(outcomes).values()), default=0.0)


def most_changes(outcomes: list[Outcome]) -> int:
    return max((changes_in_10s(one.run) for one in outcomes), default=0)


def said(outcomes: list[Outcome]) -> int:
    return sum(one.run.said_ns < NEVER_NS for one in outcomes)


def said_in_time(outcomes: list[Outcome]) -> float:
    in_time = [one.said_before or one.run.said_ns < one.run.first_underrun_ns for one in outcomes]
    return mean(in_time) if in_time else 1.0


def regret_ms(outcomes: list[Outcome]) -> float:
    return mean(regret_ns(one.run, one.least_ns) / NS_PER_MS for one in outcomes) if outcomes else 0.0


def lead_s(outcomes: list[Outcome]) -> float:
    return mean(mean_lead_s(one.run) for one in outcomes) if outcomes else 0.0


def settling_s(outcomes: list[Outcome]) -> float:
    return mean(settling_ns(one.run) / NS_PER_S for one in outcomes) if outcomes else 0.0


def silent_s(outcomes: list[Outcome]) -> float:
    return sum(one.run.underrun_ns for one in outcomes) / NS_PER_S


def of_traces(outcomes: list[Outcome]) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = {}
    for one in outcomes:
        found.setdefault(one.trace.name, []).append(one)
    return found


# -- reported -----------------------------------------------------------------------------


def limited(outcomes: list[Outcome]) -> list[Metric]:
    """Ours, with limits."""
    calm = bounded(outcomes)
    return [
        at_most("underruns", underruns(calm), "", 0),
        at_most("start_delay_ratio", start_ratio(calm), "", START_DELAY_MOST),
        at_most("rung_changes_per_10s", most_changes(calm), "", CHANGES_MOST),
        at_least("said_before_underrun", said_in_time(hopeless(outcomes)), "", 1.0),
        at_most("false_alarms", said(calm), "", 0),
        shown("start_delay_ratio_worst", worst_start_ratio(calm), ""),
        shown("start_delay_ratio_first", start_ratio([one for one in calm if one.first]), ""),
        shown("rough_false_alarms", said(rough(outcomes)), ""),
    ]


def beside(name: str, outcomes: list[Outcome]) -> list[Metric]:
    """What is shown of each rule, ours too; what has a limit there is not said twice."""
    calm, wild = bounded(outcomes), rough(outcomes)
    both = [
        ("underruns", underruns(calm), ""),
        ("start_delay_ratio", start_ratio(calm), ""),
        ("rung_changes_per_10s", most_changes(calm), ""),
        ("said_before_underrun", said_in_time(hopeless(outcomes)), ""),
    ]
    more = [
        ("underrun_s", silent_s(calm), "s"),
        ("regret_ms", regret_ms(calm), "ms"),
        ("settling_s", settling_s(calm), "s"),
        ("mean_lead_s", lead_s(calm), "s"),
        ("rough_underruns", underruns(wild), ""),
        ("rough_underrun_s", silent_s(wild), "s"),
        ("rough_start_delay_ratio", start_ratio(wild), ""),
        ("rough_regret_ms", regret_ms(wild), "ms"),
        ("rough_mean_lead_s", lead_s(wild), "s"),
    ]
    prefix = "" if name == OURS else f"{name}_"
    return [shown(prefix + what, value, unit) for what, value, unit in (more if name == OURS else both + more)]


def rules_table(title: str, outcomes: dict[str, list[Outcome]], which: Which) -> Table:
    """All the measures. `dry`: seconds of underruns; `in 10 s`: rung changes; `said`: that it cannot keep up."""
    columns = ("rule", "underruns", "dry s", "start", "regret ms", "in 10 s", "settled s", "lead s", "said")
    rows = []
    for name, all_of_it in outcomes.items():
        ones = which(all_of_it)
        saved = which is not hopeless
        rows.append((
            name, f"{underruns(ones)}", f"{silent_s(ones):.1f}", f"{start_ratio(ones):.2f}" if saved else "",
            f"{regret_ms(ones):.0f}" if saved else "", f"{most_changes(ones)}", f"{settling_s(ones):.1f}",
            f"{lead_s(ones):.2f}", f"{said(ones)}",
        ))  # fmt: skip
    return Table(title, columns, tuple(rows))


def trace_table(title: str, outcomes: dict[str, list[Outcome]], which: Which) -> Table:
    """Underruns, and the start delay over the clairvoyant's where he has one."""
    by_rule = {name: of_traces(which(ones)) for name, ones in outcomes.items()}
    rows = []
    for trace, ones in by_rule[OURS].items():
        saved = ones[0].least_ns >= 0
        least = f"{mean(one.least_ns for one in ones) / NS_PER_MS:.0f}" if saved else ""
        found = [by_trace[trace] for by_trace in by_rule.values()]
        cells = [f"{underruns(these)} {start_ratio(these):4.2f}" if saved else f"{underruns(these)}" for these in found]
        rows.append((trace, least, *cells))
    return Table(
        f"{title}, by trace: underruns, start ratio",
        ("trace", "his ms", *(name.removeprefix("fixed_") for name in by_rule)),
        tuple(rows),
    )
