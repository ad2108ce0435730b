"""Phrase cutting: from a stream of text to pieces that are spoken one synthesis each.

The first phrase is a clause, so that speech starts early; later ones are sentences, so that it sounds
right. A phrase is cut only where the text behind the cut is known to begin a new one (a dot may belong
to "3.5" or "Dr. No"). What cannot be said (emoji, rules of dashes, control characters) is left out.

Where somebody waits for the first phrase and the text arrives slowly, `hurry` cuts it at whatever clause there is.
"""

from __future__ import annotations

import re
import unicodedata

FIRST_CHARS_LEAST = 10  # a shorter clause ("Well,") is worth a synthesis of its own only where there is nothing else
PHRASE_CHARS_MOST = 240  # about 16 s of speech; bounds what one synthesis costs before its first sample
ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof sr jr st vs etc e.g i.e no fig approx dept est vol cf al ca inc ltd co u.s".split()
)

# One white space each: what a longer run of it would match must not depend on how much of it has arrived.
_SENTENCE_END = re.compile(r"""[.!?…]+["'”’)\]]*\s|[。！？]+["'”’)\]]*(?=[^。！？"'”’)\]])|\n""")
_CLAUSE_END = re.compile(r"[,;:]\s|\s[-–—]\s|[，、；：]")
_EMPHASIS = re.compile(r"(?<!\d)\*+|\*+(?!\d)")  # language models write it, and a voice would say "asterisk"
_WORD_BEFORE = re.compile(r"([\w.]+)\.\s*$")


class PhraseCutter:
    """Feed it deltas, take phrases. One object an utterance."""

    def __init__(self) -> None:
        self._pending = ""
        self._first = True

    def feed(self, delta: str) -> list[str]:
        """Text arrives; returns the phrases that are complete now."""
        phrases = []
        for at in range(0, len(delta), PHRASE_CHARS_MOST):  # so that an enormous text is not copied for each phrase
            self._pending = (self._pending + clean(delta[at : at + PHRASE_CHARS_MOST])).lstrip()
            while (cut := self._cut()) > 0:
                phrases += self._take(cut)
        return phrases

    def hurry(self) -> list[str]:
        """Somebody waits: the first phrase, though it be short, where a clause of it has arrived."""
        clauses = [match.end() for match in _CLAUSE_END.finditer(self._pending)] if self._first else []
        return self._take(clauses[-1]) if clauses else []

    def finish(self) -> list[str]:
        """No text follows; returns what is left."""
        phrases = self.feed("\n")
        return phrases + self._take(len(self._pending))

    def withdraw(self) -> str:
        """Take back what no phrase holds yet."""
        text, self._pending = self._pending, ""
        return text

    def _take(self, cut: int) -> list[str]:
        phrase = " ".join(_EMPHASIS.sub("", self._pending[:cut]).split())
        self._pending = self._pending[cut:].lstrip()
        if not speakable(phrase):
            return []
        self._first = False
        return [phrase]

    def _cut(self) -> int:
        """Where the next phrase ends; 0 where that cannot be told yet."""
        text = self._pending[: PHRASE_CHARS_MOST + 1]
        sentence = next((m.end() for m in _SENTENCE_END.finditer(text) if _ends_sentence(text, m)), 0)
        if self._first:
            clauses = (m.end() for m in _CLAUSE_END.finditer(text) if m.end() >= FIRST_CHARS_LEAST)
            clause = next(clauses, 0)
            if clause and (not sentence or clause < sentence):
                return clause
        if 0 < sentence <= PHRASE_CHARS_MOST:
            return sentence
        return _forced_cut(text) if len(text) > PHRASE_CHARS_MOST else 0


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    if match.group().startswith(".") and not match.group().startswith(".."):
        word = _WORD_BEFORE.search(text[: match.start() + 1])
        if word and "\n" not in match.group():
            name = word.group(1).lower()
            return name not in ABBREVIATIONS and not (len(name) == 1 and name.isalpha() and name != "i")
    return True


def _forced_cut(text: str) -> int:
    """A sentence that never ends is cut at its last clause, else at a space, else anywhere."""
    head = text[:PHRASE_CHARS_MOST]
    clauses = [m.end() for m in _CLAUSE_END.finditer(head)]
    if clauses and clauses[-1] >= PHRASE_CHARS_MOST // 3:
        return clauses[-1]
    space = head.rfind(" ")
    return space + 1 if space > 0 else PHRASE_CHARS_MOST


def clean(text: str) -> str:
    """Without control characters (but for white space), surrogates and other things no one can say."""
    return "".join(ch for ch in text if ch.isspace() or unicodedata.category(ch) not in _UNSPEAKABLE)


_UNSPEAKABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "So", "Sk"})


def speakable(text: str) -> bool:
    """Does it hold anything that has a sound?"""
    return any(ch.isalnum() for ch in text)
