"""The place of a handover: at which word of what is stitched another engine can go on."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.speech import Speech
from orchestrator.voices import ASKED
from timeline.ledger import Ledger


@dataclass(slots=True)
class Wish:
    engine: str
    reason: str
    able: bool  # the present engine goes on as long as need be
    not_before: int  # index
    patience: float = 1.0
    at_end: bool = False  # too late for anything but to go on after the last sample
    again: bool = False  # it is the engine that speaks already


@dataclass(frozen=True, slots=True)
class Place:
    """`phrase` is cut after `chars` of its text, at `index` of the stream."""

    index: int
    phrase: int
    chars: int


def find_place(wish: Wish, near: int, ready: int, speech: Speech, ledger: Ledger) -> Place | None:
    """Where the wish can come true; None: nowhere yet. What lies before the index `near` may be gone before it is taken
    back; by `ready` the other engine will be."""
    if wish.at_end:
        return _end(speech, ledger)
    words = [word for word in ledger.words() if near <= word[0] < speech.end_index]
    if wish.reason == ASKED:
        wanted = max(wish.not_before, ready)
        return next((Place(*word) for word in words if word[0] >= wanted), None)
    if words:  # as late as can be: what is stitched is good
        return Place(*words[-1])
    return None if wish.able else _end(speech, ledger)


def _end(speech: Speech, ledger: Ledger) -> Place | None:
    """Where the stream breaks off: after the last word that was begun."""
    cut = speech.script.current
    if cut is None:
        return None
    marks = ledger.marks(cut.number)
    unsaid = [mark for mark in marks if mark.end_index > speech.end_index]
    chars = unsaid[0].text_start if unsaid else marks[-1].text_end if marks else 0
    if not marks:
        chars, _ = ledger.heard_chars(cut.number, cut.text, speech.end_index)
    return Place(speech.end_index, cut.number, chars)
