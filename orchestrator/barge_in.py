"""Barge-in: the voice has paused because somebody began to speak. Do they want the floor?

    onset -> pause -> evidence, window by window -> TAKE: stop for good   RESUME, ECHO: go on where it paused   WAIT

Rules. The floor is taken by words that are no backchannel, or by speech that lasts. Silence gives it back. Speech much
softer than the user's usual is somebody else's: it takes nothing until it has gone on for long, and the voice does not
wait for its end. A detector is a pure function of what was heard so far; others are added to DETECTORS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.backchannels import expected, is_backchannel, may_become, takes_floor, words_of
from orchestrator.settings import ListenSettings

FAR_DB = -9.0  # below the user's usual level: twice the distance is 6 dB, three times 9.5
FAR_LASTS_MS = 2400  # speech so soft, for so long, is the user all the same: nobody else talks into our answer
FAR_KNOWN_MS = 190  # of speech, before its level is believed: words begin softly
ECHO_AGAIN_MS = 3000  # of speech that was our echo, before it is looked at anew: a user may speak in it
WORD_SHORTEST_MS = 125  # who speaks fast says eight words a second
WORD_LEAST_MS = 190  # of speech, or its words are guesses: a cough is written as "Oh"
FIRST_WORDS_MS = 250  # of speech that goes on, before its words are asked for: half of the takers are known by then
SLOW_WORDS_MS = 100  # that they took: then they are asked for after WORD_LEAST_MS, for the second answer comes late
DOUBT_LEAST_MS = 300  # of speech, before they cast doubt on what is taken for a backchannel afterwards
SAID_LEAST_MS = 470  # of speech, before words that ask for nothing are: "Oh" is written as "Hello", "Got it" as "God"
AWAITED_SILENCES = 2  # times resume_ms that the voice waits for words of what has ended
SEVERAL_LASTS = 2.0  # times confirm_ms: backchannels in a row, "yeah, yeah, okay"


class Verdict(StrEnum):
    WAIT = "wait"
    TAKE = "take"
    RESUME = "resume"
    ECHO = "echo"  # go on: it was our own voice


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was heard since the voice paused."""

    speech_ms: float
    silence_ms: float  # since the last speech
    words: str | None  # a recognizer's, so far; None: none yet
    words_ms: float  # of speech that they are from
    level_db: float | None  # above the user's usual level; None: not known
    echo: bool = False  # the words are our own, come back
    doubted: bool = False  # they were others before


Detector = Callable[[Evidence, ListenSettings], Verdict]


def by_words(heard: Evidence, limits: ListenSettings) -> Verdict:
    """Words decide where there are any, else how long it lasts."""
    if heard.echo:
        return Verdict.ECHO
    far = heard.level_db is not None and heard.level_db < FAR_DB and heard.speech_ms >= FAR_KNOWN_MS
    if far:
        return Verdict.TAKE if heard.speech_ms >= FAR_LASTS_MS else Verdict.RESUME
    words = _believed(heard.words or "", heard.words_ms)
    small_talk = is_backchannel(words, limits.language, limits.backchannels)
    if words and not small_talk and _asks(words, heard, limits):
        return Verdict.TAKE
    if heard.silence_ms >= limits.resume_ms and not _awaited(heard, limits):
        return Verdict.RESUME
    certain = small_talk and not (heard.doubted and _prompted(words, limits))
    lasts_ms = limits.confirm_ms * (SEVERAL_LASTS if certain else 1)
    return Verdict.TAKE if heard.speech_ms >= lasts_ms else Verdict.WAIT


def _believed(text: str, words_ms: float) -> str:
    """The words, unless nobody can have said so many, or anything, in so short a time: the recognizer made them up."""
    found = words_of(text)
    fits = words_ms >= WORD_LEAST_MS and len(found) <= 1 + words_ms / WORD_SHORTEST_MS
    return " ".join(found) if fits else ""


def casts_doubt(text: str, words_ms: float, limits: ListenSettings) -> bool:
    """Whether provisional words say that it is no backchannel, whatever is written of it later."""
    words = _believed(text, words_ms) if words_ms >= DOUBT_LEAST_MS else ""
    hummed = is_backchannel(words, limits.language, limits.backchannels)
    return bool(words) and not hummed and not may_become(words, limits.language, limits.backchannels)


def _asks(words: str, heard: Evidence, limits: ListenSettings) -> bool:
    """Words that are no backchannel: one that asks for the floor, at once; or others, once enough was said."""
    if takes_floor(words, limits.language):
        return True
    return heard.words_ms >= SAID_LEAST_MS and not may_become(words, limits.language, limits.backchannels)


def _prompted(words: str, limits: ListenSettings) -> bool:
    """Whether the recognizer was told of all of them: what it writes without, it has heard."""
    return set(words_of(words)) <= set(words_of(expected(limits.language, limits.backchannels)))


def _awaited(heard: Evidence, limits: ListenSettings) -> bool:
    """Enough was said for words, and not all of it is transcribed yet: one "Stop!" is short."""
    late = heard.silence_ms >= AWAITED_SILENCES * limits.resume_ms
    return not late and heard.speech_ms >= WORD_LEAST_MS and heard.words_ms < heard.speech_ms


def by_length(heard: Evidence, limits: ListenSettings) -> Verdict:
    """Speech that lasts takes the floor, whatever it is: for recognizers that are slow."""
    if heard.speech_ms >= limits.confirm_ms:
        return Verdict.TAKE
    return Verdict.RESUME if heard.silence_ms >= limits.resume_ms else Verdict.WAIT


DETECTORS: Mapping[str, Detector] = {"words": by_words, "length": by_length}
