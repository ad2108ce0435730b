"""Mid-Stream Swap: another engine takes over in mid-utterance, within a frame, and the same words go on.

At random points, asked for ahead of time or at once, there and back. What must hold: never dry, each word once and in
order; no pause is added; the seam is no sharper than speech. Engines that speak words are laid beside sessions of the
same text in which each of them spoke alone, and a recognizer writes down what it hears, sentence by sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate, pairwise

from adapters.base import Tts
from adapters.tts.trouble import Trouble
from orchestrator import actions as act
from scenes.clicks import click_ratio
from scenes.script import CLEAR
from scenes.simulator import Simulator
from scenes.sound import TONES, WORD_GAP_SAMPLES, tones
from scenes.spoken import BETWEEN_MS, Spoken, letters, spoken
from scenes.stage import Scene, Stage
from scenes.transcript import wrong
from scenes.world import World
from stitcher.pcm import frame_samples
from timeline import events as ev

PAUSE_ADDED_MOST_MS = 40  # beyond the longer of the pauses that the two make there by themselves
SEAM_MS = 40  # a silence that ends longer before a seam lies within what one engine spoke, whole
OWN_MS = 150  # before its mark a pause of an engine's own has ended: Kokoro's "so" begins 115 ms before
LEVEL_MOST_LU = 2.0  # over the whole text; within it each engine says other sentences softly, by 3 LU and more
LEVEL_LEAST_MS = 3000  # what EBU R 128 calls short-term; in less it is the loudness of single words
CLICK_MOST = 1.0  # no sharper than speech itself, nor than the same words are where nobody takes over
TEXT_SENTENCES = 4
FIRST_MS, LAST_MS = 300, 9000  # of an utterance of about fifteen seconds
PLAIN = Trouble(open_ms=10, call_ms=5, rtf=0.1)


def play(stage: Stage) -> None:
    for other in stage.company or (f"{stage.adapter}#2",):
        there_and_back(stage, other)


def there_and_back(stage: Stage, other: str) -> None:
    """One change ahead of time, the next at once."""
    draw = stage.random
    first = draw.randrange(0, len(CLEAR), TEXT_SENTENCES)
    sentences = CLEAR[first : first + TEXT_SENTENCES]
    first_ms, again_ms = sorted(draw.uniform(FIRST_MS, LAST_MS) for _ in range(2))
    events = [
        (0.0, ev.SpeakRequested(" ".join(sentences))),
        (1.0, ev.SwapRequested(other, round(first_ms))),
        (again_ms + 1000, ev.SwapRequested(stage.adapter)),
        (again_ms + 1001, ev.InputEnded()),
    ]
    simulator = stage.hold(World(events=events), trouble(stage), others={other: trouble(stage)})
    judge(stage, other, simulator, " ".join(sentences))
    if stage.adapter != TONES:  # its tones begin and end at once: a seam is no sharper than each of its words
        judge_sound(stage, other, simulator, sentences)


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
    if stage.adapter == TONES:
        heard = tones(simulator.audio(), phrase_ends(simulator))
        stage.exactly(f"words_not_heard_{other}", len(text.split()) - len(heard), 0)


def judge_sound(stage: Stage, other: str, simulator: Simulator, sentences: tuple[str, ...]) -> None:
    """Each seam by itself, what lies between them beside the first engine alone, and what a recognizer hears."""
    here = spoken(simulator)
    first, second = (alone(stage.make_tts, stage.adapter, other, who, " ".join(sentences)) for who in (0, 1))
    places = [here.place(index) for index in seams(simulator)]
    starts, lost_ms, raw = list(accumulate(map(letters, sentences))), [0.0], [0.0]
    for index, place in zip(seams(simulator), places, strict=True):
        stage.at_most(f"click_ratio_{other}", click_ratio(here, index, (first, second)), CLICK_MOST)
        raw.append(click_ratio(here, index))
        near_ms = BETWEEN_MS if place in starts else OWN_MS
        own_ms = [one.pause_ms(one.index(place), near_ms) for one in (first, second)]
        pause_ms = here.pause_ms(index, SEAM_MS)
        stage.at_most(f"pause_added_ms_{other}", pause_ms - max(own_ms), PAUSE_ADDED_MOST_MS)
        lost_ms.append(min(own_ms) - pause_ms)  # not judged: Piper draws its pauses anew for each phrase
    stage.measure(f"pause_lost_ms_{other}", max(lost_ms))
    stage.measure(f"click_ratio_raw_{other}", max(raw))  # to the steps of speech in general
    judge_level(stage, other, here, (first, second), (*places, letters(" ".join(sentences))))
    if stage.hear is not None:
        known = lambda place: any(here.sounds_as(one, place) for one in (first, second))  # noqa: E731
        heard = list(wrong(here, sentences, stage.hear, known))
        stage.exactly(f"words_lost_or_twice_{other}", sum(one.words for one in heard), 0)
        stage.measure(f"sentences_misheard_{other}", sum(bool(one.text) for one in heard))
        for one in heard:
            if one.words:
                stage.note(f"heard: {one.text}")


def judge_level(stage: Stage, other: str, here: Spoken, alone: Sequence[Spoken], places: Sequence[int]) -> None:
    """`places`: of the seams, and the end."""
    apart_lu = [one.loudness_lufs(0, places[-1]) for one in alone]
    stage.at_most(f"level_apart_lu_{other}", abs(apart_lu[1] - apart_lu[0]), LEVEL_MOST_LU)
    stretches = [
        abs(here.loudness_lufs(begin, end) - alone[0].loudness_lufs(begin, end))
        for begin, end in pairwise(places)
        if here.between(begin, end).size >= LEVEL_LEAST_MS * here.rate_hz // 1000
    ]
    stage.measure(f"stretch_apart_lu_{other}", max(stretches, default=0.0))


@cache
def alone(make_tts: Callable[[str], Tts], adapter: str, other: str, who: int, text: str) -> Spoken:
    """The same text spoken by the first engine throughout, or by the other one as it is matched to the first."""
    stage = Stage("alone", adapter, 0, make_tts)
    events = [(0.0, ev.SwapRequested((adapter, other)[who])), (1.0, ev.SpeakRequested(text)), (2.0, ev.InputEnded())]
    return spoken(stage.hold(World(events=events), PLAIN, others={other: PLAIN}))


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
