"""Completeness: whether words may be all that somebody wants to say; a list per language.

    "Set a timer for"  open: more must follow     "Set a timer"  nobody can tell     "Set a timer."  may be whole

Open is what ends in a word that leads on to another (an article, a conjunction, a preposition that is no particle), in
a filler, a comma or dots, and a clause that depends on one that did not come. What is often the last ("Turn it on."
"Come in." "Is that hers?") is not in the lists. The recognizer's full stop says little, for it likes to end its
sentences; that it left it out says more. Of 78 pauses in synthesized turns 45 were open, of 72 ends one was. Pure.
"""

from __future__ import annotations

import re
from enum import StrEnum

from orchestrator.backchannels import words_of


class Completeness(StrEnum):
    OPEN = "open"
    UNKNOWN = "unknown"
    WHOLE = "whole"


CLAUSE_WORDS_LEAST = 3  # "After dinner." answers a question
CLAUSE_WORDS_MOST = 8  # a longer text may be two clauses, and the recognizer have lost the comma
_ENDS, _GOES_ON = re.compile(r"[.?!。？！]['\"»”]?$"), re.compile(r"(,|;|:|-|–|—|…|\.\.+)$")
_FILLERS = "um uh uhm uhh umm er erm äh ähm öhm ehm eh em euh heu ehh hã hum"
_LEADS_ON = {
    "en": "a an the my your our their and or nor but because if than as whether unless of to for from with at into "
    "onto between without during toward towards per very i'm he's she's it's we're they're you're i've "
    "we've they've you've i'll he'll she'll it'll we'll they'll you'll that's there's let's whose",
    "de": "der den dem des ein eine einen einem mein meine meinen meinem dein deine deinen deinem unsere und "
    "oder aber weil dass ob wenn als sondern denn von für bei ohne gegen zwischen zum zur im am vom beim "
    "ins sehr",
    "fr": "le la les un une des du de au aux mon ma mes ton ta tes son ses notre votre leur et ou mais que parce car "
    "dans sur chez entre par ce cet cette très je tu on",
    "es": "el la los las un una unos unas de del al mi tu su mis tus sus y o pero que porque si con por en a entre "
    "desde muy",
    "it": "il lo gli le i un uno una di del dello della dei degli delle da dal dalla nel nello nella nei sul sulla al "
    "allo alla ai alle a in con per tra fra e o molto",
    "nl": "de een mijn onze en of maar omdat als van met naar tussen zonder om heel",
    "pt": "o a os as um uma uns umas de do da dos das em no nos nas ao à aos às pelo pela por para pra com sem e ou "
    "mas que porque muito",
}
"""Words behind which more must come."""
_STRANDS = {"en": ("what who whom where which", "of to for from with at into")}
"""With these questions such words may be left for last: "Where are you from?" is one."""
_DEPENDS = {
    "en": "if unless although when whenever while before after until since",
    "de": "wenn falls weil obwohl bevor nachdem sobald während",
    "fr": "si lorsque puisque",
    "es": "si cuando aunque",
    "it": "se",
    "nl": "als wanneer omdat hoewel voordat nadat zodra",
    "pt": "se",
}
"""With these a clause begins that another one follows."""
_BE, _AUXILIARIES = "am is are was were", "do does did have has had can could will would shall should may might must"
_SUBJECTS, _ALSO_OBJECTS = "i he she we they", "you it"
"""English tells by its pronouns whether a verb must follow."""


def completeness(text: str, language: str) -> Completeness:
    """Of all that was said in a turn so far."""
    text = text.strip()
    words = words_of(text)
    if not words:
        return Completeness.UNKNOWN
    if _GOES_ON.search(text) or _leads_on(words, language) or _depends(text, words, language):
        return Completeness.OPEN
    return Completeness.WHOLE if _ENDS.search(text) else Completeness.UNKNOWN


def _leads_on(words: list[str], language: str) -> bool:
    """The last word is not the last."""
    last = words[-1]
    if last in _FILLERS.split() or (language == "en" and _wants_verb(words)):
        return True
    questions, stranded = _STRANDS.get(language, ("", ""))
    if last in stranded.split() and not set(questions.split()).isdisjoint(words):
        return False
    return last in _LEADS_ON.get(language, "").split()


def _wants_verb(words: list[str]) -> bool:
    """A clause has come as far as its subject: "Which of them would you", "I think that he"."""
    before, last = ["", *words][-2:]
    if before in _BE.split():
        return False
    if before in _AUXILIARIES.split():
        return len(words) > 2 and last in f"{_SUBJECTS} {_ALSO_OBJECTS}".split()
    return last in _SUBJECTS.split()


def _depends(text: str, words: list[str], language: str) -> bool:
    """It is a clause that waits for another one; one that begins with "When is" asks."""
    asks = language == "en" and len(words) > 1 and words[1] in f"{_BE} {_AUXILIARIES}".split()
    short = CLAUSE_WORDS_LEAST <= len(words) <= CLAUSE_WORDS_MOST
    return short and not asks and "," not in text and words[0] in _DEPENDS.get(language, "").split()
