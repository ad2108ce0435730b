"""Benchmark of the recognizer: our short window against faster-whisper's own `transcribe`, on the same audio.

Same model, beam and threads, in turns, one pair of runs an utterance. `stt_time_ratio` is the median of the pairs, our
word times included; `wer` and `wer_reference` are word errors, ours and theirs, as a share of what was spoken;
`wer_difference` is what the short window costs. See utterances.py for what is heard.

Theirs is decoded at temperature zero, as ours is: by default it tries improbable texts again with dice, and its word
errors then differ from run to run by more than the limit (0.091 and 0.098 were seen, 0.101 without dice).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median

from adapters.registry import Context
from adapters.stt.whisper import WhisperStt
from scenes.bench.report import Report, Table, at_most, machine, paired_ratios, shown
from scenes.bench.utterances import Utterance, utterances
from stitcher.pcm import Float32

TIME_RATIO_MAX = 0.35  # what the short window is for
WER_DIFFERENCE_MAX = 0.005  # and what it may cost: half a percentage point


def run(context: Context, options: WhisperStt.Options | None = None) -> Report:
    """Measure. Raises AdapterError."""
    stt = WhisperStt(options or WhisperStt.Options(), context)
    said = list(utterances(context))
    ratios, ours, theirs = compare(stt, said, context)
    stt.close()
    spoken = [one.text for one in said]
    wer, wer_reference = word_error_rate(spoken, ours), word_error_rate(spoken, theirs)
    metrics = (
        at_most("stt_time_ratio", median(ratios), "", TIME_RATIO_MAX),
        at_most("wer_difference", wer - wer_reference, "", WER_DIFFERENCE_MAX),
        shown("wer", wer, ""),
        shown("wer_reference", wer_reference, ""),
    )
    return Report("stt", machine(), metrics, len(ratios), (by_kind(said, ours, theirs),))


@dataclass
class Listener:
    """Hears one utterance after the other, and keeps what it heard."""

    hear: Callable[[Float32], str]
    said: Iterable[Utterance]
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._next = iter(self.said)

    def __call__(self) -> None:
        self.heard.append(self.hear(next(self._next).pcm))


def compare(stt: WhisperStt, said: list[Utterance], context: Context) -> tuple[list[float], list[str], list[str]]:
    """Time ratios, our texts, theirs."""
    model, options = stt.model, stt.options

    def own(pcm: Float32) -> str:
        text = stt.transcribe(pcm, False).text
        stt.word_times()
        return text

    def reference(pcm: Float32) -> str:
        segments, _ = model.transcribe(pcm, language=options.language, beam_size=options.beam, temperature=0.0)
        return " ".join(segment.text.strip() for segment in segments)

    twice = [said[0], *said]  # the first pair is not measured
    ours, theirs = Listener(own, twice), Listener(reference, twice)
    ratios = paired_ratios(ours, theirs, len(said), context.clock)
    return ratios, ours.heard[1:], theirs.heard[1:]


def by_kind(said: list[Utterance], ours: list[str], theirs: list[str]) -> Table:
    """Word errors by voice and noise."""
    rows = []
    for kind in (*dict.fromkeys(one.kind for one in said), "all"):
        at = [place for place, one in enumerate(said) if kind in (one.kind, "all")]
        spoken = [said[place].text for place in at]
        rates = (word_error_rate(spoken, [heard[place] for place in at]) for heard in (ours, theirs))
        rows.append((kind, str(len(at)), *(f"{rate:.3f}" for rate in rates)))
    return Table("word error rate", ("voice and noise", "utterances", "wer", "wer_reference"), tuple(rows))


def word_error_rate(spoken: list[str], heard: list[str]) -> float:
    """Substituted, inserted and missing words, as a share of those spoken; case and punctuation ignored."""
    import jiwer

    return float(jiwer.wer([_words(text) for text in spoken], [_words(text) for text in heard]))


def _words(text: str) -> str:
    return " ".join(re.findall(r"[\w']+", text.lower()))
