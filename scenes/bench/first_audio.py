"""First audio: from text to the first sample, and the cost of the whole, against piper-tts's own `synthesize`.

Ours is the product's path: phrases are cut, opened and pulled as the rate controller asks. The time that the controller
would wait for the sink is not waited, and not counted: only work is.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from adapters.base import Span
from adapters.registry import Context
from adapters.tts.piper import PiperTts
from adapters.voice import Voice
from orchestrator.phrase import PhraseCutter
from orchestrator.rate import Ladder
from scenes.bench.report import Report, at_most, machine, shown
from timeline.clock import NS_PER_MS, NS_PER_S, Clock

SENTENCE = (
    "When the sunlight strikes raindrops in the air, they act as a prism and form a rainbow, "
    "which is a division of white light into many beautiful colors."
)
PAIRS = 9
FIRST_AUDIO_MOST = 0.45  # of the time that piper-tts takes to its first sample
TOTAL_MOST = 1.25  # of the time that piper-tts takes for all


@dataclass(slots=True)
class Spoken:
    """What speaking a text took, in nanoseconds of work, and what came out."""

    first_ns: int
    total_ns: int
    samples: int
    rungs: list[int]


def speak(tts: PiperTts, ladder: Ladder, phrases: list[str], clock: Clock) -> Spoken:
    """Speak phrases one after the other as the controller asks; waiting for the sink is skipped."""
    rate_hz = tts.describe().rate_hz
    ladder.begin()
    begin_ns, skipped_ns, first_ns, samples, rungs = clock.now_ns(), 0, -1, 0, []
    for number, phrase in enumerate(phrases):
        synthesis = tts.open(Span(phrase, Voice(), number))
        while True:
            worked_ns = clock.now_ns() - begin_ns
            audio_ns = samples * NS_PER_S // rate_hz
            lead_ns = audio_ns - (worked_ns + skipped_ns - max(0, first_ns))
            ask = ladder.next(lead_ns)
            if ask is None:
                skipped_ns += NS_PER_MS
                continue
            start_ns = clock.now_ns()
            chunk = synthesis.pull(ask.units, ask.low_latency)
            ladder.observe(chunk.units, clock.now_ns() - start_ns)
            samples += chunk.pcm.size
            rungs.append(ask.units)
            if first_ns < 0:
                held_ns = 0 if chunk.eos else ladder.hold_ns(samples * NS_PER_S // rate_hz)
                first_ns = clock.now_ns() - begin_ns + held_ns
            if chunk.eos:
                break
    return Spoken(first_ns, clock.now_ns() - begin_ns, samples, rungs)


def run(context: Context, pairs: int = PAIRS) -> Report:
    """Measure in pairs. Raises AdapterError."""
    from piper import PiperVoice

    tts = PiperTts(PiperTts.Options(), context)
    tts.warm_up()
    reference: Any = PiperVoice.load(tts.path)
    clock, ladder = context.clock, Ladder(tts.describe())
    first, uncut, ramp, settled, ours_ms, theirs_ms = [], [], [], [], [], []
    for pair in range(pairs + 1):
        phrases = _phrases(SENTENCE)
        ours = speak(tts, ladder, phrases, clock)
        start_ns = clock.now_ns()
        theirs_samples = sum(chunk.audio_float_array.size for chunk in reference.synthesize(SENTENCE))
        theirs_ns = clock.now_ns() - start_ns
        whole = speak(tts, ladder, [SENTENCE], clock)
        again = _at_rung(tts, whole.rungs[-1], clock)
        if pair == 0:
            continue  # warms both
        first.append(ours.first_ns / theirs_ns)
        uncut.append(whole.first_ns / theirs_ns)
        ramp.append(ours.total_ns / ours.samples / (theirs_ns / theirs_samples))
        settled.append(again.total_ns / again.samples / (theirs_ns / theirs_samples))
        ours_ms.append(ours.first_ns / NS_PER_MS)
        theirs_ms.append(theirs_ns / NS_PER_MS)
    metrics = (
        at_most("first_audio_ratio", median(first), "", FIRST_AUDIO_MOST),
        at_most("total_ratio", median(settled), "", TOTAL_MOST),
        shown("first_audio_uncut_ratio", median(uncut), ""),
        shown("total_ramp_ratio", median(ramp), ""),
        shown("first_audio_ms", median(ours_ms), "ms"),
        shown("reference_ms", median(theirs_ms), "ms"),
        shown("settled_rung", whole.rungs[-1], "frames"),
    )
    return Report("first-audio", machine(), metrics, pairs)


def _phrases(text: str) -> list[str]:
    cutter = PhraseCutter()
    return [*cutter.feed(text), *cutter.finish()]


def _at_rung(tts: PiperTts, units: int, clock: Clock) -> Spoken:
    """The whole sentence at the rung that the controller settled on."""
    start_ns = clock.now_ns()
    synthesis = tts.open(Span(SENTENCE, Voice(), 0))
    first_ns, samples = -1, 0
    while True:
        chunk = synthesis.pull(units, False)
        samples += chunk.pcm.size
        first_ns = clock.now_ns() - start_ns if first_ns < 0 else first_ns
        if chunk.eos:
            return Spoken(first_ns, clock.now_ns() - start_ns, samples, [units])
