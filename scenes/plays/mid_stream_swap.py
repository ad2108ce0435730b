"""Mid-Stream Swap: another engine takes over in mid-utterance, within a frame, and the same words go on.

At random points, asked for ahead of time or at once, there and back. What must hold: never dry, each word once and in
order; no pause is added; the seam is no sharper than speech. Engines that speak words are laid beside sessions of the
same text in which each of them spoke alone, and a recognizer writes down what it hears, sentence by sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from functools import cache
from itertools import pairwise
from operator import itemgetter

from adapters.base import Tts
from adapters.tts.trouble import Trouble
from orchestrator import actions as act
from scenes.script import CLEAR
from scenes.simulator import Simulator
from scenes.sound import TONES, WORD_GAP_SAMPLES, tones
from scenes.spoken import Spoken, letters, spoken
from scenes.stage import Hear, Scene, Stage
from scenes.world import World
from stitcher.pcm import frame_samples
from stitcher.seam_measures import measure_seam
from timeline import events as ev

PAUSE_ADDED_MOST_MS = 40  # beyond the longer of the pauses that the two make there by themselves
LEVEL_MOST_LU = 2.0  # over the whole text; within it each engine says other sentences softly, by 3 LU and more
LEVEL_LEAST_MS = 3000  # what EBU R 128 calls short-term; in less it is the loudness of single words
EARLY_MS = 80  # words begin before their marks by up to so much; between sentences it is silent
CLICK_MOST = 1.0  # no sharper than speech itself
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
    for index, place in zip(seams(simulator), places, strict=True):
        stage.at_most(f"click_ratio_{other}", measure_seam(here.audio, index, here.rate_hz).click_ratio, CLICK_MOST)
        own_ms = max(one.pause_ms(one.index(place)) for one in (first, second))
        stage.at_most(f"pause_added_ms_{other}", here.pause_ms(index) - own_ms, PAUSE_ADDED_MOST_MS)
    whole = letters(" ".join(sentences))
    apart_lu = second.loudness_lufs(0, whole) - first.loudness_lufs(0, whole)
    stage.at_most(f"level_apart_lu_{other}", abs(apart_lu), LEVEL_MOST_LU)
    for begin, end in pairwise((*places, whole)):
        if here.between(begin, end).size >= LEVEL_LEAST_MS * here.rate_hz // 1000:
            apart_lu = here.loudness_lufs(begin, end) - first.loudness_lufs(begin, end)
            stage.measure(f"stretch_apart_lu_{other}", apart_lu)
    if stage.hear is not None:
        wrong = [min(heard, key=itemgetter(0)) for heard in hearings(stage.hear, here, sentences)]
        stage.exactly(f"words_lost_or_twice_{other}", sum(words for words, _ in wrong), 0)
        stage.measure(f"sentences_misheard_{other}", sum(bool(text) for _, text in wrong))
        for words, text in wrong:
            if words:
                stage.note(f"heard: {text}")


def hearings(hear: Hear, here: Spoken, sentences: tuple[str, ...]) -> Iterator[list[tuple[int, str]]]:
    """Of each sentence, at each hearing: words lost or said twice, and what was heard instead, empty where it is
    right. A word that is taken for another is the recognizer's, or the voice's."""
    early = here.rate_hz * EARLY_MS // 1000
    place = 0
    for sentence in sentences:
        begin, place = place, place + letters(sentence)
        pcm = here.audio[max(0, here.index(begin) - early) : here.index(place) - early]
        found = []
        for text in hear(pcm, here.rate_hz):
            wrong = lost_or_twice(words_of(sentence), words_of(text))
            found.append((wrong, "" if words_of(text) == words_of(sentence) else text))
            if not wrong:
                break
        yield found


def lost_or_twice(said: list[str], heard: list[str]) -> int:
    """Words that are too many or too few, where the two are laid beside each other."""
    places = SequenceMatcher(None, said, heard, autojunk=False).get_opcodes()
    return sum(abs((b - a) - (d - c)) for _, a, b, c, d in places)


def words_of(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())


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
