"""The phrases of an utterance: what is said, in order, and what of it is still due.

A phrase is one synthesis by one engine. Numbers are never used twice: where another engine is to speak a phrase, it
becomes another phrase, and what the first still answers concerns nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.phrase import PhraseCutter
from timeline.ledger import Ledger


@dataclass(slots=True)
class Phrase:
    number: int
    text: str
    engine: str = ""  # who speaks it; empty: nobody has been asked yet
    own: bool = False  # our own line, not the source's
    opened: bool = False
    seq: int = 0  # the next chunk to ask for
    failures: int = 0  # of the request that is due, in a row
    eos: bool = False


class Phrases:
    """`all`: by number, in the order in which they are said; `queue`: those that are not finished."""

    def __init__(self) -> None:
        self._next_number = 0
        self.begin()

    def begin(self) -> None:
        """Another utterance."""
        self.all: dict[int, Phrase] = {}
        self.queue: list[Phrase] = []
        self._cutter = PhraseCutter()
        self.ended = False  # no more text will come

    def add(self, delta: str, own: bool = False) -> None:
        for text in self._cutter.feed(delta):
            self._append(text, own)

    def hurry(self) -> None:
        """Somebody waits for the first phrase."""
        for text in self._cutter.hurry():
            self._append(text)

    def end(self) -> None:
        for text in self._cutter.finish():
            self._append(text)
        self.ended = True

    def withdraw(self) -> str:
        """Take back the text that no phrase holds yet."""
        return self._cutter.withdraw()

    def _append(self, text: str, own: bool = False) -> None:
        phrase = self.make(text, own=own)
        self.queue.append(phrase)
        self.all[phrase.number] = phrase

    def make(self, text: str, engine: str = "", own: bool = False) -> Phrase:
        """A phrase with a number of its own, not yet part of the utterance."""
        self._next_number += 1
        return Phrase(self._next_number - 1, text, engine, own)

    @property
    def current(self) -> Phrase | None:
        """The phrase whose chunks are due."""
        return self.queue[0] if self.queue else None

    def close(self, phrase: Phrase) -> None:
        """Nothing more of it will come."""
        phrase.eos = True
        self.queue.remove(phrase)

    def renew(self, engine: str) -> list[Phrase]:
        """Phrases that an engine was to speak, and of which nothing came yet, are anybody's again. Returns those that
        it had opened."""
        left = [phrase for phrase in self.queue if phrase.engine == engine and not phrase.seq]
        new = {phrase.number: self.make(phrase.text, own=phrase.own) for phrase in left}
        self.queue = [new.get(phrase.number, phrase) for phrase in self.queue]
        renewed = [new.get(number, phrase) for number, phrase in self.all.items()]
        self.all = {phrase.number: phrase for phrase in renewed}
        return [phrase for phrase in left if phrase.opened]

    def take_over(self, cut: Phrase, chars: int, phrase: Phrase) -> list[Phrase]:
        """`phrase` goes on where the first `chars` characters of `cut` end, and what followed that is said anew,
        but for what the new engine has prepared. Returns the phrases that are begun and were not finished."""
        order = list(self.all.values())
        at = order.index(cut)
        kept = [not old.engine or (old.engine == phrase.engine and not old.seq) for old in order]
        begun = [
            old for old, keep in zip(order[at:], kept[at:], strict=True) if old.opened and not old.eos and not keep
        ]
        anew = [
            old if keep else self.make(old.text, own=old.own)
            for old, keep in zip(order[at + 1 :], kept[at + 1 :], strict=True)
        ]
        cut.text, cut.eos = cut.text[:chars].rstrip(), True
        said = order[: at + 1] if chars else order[:at]
        self.all = {one.number: one for one in (*said, phrase, *anew)}
        self.queue = [phrase, *anew]
        return begun

    def heard(self, ledger: Ledger, index: int) -> tuple[str, bool]:
        """What was heard of them when the sink stands at `index`, our own lines left out; and whether that is measured
        throughout."""
        known = self._heard(ledger, index)
        return _joined(phrase.text[:chars] for phrase, chars, _ in known), all(sure for *_, sure in known)

    def unheard(self, ledger: Ledger, index: int) -> str:
        """What follows that, as far as it is in phrases; those before it that could not be spoken are passed."""
        known = self._heard(ledger, index)
        last = max((place for place, (_, chars, _) in enumerate(known) if chars), default=0)
        return _joined(phrase.text[chars:] for phrase, chars, _ in known[last:])

    def _heard(self, ledger: Ledger, index: int) -> list[tuple[Phrase, int, bool]]:
        """Of each phrase that is not our own: how many characters were heard, and whether that is measured."""
        return [
            (phrase, *ledger.heard_chars(phrase.number, phrase.text, index))
            for phrase in self.all.values()
            if not phrase.own
        ]


def _joined(parts: Iterable[str]) -> str:
    return " ".join(part for part in map(str.strip, parts) if part)
