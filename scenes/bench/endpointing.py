"""Endpointing: when is a turn over? Words and model beside the model alone and plain silence, on turns that pause.

    corpus -> Silero, window by window -> SpeechDetector -> Endpoint: ask, wait -> over: too early? how late?
                                               Smart Turn, Whisper <---'
Virtual time: a window is 32 ms, the model's answer is there JUDGE_MS after it was asked and the words after WORDS_MS,
so the figures do not depend on the machine. `false_cutoff_rate`: turns that were over in their user's mid-sentence.
`latency_ms`: from the user's last sample to the end of the turn; a turn that was cut off goes on as if it had not been.
What is asserted: words and model cut off fewer turns than the plain silence that lets one answer, on average, as soon;
by the voices that sound like people's. eSpeak's are shown apart: on them the model ranks an end above a pause one time
in two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from statistics import mean
from typing import NamedTuple, get_args

import numpy as np

from adapters.base import EAR_RATE_HZ, Stt
from adapters.ears.base import EndOfTurn, Vad
from adapters.registry import Context, create
from orchestrator.actions import JudgeTurn
from orchestrator.detector import SpeechDetector
from orchestrator.endpoint import Endpoint
from orchestrator.settings import ListenSettings
from scenes.bench.report import Metric, Report, Table, at_most, machine, shown
from scenes.corpus.cast import Cast
from scenes.corpus.turns import Kind, Turn, turns
from stitcher.pcm import Float32, dbfs, to_int16
from timeline.events import EarFrame, TurnJudged

JUDGE_MS = 96  # three windows: a call took 45 ms, and 100 to 200 ms where ten processes shared two cores
WORDS_MS = 192  # six: 140 to 200 ms where nobody else wanted the cores
WHOLE = "Yes."  # stands for the words where they are to tell nothing
PLAIN_LEAST_MS, PLAIN_MOST_MS = 192, 1056  # silences that the model is compared with
SHOWN_MS = (320, 480, 640, 800, 960)  # those of them that are printed
MS_SAMPLES = EAR_RATE_HZ // 1000
LATE = 64 * MS_SAMPLES  # two windows: the detector hears that speech goes on that much later
CUTOFF_RATIO_MOST = 0.6  # of plain silence's, at the same mean latency
WINDOW_MS = 32
Judge = Callable[[Float32], float]
Read = Callable[[Float32], str]


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


class Run(NamedTuple):
    """What became of the same turns: by words and model, by the model alone, by plain silences of so many ms."""

    ours: Sequence[Ended]
    smart: Sequence[Ended]
    by_silence: Mapping[int, Sequence[Ended]]


def frames(turn: Turn, vad: Vad) -> list[EarFrame]:
    """What the ears make of a turn."""
    vad.reset()
    pcm, size = to_int16(turn.pcm), vad.window_samples
    ends = range(size, pcm.size + 1, size)
    windows = ((end, pcm[end - size : end]) for end in ends)
    return [EarFrame(end, size, vad.probability(window), dbfs(window), 0) for end, window in windows]


class Advice:
    """What the model thinks of a silence, and the words before it, each a while after they were asked for."""

    def __init__(self, turn: Turn, judge: Judge | None, read: Read | None) -> None:
        self._turn = turn
        self._judge = judge
        self._read = read
        self._begin = -1  # of the turn, as it was heard
        self._asked: JudgeTurn | None = None
        self._judged: TurnJudged | None = None
        self._words: str | None = None

    def ask(self, asked: JudgeTurn) -> None:
        start, end = asked.start_position, asked.end_position
        self._asked, self._begin = asked, start if self._begin < 0 else self._begin
        if self._judge is not None:
            self._judged = TurnJudged(start, end, self._judge(self._turn.pcm[start:end]), 0)
        if self._read is not None:
            self._words = self._read(self._turn.pcm[self._begin : end])

    def forget(self) -> None:
        """The user goes on."""
        self._asked = self._judged = self._words = None

    def judged(self, position: int) -> TurnJudged | None:
        return self._judged if self._waited_ms(position) >= JUDGE_MS else None

    def words(self, position: int) -> str | None:
        if self._read is None:
            return WHOLE
        return self._words if self._waited_ms(position) >= WORDS_MS else None

    def _waited_ms(self, position: int) -> float:
        return (position - self._asked.end_position) / MS_SAMPLES if self._asked is not None else -1.0


def end_turn(
    turn: Turn, heard: Sequence[EarFrame], settings: ListenSettings, judge: Judge | None, read: Read | None = None
) -> Ended:
    """Follow a turn window by window until the silence behind it ends it. Without `read` words tell nothing."""
    detector, endpoint = SpeechDetector(settings, EAR_RATE_HZ), Endpoint(settings, EAR_RATE_HZ, judge is not None)
    advice = Advice(turn, judge, read)
    cuts: list[int] = []
    over = False
    for frame in heard:
        position = frame.end_position
        detector.feed(frame)
        if detector.quiet_ms == 0:
            over = False
            advice.forget()
        if (asked := endpoint.hear(detector)) is not None:
            advice.ask(asked)
        if (judged := advice.judged(position)) is not None:
            endpoint.judge(judged)
        if detector.run_samples and not over and endpoint.over(detector, advice.words(position)):
            over = True
            if position > turn.end:
                return Ended(turn, tuple(cuts), (position - turn.end) / MS_SAMPLES)
            cuts.append(position)
    raise AssertionError(f"{turn.text!r} never ends")


def summarize(ended: Sequence[Ended]) -> Summary:
    latencies = [one.latency_ms for one in ended]
    p50, p95 = (float(value) for value in np.percentile(latencies, (50, 95)))
    return Summary(mean(bool(one.cuts) for one in ended), mean(latencies), p50, p95)


def run(context: Context) -> Report:
    """Raises AdapterError where a voice, the detector or the model is missing."""
    vad: Vad = create("ears", "silero", {}, context)
    model: EndOfTurn = create("ears", "smart_turn", {}, context)
    stt: Stt = create("stt", "whisper", {"isolation": "thread"}, context)
    settings = ListenSettings()
    with closing(model), closing(stt), closing(Cast(context)) as cast:
        judge = _remembering(model.probability)
        heard = [(turn, frames(turn, vad)) for turn in turns(cast)]
        smart = [end_turn(turn, windows, settings, judge) for turn, windows in heard]
        ours = [
            end_turn(turn, windows, settings, judge, lambda pcm: stt.transcribe(pcm, False).text)
            for turn, windows in heard
        ]
    by_silence = {}
    for silence_ms in range(PLAIN_LEAST_MS, PLAIN_MOST_MS + 1, WINDOW_MS):
        plain = replace(settings, endpoint_ms=silence_ms)
        by_silence[silence_ms] = [end_turn(turn, windows, plain, None) for turn, windows in heard]
    people, formants = (_of(like_people, Run(ours, smart, by_silence)) for like_people in (True, False))
    tables = [*_tables(people), replace(next(_tables(formants)), title="the same by eSpeak's formant voices")]
    return Report("endpointing", machine(), tuple(_metrics(people)), len(people.ours), tuple(tables))


def _remembering(judge: Judge) -> Judge:
    """Asks nothing twice: a call takes a twentieth of a second."""
    known = cache(lambda data: judge(np.frombuffer(data, np.float32)))
    return lambda pcm: known(pcm.astype(np.float32).tobytes())


def _of(like_people: bool, run: Run) -> Run:
    """The turns of those speakers only."""

    def theirs(ended: Sequence[Ended]) -> list[Ended]:
        return [one for one in ended if one.turn.who.like_people == like_people]

    by_silence = {silence_ms: theirs(ended) for silence_ms, ended in run.by_silence.items()}
    return Run(theirs(run.ours), theirs(run.smart), by_silence)


def at_equal_latency(mean_ms: float, by_silence: Mapping[int, Sequence[Ended]]) -> float:
    """The false cut-off rate of the plain silence whose mean latency that is, between two of them by a line."""
    curve = [summarize(ended) for ended in by_silence.values()]
    return float(np.interp(mean_ms, [one.mean_ms for one in curve], [one.cutoff_rate for one in curve]))


def _metrics(run: Run) -> Iterator[Metric]:
    ours = summarize(run.ours)
    theirs = at_equal_latency(ours.mean_ms, run.by_silence)
    yield at_most("cutoff_ratio_at_equal_latency", ours.cutoff_rate / theirs, "", CUTOFF_RATIO_MOST)
    yield shown("plain_cutoff_rate_at_equal_latency", theirs, "")
    yield from _shown("", ours)
    yield from _shown("model_", summarize(run.smart))
    for silence_ms in SHOWN_MS:
        yield from _shown(f"plain_{silence_ms}_", summarize(run.by_silence[silence_ms]))


def _shown(name: str, one: Summary) -> Iterator[Metric]:
    yield shown(f"{name}false_cutoff_rate", one.cutoff_rate, "")
    for what, value in (("mean", one.mean_ms), ("p50", one.p50_ms), ("p95", one.p95_ms)):
        yield shown(f"{name}latency_ms_{what}", value, "ms")


def _tables(run: Run) -> Iterator[Table]:
    columns = ("ended by", "cut off", "mean", "p50", "p95")
    rows = [_row(f"silence of {silence_ms} ms", run.by_silence[silence_ms]) for silence_ms in SHOWN_MS]
    first = (_row("words and smart_turn", run.ours), _row("smart_turn", run.smart))
    yield Table("turns cut off, and the wait behind them", columns, (*first, *rows))
    yield _by_kind(run)


def _by_kind(run: Run) -> Table:
    """What stands before the pauses at which turns were cut off."""
    silence_ms = ListenSettings().endpoint_ms

    def share(ended: Sequence[Ended], kind: str) -> str:
        found = [
            any(pause.start < cut <= pause.end + LATE for cut in one.cuts)
            for one in ended for pause in one.turn.pauses if pause.kind == kind
        ]  # fmt: skip
        return f"{100 * mean(found):.0f} % of {len(found)}"

    by = (run.ours, run.smart, run.by_silence[silence_ms])
    rows = tuple((kind, *(share(ended, kind) for ended in by)) for kind in get_args(Kind))
    columns = ("pause", "words and smart_turn", "smart_turn", f"silence of {silence_ms} ms")
    return Table("pauses taken for the end, by what stands before", columns, rows)


def _row(name: str, ended: Sequence[Ended]) -> tuple[str, ...]:
    one = summarize(ended)
    times = (f"{value:.0f} ms" for value in (one.mean_ms, one.p50_ms, one.p95_ms))
    return name, f"{100 * one.cutoff_rate:.0f} %", *times
