"""Wake word: how often it is heard, how soon, and how often something else is taken for it.

    "Hey Jarvis, ..." by the corpus's voices, in noise -> detected share; how much of what follows has sounded
    words like it; speech that is not for us: our own voice's, others' -> false accepts, those of an hour

Each false accept is counted as a session would: not twice within the refractory period. Where none was found in h
hours, fewer than 3 / h an hour is what can be said with 95 % confidence; the hours are printed. eSpeak's formant voices
are shown apart: these models were trained on voices that sound like people's, and seldom hear them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from random import Random
from statistics import median

import numpy as np

from adapters.base import EAR_RATE_HZ
from adapters.ears.base import WakeWord
from adapters.registry import Context, create
from adapters.tts.whole import speak_whole
from orchestrator.settings import ListenSettings
from orchestrator.waking import Spotter, Waking
from scenes.bench.report import Metric, Report, Table, at_least, at_most, machine, shown
from scenes.corpus import texts
from scenes.corpus.cast import Cast, Speaker
from scenes.corpus.noises import NOISES, beneath
from scenes.corpus.overlaps import cases
from scenes.corpus.turns import turns
from scenes.script import CLEAR, SENTENCES
from stitcher.pcm import Float32, to_int16

SNRS_DB = (40.0, 20.0, 10.0)
PAD_MS = 1000  # of silence before and behind a command: the model looks back about as far
OWN_SECONDS = 600  # of our own voice
DETECTED_LEAST = 0.9  # by voices that sound like people's
FALSE_PER_HOUR_MOST = 2.0
SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Tried:
    """A command that was said. `late_ms`: so much of the words behind it had sounded when it was heard, below 0: none
    yet; None: it was not heard."""

    who: Speaker
    snr_db: float
    late_ms: float | None


def spotted(word: WakeWord, pcm: Float32) -> list[int]:
    """Positions where a session would have been woken."""
    word.reset()
    waking = Waking(ListenSettings(), EAR_RATE_HZ, True)
    return [position for position in Spotter(word).feed(to_int16(pcm)) if waking.spotted(position)]


def commands(cast: Cast, word: WakeWord) -> Iterator[Tried]:
    """Every speaker says every command, in each loudness of a noise."""
    random, pad = Random("wake"), PAD_MS * EAR_RATE_HZ // 1000
    for who in cast.speakers:
        for text in texts.COMMANDS:
            spoken = cast.speak(who, text)
            behind = pad + int(spoken.words[2, 2])  # where the third word begins
            for snr_db in SNRS_DB:
                noise = random.choice(NOISES)
                pcm = beneath(np.pad(spoken.pcm, pad), noise, snr_db, random.getrandbits(32))
                at = spotted(word, pcm)
                yield Tried(who, snr_db, (at[0] - behind) * 1000 / EAR_RATE_HZ if at else None)


def like_commands(cast: Cast, word: WakeWord) -> list[bool]:
    """Whether each of the words that sound like it was taken for it."""
    pad = PAD_MS * EAR_RATE_HZ // 1000
    said = (cast.speak(who, text) for who in cast.speakers for text in texts.LIKE_COMMANDS)
    return [bool(spotted(word, np.pad(spoken.pcm, pad))) for spoken in said]


def own_speech(context: Context) -> Iterator[Float32]:
    """What the assistant's own voice says: every sentence that we have, again with another seed."""
    sentences = [*SENTENCES, *CLEAR, *texts.INTERRUPTIONS, *texts.TO_OTHERS, *texts.TELEVISION]
    sentences += [text.replace("| ", "") for text in texts.TURNS]
    with closing(create("tts", "piper", {}, context)) as tts:
        tts.warm_up()
        samples = 0
        for number in count():
            if samples >= OWN_SECONDS * EAR_RATE_HZ:
                return
            text = sentences[number % len(sentences)]
            yield (pcm := speak_whole(tts, text, EAR_RATE_HZ, seed=number))
            samples += pcm.size


def other_speech(cast: Cast) -> Iterator[Float32]:
    """What the corpus's users say to others and to us, in their rooms, and what else sounds there."""
    yield from (turn.pcm for turn in turns(cast))
    yield from (case.pcm for case in cases(cast))


@dataclass(frozen=True, slots=True)
class Listened:
    """Speech that holds no wake word, and how often one was heard in it."""

    hours: float
    false_accepts: int

    @property
    def per_hour(self) -> float:
        return self.false_accepts / self.hours


def listen(word: WakeWord, pieces: Iterable[Float32]) -> Listened:
    """As one stream."""
    whole = np.concatenate(list(pieces))
    return Listened(whole.size / EAR_RATE_HZ / SECONDS_PER_HOUR, len(spotted(word, whole)))


def run(context: Context) -> Report:
    """Raises AdapterError where a voice or the spotter is missing."""
    word: WakeWord = create("ears", "wake", {}, context)
    with closing(Cast(context)) as cast:
        tried = list(commands(cast, word))
        like = like_commands(cast, word)
        other = listen(word, other_speech(cast))
    own = listen(word, own_speech(context))
    people = [one for one in tried if one.who.like_people]
    late_ms = [one.late_ms for one in people if one.late_ms is not None]
    metrics = (
        at_least("detected_share", _share(people), "", DETECTED_LEAST),
        shown("detected_share_of_formant_voices", _share([one for one in tried if not one.who.like_people]), ""),
        shown("late_ms_p50", median(late_ms) if late_ms else 0.0, "ms"),
        at_most("late_ms_most", max(late_ms, default=0.0), "ms", ListenSettings().wake_preroll_ms),
        shown("taken_for_it_share", sum(like) / len(like), ""),
        *_listened("own_speech", own),
        *_listened("other_speech", other),
    )
    return Report("wake", machine(), metrics, len(tried), tuple(_tables(tried)))


def _share(tried: Sequence[Tried]) -> float:
    return sum(one.late_ms is not None for one in tried) / len(tried) if tried else 0.0


def _listened(name: str, heard: Listened) -> Iterator[Metric]:
    yield at_most(f"false_accepts_per_hour_{name}", heard.per_hour, "1/h", FALSE_PER_HOUR_MOST)
    yield shown(f"hours_{name}", heard.hours, "h")


def _tables(tried: Sequence[Tried]) -> Iterator[Table]:
    rows = []
    for engine in sorted({one.who.engine for one in tried}):
        cells = ([one for one in tried if one.who.engine == engine and one.snr_db == snr_db] for snr_db in SNRS_DB)
        rows.append((engine, *(f"{100 * _share(cell):.0f} %" for cell in cells)))
    yield Table("the wake word heard, by voice and noise", ("voice", *(f"{snr:g} dB" for snr in SNRS_DB)), tuple(rows))
