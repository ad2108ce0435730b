"""The ledger: for each range of the stitched stream, whose sound it is and what of it was heard.

Entries come in stream order, words lie inside them, and one number, the index up to which the sink has
played, says what was heard. Cuts leave holes between entries that nobody heard; of a phrase that was cut, ask
with the index where the stream fell silent, before the sink goes on. Bounded: it keeps the utterance being
spoken and forgets older ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from timeline.events import WordMark

ENTRIES_MOST = 4096  # chunks; more than half an hour at the smallest rung
CHARS_PER_S = 15.0  # English read aloud; only for engines without marks, whose answer is marked an estimate


@dataclass(frozen=True, slots=True)
class Entry:
    """One chunk in the stream: its range, and the phrase that it speaks."""

    start_index: int
    end_index: int
    utterance: int
    phrase: int
    seq: int
    marks: tuple[WordMark, ...]
    measured: bool
    eos: bool


class Ledger:
    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        del self.entries[:-ENTRIES_MOST]

    def forget(self, utterance: int) -> None:
        """Drop what belongs to utterances up to and including this one."""
        self.entries = [entry for entry in self.entries if entry.utterance > utterance]

    def heard_chars(self, phrase: int, text: str, read_index: int) -> tuple[int, bool]:
        """How many characters of the phrase's `text` were heard when the sink stands at `read_index`, and whether
        that was measured. A word counts once half of it has sounded. Without marks
        the share of samples (or, of an unfinished phrase, a speaking rate) gives whole words."""
        mine = [entry for entry in self.entries if entry.phrase == phrase]
        if not mine or read_index <= mine[0].start_index:
            return 0, True
        if mine[-1].eos and read_index >= mine[-1].end_index:
            return len(text), True
        marks = [mark for entry in mine for mark in entry.marks]
        measured = all(entry.measured for entry in mine)
        if marks:
            heard = [m.text_end for m in marks if (m.start_index + m.end_index) / 2 <= read_index]
            return max(heard, default=0), measured
        played = sum(max(0, min(read_index, entry.end_index) - entry.start_index) for entry in mine)
        if mine[-1].eos:
            chars = len(text) * played / sum(entry.end_index - entry.start_index for entry in mine)
        else:
            chars = CHARS_PER_S * played / self.rate_hz
        return _whole_words(text, int(chars)), False


def _whole_words(text: str, chars: int) -> int:
    """The largest length up to `chars` that ends with a word's end."""
    if chars < len(text):
        while chars and not text[chars].isspace():
            chars -= 1
    return len(text[:chars].rstrip())
