"""Word times from phoneme times: which run of a sentence's phonemes belongs to which token of its text.

A token may become several spoken words ("123") and two tokens one ("of the"), so words cannot be counted.
Each token is phonemized by itself, and the letters of these are laid along the letters of the sentence;
where context has changed them (a linking sound, a weak form) the longest common runs decide.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence

_SILENT = frozenset(" ˈˌʲ.,;:?!…-–—'\"()")


def tokens(text: str) -> list[tuple[int, int]]:
    """Character ranges of the tokens of a text: runs without white space."""
    return [match.span() for match in re.finditer(r"\S+", text)]


def speakable(text: str) -> str:
    """The text, position by position, with spaces for what no phonemizer takes: control characters (to eSpeak they
    are commands) and halves of characters."""
    return re.sub(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]", " ", text)


def align(phonemes: Sequence[str], own: Sequence[str]) -> list[tuple[int, int] | None]:
    """`phonemes`: those of the sentence, one character each; `own`: each token's, as one string. Returns for each
    token its range in `phonemes`, ascending; None for one that has no sound of its own."""
    places = [k for k, phoneme in enumerate(phonemes) if phoneme not in _SILENT]
    sentence = "".join(phonemes[k] for k in places)
    letters, bounds = "", []
    for text in own:
        start = len(letters)
        letters += "".join(ch for ch in text if ch not in _SILENT)
        bounds.append((start, len(letters)))
    to_sentence = _mapping(letters, sentence)
    ranges: list[tuple[int, int] | None] = []
    for start, end in bounds:
        first, last = to_sentence(start), to_sentence(end)
        ranges.append((places[first], places[last - 1] + 1) if last > first else None)
    return ranges


def _mapping(letters: str, sentence: str) -> Callable[[int], int]:
    """A monotonic map from positions in `letters` to positions in `sentence`."""
    if letters == sentence:
        return lambda at: at
    blocks = difflib.SequenceMatcher(None, letters, sentence, autojunk=False).get_matching_blocks()

    def position(at: int) -> int:
        before_a, before_b = 0, 0
        for block in blocks:
            if at < block.a:  # in a stretch that differs: in proportion
                span = block.a - before_a
                return before_b + (at - before_a) * (block.b - before_b) // max(1, span)
            if at < block.a + block.size:
                return block.b + at - block.a
            before_a, before_b = block.a + block.size, block.b + block.size
        return before_b

    return position
