"""Text to what Kokoro reads: phonemes, one letter each, in runs that are rendered one at a time.

    text --breaks--> clauses --eSpeak NG--> IPA --letters--> phonemes --runs--> pieces of the phonemes

eSpeak NG drops punctuation, which the model reads for its prosody; so a clause is cut here and its mark put back.
The model was trained on an alphabet of its own, where a diphthong or an affricate is one letter: eSpeak ties such
sounds, and the tie is how they are found. Positions in phonemes and in text are characters.
"""

from __future__ import annotations

import ctypes
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from adapters.base import AdapterError
from adapters.tts.align import align, speakable, tokens

MARKS = ",;:.!?…—"  # that the model reads; a run ends behind one if it can
STRESS = "ˈˌ"
LEAST = 10  # phonemes of a run: one of 12 costs 1.7 times as much a second as one of 50
FIRST_MOST = 75  # of the first run (4 s of speech), which is all that the first sound waits for
MOST = 120  # of any run (6 s of speech)
GROWTH = 2  # a run may be so many times the one before it, which is played meanwhile: rendered at half of real time
REMEMBERED = 4096  # readings of words and clauses: most words of a conversation come again

_BREAK = re.compile(
    r"(?P<mark>[,;:.!?…]+)[\"'”’)\]]*(?=\s|$)|\s(?P<dash>[-–—]+)\s|(?P<wide>[，、；：。！？—])|(?P<line>\n)"
)
_MARKED = re.compile(rf"[{MARKS}] ")
_ABBREVIATED = re.compile(r"(?:\b(?:mr|mrs|ms|dr|prof|st|jr|sr|vs|etc|no|[a-z])|\.[a-z])$", re.IGNORECASE)
_WIDE = dict(zip("，、；：。！？—", ",,;:.!?—", strict=True))

# From speak_lib.h
_SYNCHRONOUS, _CHARS_UTF8, _IPA = 2, 1, 2
_TIE = "^"
_PHONEMES = _IPA | 1 << 7 | ord(_TIE) << 8  # IPA, with a tie inside what is one sound

_lock = threading.Lock()  # eSpeak NG is one per process, and so is its voice
_TIED = {"a^ɪ": "I", "a^ʊ": "W", "e^ɪ": "A", "ɔ^ɪ": "Y", "d^ʒ": "ʤ", "t^ʃ": "ʧ", "ə^l": "ᵊl"}
_SINGLE = {
    "ɚɹ": "əɹ", "ɚ": "əɹ", "ɐ": "ə", "ʔn": "tn", "ʔ": "t", "n̩": "ᵊn", "l̩": "ᵊl", "r": "ɹ", "x": "k", "ç": "k", "ɬ": "l",
}  # fmt: skip
_DIALECTS = {
    "en-us": {**_TIED, "o^ʊ": "O", _TIE: "", "ɜːɹ": "ɜɹ", "ɜː": "ɜɹ", "ɪə": "iə", "ɾ": "T", "ː": "", **_SINGLE},
    "en": {**_TIED, "ə^ʊ": "Q", "e^ə": "ɛː", _TIE: "", "iə": "ɪə", "ɾ": "t", **_SINGLE},
}  # eSpeak's name of an English -> its sounds in the model's letters, in the order in which they are replaced


