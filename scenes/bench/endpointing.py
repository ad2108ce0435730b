"""Endpointing: when is a turn over? The model's judgement beside plain silence, on turns that pause in mid-sentence.

    corpus -> Silero, window by window -> SpeechDetector -> Endpoint: ask Smart Turn, wait -> over: too early? how late?

Virtual time: a window is 32 ms, and the model's answer is there JUDGE_MS after it was asked, so the figures do not
depend on the machine. `false_cutoff_rate`: turns that were over in their user's mid-sentence. `latency_ms`: from the
user's last sample to the end of the turn; a turn that was cut off goes on as if it had not been. The same turns are
also ended by plain silences. What is asserted: the model cuts off fewer turns than the plain silence that lets one
answer, on average, as soon; by the voices that sound like people's. eSpeak's are shown apart: on them the model ranks
an end above a pause one time in two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from statistics import mean
from typing import get_args

import numpy as np

from adapters.base import EAR_RATE_HZ
from adapters.ears.base import EndOfTurn, Vad
from adapters.registry import Context, create
from orchestrator.detector import SpeechDetector
from orchestrator.endpoint import Endpoint
from orchestrator.settings import ListenSettings
from scenes.bench.report import Metric, Report, Table, at_most, machine, shown
from scenes.corpus.cast import Cast
from scenes.corpus.turns import Kind, Turn, turns
from stitcher.pcm import Float32, to_int16
from timeline.events import EarFrame, TurnJudged

JUDGE_MS = 96  # three windows: a call took 45 ms, and 100 to 200 ms where ten processes shared two cores
PLAIN_LEAST_MS, PLAIN_MOST_MS = 192, 1056  # silences that the model is compared with
SHOWN_MS = (320, 480, 640, 800, 960)  # those of them that are printed
MS_SAMPLES = EAR_RATE_HZ // 1000
LATE = 64 * MS_SAMPLES  # two windows: the detector hears that speech goes on that much later
CUTOFF_RATIO_MOST = 0.8  # of plain silence's, at the same mean latency
WINDOW_MS = 32
Judge = Callable[[Float32], float]


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a turn. `cuts`: positions where it was over and its user was not."""

    turn: Turn
    cuts: tuple[int, ...]
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of many."""

    cutoff_rate: float
    mean_ms: float
    p50_ms: float
    p95_ms: float


BySilence = Mapping[int, Sequence[Ended]]
"""What became of the same turns by plain silences, in ms."""


def frames(turn: Turn, vad: Vad) -> list[EarFrame]:
    """What the ears make of a turn."""
    vad.reset()
    pcm, size = to_int16(turn.pcm), vad.window_samples
    ends = range(size, pcm.size + 1, size)
    return [EarFrame(end, size, vad.probability(pcm[end - size : end]), 0.0, 0) for end in ends]


def end_turn(turn: Turn, heard: Sequence[EarFrame], settings: ListenSettings, judge: Judge | None) -> Ended:
    """Follow a turn window by window until the silence behind it ends it."""
    detector, endpoint = SpeechDetector(settings, EAR_RATE_HZ), Endpoint(settings, EAR_RATE_HZ, judge is not None)
    cuts: list[int] = []
    over, answer = False, None
    for frame in heard:
        detector.feed(frame)
        if detector.silence_ms == 0:
            over, answer = False, None
        asked = endpoint.hear(detector)
        if asked is not None and judge is not None:
            heard_pcm = turn.pcm[asked.start_position : asked.end_position]
            answer = TurnJudged(asked.start_position, asked.end_position, judge(heard_pcm), 0)
        if answer is not None and frame.end_position >= answer.end_position + JUDGE_MS * MS_SAMPLES:
            endpoint.judge(answer)
        if detector.run_samples and not over and endpoint.over(detector):
            over = True
            if frame.end_position > turn.end:
                return Ended(turn, tuple(cuts), (frame.end_position - turn.end) / MS_SAMPLES)
            cuts.append(frame.end_position)
    raise AssertionError(f"{turn.text!r} never ends")


def summarize(ended: Sequence[Ended]) -> Summary:
    latencies = [one.latency_ms for one in ended]
    p50, p95 = (float(value) for value in np.percentile(latencies, (50, 95)))
    return Summary(mean(bool(one.cuts) for one in ended), mean(latencies), p50, p95)


def run(context: Context) -> Report:
    """Raises AdapterError where a voice, the detector or the model is missing."""
    vad: Vad = create("ears", "silero", {}, context)
    model: EndOfTurn = create("ears", "smart_turn", {}, context)
    settings = ListenSettings()
    with closing(model), closing(Cast(context)) as cast:
        heard = [(turn, frames(turn, vad)) for turn in turns(cast)]
        smart = [end_turn(turn, windows, settings, model.probability) for turn, windows in heard]
    by_silence = {}
    for silence_ms in range(PLAIN_LEAST_MS, PLAIN_MOST_MS + 1, WINDOW_MS):
        plain = replace(settings, endpoint_ms=silence_ms)
        by_silence[silence_ms] = [end_turn(turn, windows, plain, None) for turn, windows in heard]
    groups = [_of(like_people, smart, by_silence) for like_people in (True, False)]
    tables = [*_tables(*groups[0]), replace(next(_tables(*groups[1])), title="the same by eSpeak's formant voices")]
    return Report("endpointing", machine(), tuple(_metrics(*groups[0])), len(groups[0][0]), tuple(tables))


def _of(like_people: bool, smart: Sequence[Ended], by_silence: BySilence) -> tuple[Sequence[Ended], BySilence]:
    """The turns of those speakers only."""

    def theirs(ended: Sequence[Ended]) -> list[Ended]:
        return [one for one in ended if one.turn.who.like_people == like_people]

    return theirs(smart), {silence_ms: theirs(ended) for silence_ms, ended in by_silence.items()}


def at_equal_latency(mean_ms: float, by_silence: BySilence) -> float:
    """The false cut-off rate of the plain silence whose mean latency that is, between two of them by a line."""
    curve = [summarize(ended) for ended in by_silence.values()]
    return float(np.interp(mean_ms, [one.mean_ms for one in curve], [one.cutoff_rate for one in curve]))


def _metrics(smart: Sequence[Ended], by_silence: BySilence) -> Iterator[Metric]:
    ours = summarize(smart)
    theirs = at_equal_latency(ours.mean_ms, by_silence)
    yield at_most("cutoff_ratio_at_equal_latency", ours.cutoff_rate / theirs, "", CUTOFF_RATIO_MOST)
    yield shown("plain_cutoff_rate_at_equal_latency", theirs, "")
    yield from _shown("", ours)
    for silence_ms in SHOWN_MS:
        yield from _shown(f"plain_{silence_ms}_", summarize(by_silence[silence_ms]))


def _shown(name: str, one: Summary) -> Iterator[Metric]:
    yield shown(f"{name}false_cutoff_rate", one.cutoff_rate, "")
    for what, value in (("mean", one.mean_ms), ("p50", one.p50_ms), ("p95", one.p95_ms)):
        yield shown(f"{name}latency_ms_{what}", value, "ms")


def _tables(smart: Sequence[Ended], by_silence: BySilence) -> Iterator[Table]:
    columns = ("ended by", "cut off", "mean", "p50", "p95")
    rows = [_row(f"silence of {silence_ms} ms", by_silence[silence_ms]) for silence_ms in SHOWN_MS]
    yield Table("turns cut off, and the wait behind them", columns, (_row("smart_turn", smart), *rows))
    yield _by_kind(smart, by_silence[ListenSettings().endpoint_ms])


def _by_kind(smart: Sequence[Ended], plain: Sequence[Ended]) -> Table:
    """What stands before the pauses at which turns were cut off."""

    def share(ended: Sequence[Ended], kind: str) -> str:
        found = [
            any(pause.start < cut <= pause.end + LATE for cut in one.cuts)
            for one in ended for pause in one.turn.pauses if pause.kind == kind
        ]  # fmt: skip
        return f"{100 * mean(found):.0f} % of {len(found)}"

    rows = tuple((kind, share(smart, kind), share(plain, kind)) for kind in get_args(Kind))
    return Table(
        "pauses taken for the end, by what stands before",
        ("pause", "smart_turn", f"silence of {ListenSettings().endpoint_ms} ms"),
        rows,
    )


def _row(name: str, ended: Sequence[Ended]) -> tuple[str, ...]:
    one = summarize(ended)
    times = (f"{value:.0f} ms" for value in (one.mean_ms, one.p50_ms, one.p95_ms))
    return name, f"{100 * one.cutoff_rate:.0f} %", *times
