"""Backchannels: what a listener says without wanting the floor, a list per language.

After the forms that Ward and Tsukahara ("Prosodic features which cue back-channel responses", 2000) and Clancy et al.
("The conversational use of reactive tokens", 1996) describe, in the spellings that recognizers write. A line is one if
all of its words are, and they are few.
"""

from __future__ import annotations

import re

WORDS_MOST = 4  # "yeah yeah I see"; who says more has something to say

_ANY = "mm mmm mhm hmm hm mm-hmm mhmm mmhmm uh-huh uhuh uh huh ah aha oh ooh um eh ha haha wow ok okay"
_PHRASES = {
    "en": "yeah|yes|yep|yup|ya|right|sure|i see|got it|all right|alright|really|indeed|true|exactly|good|great|nice|"
    "cool|fine|of course|go on|thank you|thanks|you know|no way|oh no|interesting|absolutely|definitely|totally",
    "de": "ja|genau|klar|stimmt|ach so|achso|aha|gut|schön|richtig|natürlich|verstehe|echt|wirklich|na ja|super|danke",
    "fr": "oui|ouais|d'accord|c'est ça|voilà|bien|je vois|tout à fait|exactement|vraiment|ah bon|super|merci",
    "es": "sí|si|claro|ya|vale|bueno|exacto|entiendo|de verdad|eso es|por supuesto|muy bien|gracias",
    "it": "sì|si|certo|esatto|va bene|capisco|giusto|davvero|bene|già|grazie",
    "nl": "ja|precies|klopt|goed|oké|natuurlijk|begrijp ik|echt|inderdaad|dank je",
    "pt": "sim|claro|certo|pois|pois é|exato|entendo|está bem|verdade|obrigado|obrigada",
}
LANGUAGES = frozenset(_PHRASES)


def words_of(text: str) -> list[str]:
    """Lower-case words without punctuation; a word of one drawn sound counts by its shortest form."""
    found = re.findall(r"[\w'-]+", text.lower())
    return [re.sub(r"(.)\1{2,}", r"\1\1", word.strip("-'")) for word in found if word.strip("-'")]


def is_backchannel(text: str, language: str, more: tuple[str, ...] = ()) -> bool:
    """Whether all of a line is backchannels; `more`: some that the user adds. A line without words is none."""
    words = words_of(text)
    known = {tuple(words_of(line)) for line in (*_ANY.split(), *_PHRASES.get(language, "").split("|"), *more)}
    return 0 < len(words) <= WORDS_MOST and _made_of(tuple(words), known - {()})


def _made_of(words: tuple[str, ...], known: set[tuple[str, ...]]) -> bool:
    """The words are known lines, one behind the other."""
    return not words or any(
        words[: len(line)] == line and _made_of(words[len(line) :], known) for line in known if len(line) <= len(words)
    )
