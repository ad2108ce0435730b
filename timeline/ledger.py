"""The ledger: for each range of the stitched stream, whose sound it is and what of it was heard.

Entries come in stream order, words lie inside them, and one number, the index up to which the sink has
played, says what was heard. Cuts leave holes between entries that nobody heard; of a phrase that was cut, ask
with the index where the stream fell silent, before the sink goes on. Bounded: it keeps the utterance being
spoken and forgets older ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from timeline.events import WordMark

CHARS_PER_S = 15.0  # English read aloud; only for engines without marks, whose answer is marked an estimate

EARLY_MS = 100  # before its mark Piper's "understand" has begun, as has every word of its that begins with a vowel


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
        self._phrases: dict[int, list[Entry]] = {}  # those not heard to their end, in stream order
        self._whole: set[int] = set()  # those that were

    @property
    def entries(self) -> list[Entry]:
        """What is kept: chunks of phrases that have not been heard to their end."""
        return [entry for entries in self._phrases.values() for entry in entries]

    def add(self, entry: Entry) -> None:
        self._phrases.setdefault(entry.phrase, []).append(entry)

    def pass_over(self, read_index: int) -> None:
        """The sink stands at `read_index`: of a phrase that it has played to the end, no more need be known."""
        for phrase, entries in list(self._phrases.items()):
            if not (entries[-1].eos and read_index >= entries[-1].end_index):
                return
            self._whole.add(phrase)
            del self._phrases[phrase]

    def retract(self, index: int) -> None:
        """The stream ends at `index` again: the phrase that lies there ends with it, and later ones never were."""
        for phrase, entries in list(self._phrases.items()):
            kept = [entry for entry in entries if entry.start_index < index]
            if not kept:
                del self._phrases[phrase]
                continue
            marks = tuple(mark for mark in kept[-1].marks if mark.start_index < index)
            kept[-1] = replace(kept[-1], end_index=min(index, kept[-1].end_index), marks=marks)
            self._phrases[phrase] = kept
        if self._phrases:
            last = list(self._phrases.values())[-1]
            last[-1] = replace(last[-1], eos=True)

    def marks(self, phrase: int) -> list[WordMark]:
        """Of one phrase, as far as it is stitched and not heard to its end."""
        return [mark for entry in self._phrases.get(phrase, []) for mark in entry.marks]

    def words(self) -> list[tuple[int, int, int]]:
        """Before which words the stream can be cut that have not been heard, in stream order: (index, phrase, character
        of its text). A phrase begins with a word, though its engine may have no marks. Within one the cut is a little
        before the mark, but not in the word before: words begin to sound before they are marked."""
        found: list[tuple[int, int, int]] = []
        early = self.rate_hz * EARLY_MS // 1000
        for entries in self._phrases.values():
            said = entries[0].start_index
            for entry in entries:
                if entry.seq == 0:
                    found.append((entry.start_index, entry.phrase, 0))
                for mark in entry.marks:
                    if mark.text_start > 0:
                        cut = min(mark.start_index, max(said, mark.start_index - early))
                        found.append((cut, entry.phrase, mark.text_start))
                    said = mark.end_index
        return found

    def forget(self) -> None:
        """The utterance is settled."""
        self._phrases.clear()
        self._whole.clear()

    def heard_chars(self, phrase: int, text: str, read_index: int) -> tuple[int, bool]:
        """How many characters of the phrase's `text` were heard when the sink stands at `read_index`, and whether
        that was measured. A word counts once half of it has sounded. Without marks
        the share of samples (or, of an unfinished phrase, a speaking rate) gives whole words."""
        if phrase in self._whole:
            return len(text), True
        mine = self._phrases.get(phrase, [])
        if not mine or read_index <= mine[0].start_index:
            return 0, True
        if mine[-1].eos and read_index >= mine[-1].end_index:
            return len(text), True
        marks = self.marks(phrase)
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
