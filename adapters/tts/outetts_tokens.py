"""OuteTTS's tokens -> frames of audio codes, and which word of the text each belongs to.

A model of version 3 answers word by word, so that its words have times for nothing:

    WORD <|features|> <|t_0.35|> ... <|code|> <|c1_7|><|c2_9|> <|c1_3|><|c2_1|> ... <|word_end|> <|word_start|> WORD ...

A pair (c1, c2) is one frame, 75 a second; `t` says in seconds how long the word will be. The prompt ends with the
first <|word_start|>. Pure: token ids in, numbers out. What the model spells differently from the text has no mark.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from adapters.base import Marker
from adapters.tts.align import tokens

FRAMES_PER_S = 75
CODES = 1024  # of each codebook; the vocabulary has one more, which no codec takes
AHEAD_LETTERS = 40  # how far in the text a word is looked for: a few words that the model left out

_TIME = re.compile(r"<\|t_(\d+\.\d\d)\|>")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Ids of one tokenizer: codes of the two books, what parts words, and a way back to text."""

    c1: Mapping[int, int]
    c2: Mapping[int, int]
    word_start: int
    features: int
    end: int  # of the audio
    text: Callable[[list[int]], str]


@dataclass(slots=True)
class Word:
    """What the model says that it speaks, from which frame on, and for how many."""

    letters: str
    first_frame: int
    frames: int = 0


@dataclass(slots=True)
class TokenReader:
    """Reads one answer after the other, of one span."""

    vocabulary: Vocabulary
    words: list[Word] = field(default_factory=list)
    _c1: list[int] = field(default_factory=list)
    _c2: list[int] = field(default_factory=list)
    _spelling: list[int] | None = None  # ids of a word's text while it is being spelt

    @property
    def frames(self) -> int:
        return min(len(self._c1), len(self._c2))

    def begin(self) -> None:
        """A new answer: it goes on after a <|word_start|>; half a frame of the one before is dropped."""
        del self._c1[self.frames :], self._c2[self.frames :]
        self._spelling = []

    def feed(self, token: int) -> None:
        known = self.vocabulary
        if token in known.c1:
            self._c1.append(min(known.c1[token], CODES - 1))
        elif token in known.c2:
            self._c2.append(min(known.c2[token], CODES - 1))
        elif token == known.word_start:
            self._spelling = []
        elif token == known.features and self._spelling is not None:
            self.words.append(Word(letters(known.text(self._spelling)), self.frames))
            self._spelling = None
        elif self._spelling is not None:
            self._spelling.append(token)
        elif self.words and self.words[-1].frames == 0 and (told := _TIME.fullmatch(known.text([token]).strip())):
            self.words[-1].frames = round(float(told[1]) * FRAMES_PER_S)

    def codes(self, start: int, end: int) -> tuple[list[int], list[int]]:
        """The two books' codes of the whole frames in [start, end)."""
        end = min(end, self.frames)
        return self._c1[start:end], self._c2[start:end]


class WordFinder:
    """Lays the model's words along the text's tokens, in order."""

    def __init__(self, text: str) -> None:
        self._letters = ""
        self._bounds: list[tuple[int, int, int]] = []  # end among the letters, token's range in the text
        for start, end in tokens(text):
            self._letters += letters(text[start:end])
            self._bounds.append((len(self._letters), start, end))
        self._at = 0  # letters that are spoken
        self._token = 0  # the first token without a mark
        self._end_sample = 0

    def find(self, word: Word, unit_samples: int) -> Marker | None:
        """The mark of the token that begins with this word; None where none does."""
        place = self._letters.find(word.letters, self._at, self._at + AHEAD_LETTERS + len(word.letters))
        if not word.letters or place < 0:
            return None
        self._at = place + len(word.letters)
        while self._token < len(self._bounds) and self._bounds[self._token][0] <= place:
            self._token += 1  # left out, or it has no letters
        if self._token == len(self._bounds) or self._first_letter(self._token) != place:
            return None  # it begins inside a token, such as the second word of "3.14"
        _, start, end = self._bounds[self._token]
        self._token += 1
        start_sample = max(self._end_sample, word.first_frame * unit_samples)
        self._end_sample = max(start_sample, (word.first_frame + word.frames) * unit_samples)
        return Marker(start, end, start_sample, self._end_sample)

    def _first_letter(self, token: int) -> int:
        return self._bounds[token - 1][0] if token else 0


def letters(text: str) -> str:
    """What of a text is sounded, comparable: letters and digits, without case."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())