@dataclass(frozen=True, slots=True)
class Word:
    """A token of the text, and where it lies in the phonemes."""

    text_start: int
    text_end: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as it is to be spoken."""

    phonemes: str
    words: tuple[Word, ...]


def read(text: str, dialect: str, alphabet: frozenset[str]) -> Reading:
    """`dialect`: en-us or en; `alphabet`: the letters that the model knows. Raises AdapterError."""
    phonemes, words = "", []
    for start, end, mark in _clauses(speakable(text)):
        spoken = _letters(text[start:end], dialect, alphabet)
        if not spoken:
            continue
        phonemes += " " if phonemes else ""
        places = [(start + a, start + b) for a, b in tokens(text[start:end])]
        own = [_letters(text[a:b], dialect, alphabet) for a, b in places]
        for (a, b), place in zip(places, align(spoken, own), strict=True):
            if place is not None:
                first = len(spoken[: place[0]].rstrip(STRESS))  # what stresses a sound belongs to it
                words.append(Word(a, b, len(phonemes) + first, len(phonemes) + place[1]))
        phonemes += spoken + mark
    return Reading(phonemes, tuple(words))


def runs(phonemes: str) -> list[tuple[int, int]]:
    """Ranges of the phonemes, each to be rendered at once: a short one first, so that sound comes soon."""
    ranges: list[tuple[int, int]] = []
    start, most = 0, FIRST_MOST
    while start < len(phonemes):
        end = _run_end(phonemes, start, most, first=not ranges)
        ranges.append((start, end))
        most = min(MOST, max(FIRST_MOST, GROWTH * (end - start)))
        start = end
    return ranges


def _run_end(phonemes: str, start: int, most: int, first: bool) -> int:
    """Behind a mark; else behind a word; else, in a word that has no end, wherever it must be."""
    if not first and len(phonemes) - start <= most:
        return len(phonemes)
    last = min(start + most, len(phonemes) - LEAST)  # what is left must be worth a run of its own
    ends = [found.end() for found in _MARKED.finditer(phonemes, start + LEAST - 2, max(0, last))]
    if ends:
        return ends[0] if first else ends[-1]
    if len(phonemes) - start <= most:
        return len(phonemes)
    return phonemes.rfind(" ", start + LEAST, last) + 1 or start + most


def _clauses(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, mark): the mark is a letter of the model's, empty where the text just ends."""
    start = 0
    for found in _BREAK.finditer(text):
        mark = found["mark"]
        if mark == "." and found.end() < len(text) and _ABBREVIATED.search(text, start, found.start()):
            continue
        if mark:
            letter = "…" if len(mark) > 1 and mark.endswith("..") else mark[-1]
        else:
            letter = _WIDE[found["wide"]] if found["wide"] else "—" if found["dash"] else "."
        yield start, found.end(), letter
        start = found.end()
    if start < len(text):
        yield start, len(text), ""


@lru_cache(REMEMBERED)
def _letters(text: str, dialect: str, alphabet: frozenset[str]) -> str:
    """The phonemes of a piece of text, in the letters of the model."""
    ipa = _ipa(text, dialect)
    for sound, letter in _DIALECTS[dialect].items():
        ipa = ipa.replace(sound, letter)
    ipa = re.sub(r"(?<!\S)I(?!\S)", "ˌI", ipa)  # "I" without any stress is swallowed
    return "".join(ch for ch in ipa if ch in alphabet and ch not in MARKS).strip()


def _ipa(text: str, dialect: str) -> str:
    """eSpeak NG's phonemes, words apart by a space."""
    clauses, buffer = [], ctypes.create_string_buffer(speakable(text).encode())
    at = ctypes.c_void_p(ctypes.addressof(buffer))
    with _lock:
        library = _library()
        library.espeak_SetVoiceByName(dialect.encode())
        while at.value:
            clauses.append(library.espeak_TextToPhonemes(ctypes.byref(at), _CHARS_UTF8, _PHONEMES).decode())
    return " ".join(" ".join(clauses).split())


@cache
def _library() -> Any:
    """The package's own copy: the espeak adapter loads another, afresh for each span. Called under the lock."""
    try:
        import espeakng_loader
    except ImportError as error:
        line = "tts.adapter kokoro needs espeakng-loader: pip install 'duckbill[kokoro]'"
        raise AdapterError("missing", line) from error
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    if library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0) < 0:
        line = "eSpeak NG's data cannot be read: pip install --force-reinstall espeakng-loader"
        raise AdapterError("corrupt", line)
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = (ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int)
    return library
