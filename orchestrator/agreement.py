"""Agreement: what of a text that is still being recognized will stay.

    hypothesis 1   Please turn of
    hypothesis 2   please turn off the light        -> stable "please turn"          unstable "off the light"
    hypothesis 3   Please turn off the lights in    -> stable "please turn off the"  unstable "lights in"

LocalAgreement-2: a word stays once two successive hypotheses have it at the same place behind what stays already (Liu,
Spanakis, Niehues: Low-latency sequence-to-sequence speech recognition and translation by partial hypothesis selection,
2020; for Whisper: Macháček, Dabre, Bojar, Turning Whisper into a real-time transcription system, 2023).

Rules. What is stable is never taken back, nor written otherwise. Case and punctuation make no other word. Where a new
hypothesis tells the stable beginning otherwise (a word more, a word less), what follows it is found by the least number
of changes between the two. An empty hypothesis says nothing: the recognizer did not believe what it had.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile


@dataclass(slots=True)
class Agreement:
    """Of one segment of speech; another begins with another."""

    _stable: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)  # of the last hypothesis, what lies behind the stable words

    def feed(self, text: str) -> tuple[str, str]:
        """Take in the next hypothesis for the audio since the segment began; returns (stable, unstable)."""
        words = text.split()
        if words:
            rest = words[_behind(self._stable, words) :]
            agreed = sum(1 for _ in takewhile(lambda pair: _same(*pair), zip(self._open, rest, strict=False)))
            self._stable += rest[:agreed]
            self._open = rest[agreed:]
        return " ".join(self._stable), " ".join(self._open)


def _behind(stable: Sequence[str], words: Sequence[str]) -> int:
    """How many of `words` tell what is stable: the beginning of them that takes the fewest words changed, left out or
    added; of several the one nearest to as many."""
    costs = list(range(len(words) + 1))  # of telling nothing with the first n words, then one stable word after another
    for word in stable:
        before, costs[0] = costs[0], costs[0] + 1
        for n, other in enumerate(words, 1):
            changed = before + (not _same(word, other))
            before, costs[n] = costs[n], min(changed, costs[n] + 1, costs[n - 1] + 1)
    return min(range(len(costs)), key=lambda n: (costs[n], abs(n - len(stable))))


def _same(word: str, other: str) -> bool:
    return _bare(word) == _bare(other)


def _bare(word: str) -> str:
    """Its letters, figures and their marks, without case; where it has none, all of it."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    return "".join(ch for ch in folded if unicodedata.category(ch)[0] in "LNM") or folded
