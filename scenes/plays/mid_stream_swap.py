"""Mid-Stream Swap: another engine takes over in mid-utterance, within a frame, and the same words go on.

At random points, asked for ahead of time or at once, there and back. What must hold: never dry, each word once and in
order, counted in the sound itself where that tells its words; no pause is added; the seam is no sharper than speech.
"""

from __future__ import annotations

import numpy as np

from adapters.tts.trouble import Trouble
from orchestrator import actions as act
from orchestrator.bus import AUDIBLE
from scenes.script import SENTENCES
from scenes.simulator import Simulator
from scenes.sound import TONES, WORD_GAP_SAMPLES, tones
from scenes.stage import Scene, Stage
from scenes.world import World
from stitcher.pcm import FULL_SCALE, Int16, frame_samples
from stitcher.seam_measures import measure_seam
from timeline import events as ev

PAUSE_MOST_MS = 400
CLICK_MOST = 1.0  # no sharper than speech itself
TEXT_SENTENCES = 3
FIRST_MS, LAST_MS = 300, 9000  # of an utterance of about fifteen seconds


def play(stage: Stage) -> None:
    for other in stage.company or (f"{stage.adapter}#2",):
        there_and_back(stage, other)


def there_and_back(stage: Stage, other: str) -> None:
    """One change ahead of time, the next at once."""
    draw = stage.random
    text = " ".join(draw.sample(SENTENCES, TEXT_SENTENCES))
    first_ms, again_ms = sorted(draw.uniform(FIRST_MS, LAST_MS) for _ in range(2))
    events = [
        (0.0, ev.SpeakRequested(text)),
        (1.0, ev.SwapRequested(other, round(first_ms))),
        (again_ms + 1000, ev.SwapRequested(stage.adapter)),
        (again_ms + 1001, ev.InputEnded()),
    ]
    simulator = stage.hold(World(events=events), trouble(stage), others={other: trouble(stage)})
    judge(stage, other, simulator, text)


def trouble(stage: Stage) -> Trouble:
    """A voice that keeps up, with costs of its own."""
    draw = stage.random
    return Trouble(open_ms=draw.uniform(5, 60), call_ms=draw.uniform(0, 15), rtf=draw.uniform(0.02, 0.3), jitter=0.1)


def judge(stage: Stage, other: str, simulator: Simulator, text: str) -> None:
    swaps = [fact for _, fact in simulator.of(act.ShowSwap)]
    stage.exactly(f"swaps_{other}", len(swaps), 2)
    stage.exactly(f"underrun_samples_{other}", simulator.underrun_samples(), 0)
    kept = " ".join(fact.text for _, fact in simulator.of(act.Remember))
    stage.exactly(f"words_not_kept_{other}", int(kept != text), 0)
    audio = simulator.audio()
    if stage.adapter == TONES:
        stage.exactly(f"words_not_heard_{other}", len(text.split()) - len(tones(audio, phrase_ends(simulator))), 0)
        return  # its tones begin and end at once: a seam is no sharper than each of its words
    for place in seams(simulator):
        seam = measure_seam(audio, place, simulator.settings.rate_hz)
        stage.at_most(f"click_ratio_{other}", seam.click_ratio, CLICK_MOST)
        if seam.loudness_difference_lu is not None:
            stage.measure(f"loudness_difference_lu_{other}", seam.loudness_difference_lu)
        stage.at_most(f"pause_ms_{other}", pause_ms(audio, place, simulator.settings.rate_hz), PAUSE_MOST_MS)


def pause_ms(audio: Int16, place: int, rate_hz: int) -> float:
    """How long it is silent around a place in int16[n]."""
    loud = np.flatnonzero(np.abs(audio) > AUDIBLE * FULL_SCALE)
    before, after = loud[loud < place], loud[loud >= place]
    return float(after[0] - before[-1]) / rate_hz * 1000 if before.size and after.size else 0.0


def seams(simulator: Simulator) -> list[int]:
    """Where engines change, in samples that the sink played."""
    return [offset(simulator) + fact.index for _, fact in simulator.of(act.ShowSwap)]


def phrase_ends(simulator: Simulator) -> list[int]:
    """Likewise where phrases end, those that were taken back left out; and where another engine takes over just behind
    a word. One that begins again with a word that broke off does not begin another word."""
    ends: list[int] = []
    words: list[int] = []  # where those end that have begun
    swapped = {fact.phrase for _, fact in simulator.of(act.ShowSwap)}
    overlap = frame_samples(simulator.settings.rate_hz)
    for _, _, fact in simulator.records:
        if isinstance(fact, ev.Retracted):
            ends = [end for end in ends if end <= fact.end_index]
            words = [end for end in words if end <= fact.end_index]
        elif isinstance(fact, ev.ChunkStitched):
            met = bool(ends) and 0 <= ends[-1] - fact.start_index <= overlap  # two phrases, at their ends
            if fact.phrase in swapped and not fact.seq and not met:
                behind = words and -overlap <= fact.start_index - words[-1] < WORD_GAP_SAMPLES
                ends += [fact.start_index] if behind else []
            words += [mark.end_index for mark in fact.marks]
            ends += [fact.end_index] if fact.eos else []
    return [offset(simulator) + end for end in ends]


def offset(simulator: Simulator) -> int:
    """From the stream's index to the sink's position; the utterance is the first, and never ran dry."""
    first = next(tick for _, tick in simulator.of(ev.SinkTick) if tick.played_samples)
    return int(first.position + first.first_offset - (first.read_index - first.played_samples))


SCENE = Scene("mid-stream-swap", "another engine takes over within a frame, and the same words go on", play,
              seeds_most=1000, company=True)  # fmt: skip
