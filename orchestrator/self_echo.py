"""The self-echo check: is what was heard what we were saying ourselves?

The recognizer's text is laid into the text that sounded meanwhile: the best place in it, with letters wrong, lost or
too many (approximate substring matching; Sellers, J. Algorithms 1, 1980). Letters and digits only, case and accents
folded, so that it works in any script, and however the recognizer cuts words.

A user who repeats our words does so after them, an echo comes with them. So the caller hands in what sounded while the
segment was heard, a little before its beginning included, and no more; then an echo is all in it, and a user's words
are not. What is too short to tell is the user's: to lose a "stop" is worse than to answer an echo.
"""

from __future__ import annotations

import unicodedata

LETTERS_LEAST = 6  # "no", "yes" and "stop" are in too many sentences
IDEOGRAPHS_LEAST = 3  # a syllable or more each
ERRORS_MOST = 0.34  # share of letters that a small recognizer gets wrong in an echo that is half suppressed
SLACK_MS = 500  # before the segment: marks and onsets are off by less, and who repeats a word takes longer


def is_echo(heard: str, said: str) -> bool:
    """`said`: what sounded while `heard` was heard, and SLACK_MS before."""
    letters = _letters(heard)
    wide = sum(unicodedata.east_asian_width(letter) == "W" for letter in letters)
    if len(letters) < (IDEOGRAPHS_LEAST if 2 * wide > len(letters) else LETTERS_LEAST):
        return False
    return errors(letters, _letters(said)) <= ERRORS_MOST * len(letters)


def errors(letters: str, text: str) -> int:
    """The fewest letters to be changed, left out or put in so that `letters` stands somewhere in `text`."""
    above = [0] * (len(text) + 1)  # it may begin anywhere
    for row, letter in enumerate(letters, 1):
        line = [row]
        for column, other in enumerate(text, 1):
            line.append(min(above[column - 1] + (letter != other), above[column] + 1, line[-1] + 1))
        above = line
    return min(above)  # and end anywhere


def _letters(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in folded if letter.isalnum())
