"""A transcript beside its text: of each sentence that was spoken, how many words a recognizer finds lost or said twice.

    wrong(spoken, sentences, hear, known) -> Heard, sentence by sentence

A recognizer leaves words out and makes others up. So a sentence is heard alone, then with the one before it, then with
the one after it: what was said right is heard right in one of these, and what was lost or said twice in none. And a
word that is known to be there, for the sound is that of a session in which nobody took over, is not lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate, pairwise

from scenes.spoken import Spoken, letters
from scenes.stage import Hear

Known = Callable[[int], bool]
"""place of a word -> it is there, whatever is heard"""

ALONE_BEFORE_AFTER = ((0, 0), (1, 0), (0, 1))  # sentences before it and after it that are heard with it
SHORT = {"'re": " are", "'ll": " will", "'ve": " have", "'m": " am"}  # who says the one is heard to say the other


@dataclass(frozen=True, slots=True)
class Heard:
    """At the best of the hearings. `words`: too many or too few; `text`: what was heard instead, empty where it is the
    text to the letter."""

    words: int
    text: str


def wrong(spoken: Spoken, sentences: Sequence[str], hear: Hear, known: Known) -> Iterator[Heard]:
    """A word that is taken for another is the recognizer's, or the voice's, and not counted."""
    for number in range(len(sentences)):
        best = Heard(10**9, "")
        for heard in _hearings(spoken, sentences, hear, number, known):
            best = min(best, heard, key=lambda one: one.words)
            if not best.words:
                break
        yield best


def _hearings(spoken: Spoken, sentences: Sequence[str], hear: Hear, number: int, known: Known) -> Iterator[Heard]:
    places = list(pairwise(accumulate(map(letters, sentences), initial=0)))
    for before, after in ALONE_BEFORE_AFTER:
        first, last = number - before, number + after
        if first < 0 or last == len(sentences):
            continue
        said = words_of(" ".join(sentences[first : last + 1]))
        begin, end = places[first][0], places[last][1]
        there = [known(place) for place in accumulate(map(letters, said[:-1]), initial=begin)]
        for text in hear(spoken.sentence(begin, end), spoken.rate_hz):
            found = words_of(text)
            yield Heard(lost_or_twice(said, found, there), "" if said == found else text)


def lost_or_twice(said: Sequence[str], heard: Sequence[str], there: Sequence[bool]) -> int:
    """Words that are too many or too few, where the two are laid beside each other; `there`: of each that was said,
    whether it is known to be. One that is cannot be lost, nor can others be heard among those that are: among as many
    on either side as there are others, for a word that was said twice is counted before the first or behind it."""
    count = 0
    for _, a, b, c, d in SequenceMatcher(None, said, heard, autojunk=False).get_opcodes():
        more = (d - c) - (b - a)
        known = there[a:b] if more < 0 else there[max(0, a - more) : b + more + 1]
        count += 0 if all(known) else abs(more)
    return count


def words_of(text: str) -> list[str]:
    text = text.lower()
    for short, long in SHORT.items():
        text = text.replace(short, long)
    return re.findall(r"[\w']+", text)
