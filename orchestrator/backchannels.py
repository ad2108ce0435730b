"""Backchannels: what a listener says without wanting the floor, and words that ask for it; a list per language.

After the forms that Ward and Tsukahara ("Prosodic features which cue back-channel responses", 2000) and Clancy et al.
("The conversational use of reactive tokens", 1996) describe, in the spellings that recognizers write. A line is one if
all of its words are, and they are few.
"""

from __future__ import annotations

import re

HUM = re.compile("[mh-]+|(ha)+h?")  # or a laugh, in whatever letters it is written, and as long as it likes
WORDS_MOST = 4  # "yeah yeah I see"; who says more has something to say

_ANY = "mm mmm mhm hmm hm mm-hmm mhmm mmhmm uh-huh uhuh uh huh ah aha oh ooh um eh ha haha wow ok okay amen"
_PHRASES = {  # the most frequent first
    "en": "yeah|right|oh|I see|okay|sure|really|yes|yep|yup|ya|got it|all right|all good|alright|indeed|true|exactly|"
    "good|great|nice|cool|fine|of course|go on|thank you|thanks|you know|I know|no way|oh no|interesting|absolutely|"
    "definitely|totally|that's true|that's right|that's it|makes sense|fair enough|very good|perfect|wonderful|lovely|"
    "amazing|excellent",
    "de": "ja|genau|klar|stimmt|ach so|achso|aha|gut|schön|richtig|natürlich|verstehe|echt|wirklich|na ja|super|danke",
    "fr": "oui|ouais|d'accord|c'est ça|voilà|bien|je vois|tout à fait|exactement|vraiment|ah bon|super|merci",
    "es": "sí|si|claro|ya|vale|bueno|exacto|entiendo|de verdad|eso es|por supuesto|muy bien|gracias",
    "it": "sì|si|certo|esatto|va bene|capisco|giusto|davvero|bene|già|grazie",
    "nl": "ja|precies|klopt|goed|oké|natuurlijk|begrijp ik|echt|inderdaad|dank je",
    "pt": "sim|claro|certo|pois|pois é|exato|entendo|está bem|verdade|obrigado|obrigada",
}
_TAKERS = {
    "en": "stop wait no nope hey hold quiet enough sorry excuse pause please help listen shut never mind but actually "
    "what why who when where which how can could would will should is are do does did was were let let's tell give "
    "make turn set play show read skip my your louder slower faster again repeat back next cancel",
    "de": "stopp stop halt warte warten nein hey moment ruhe genug entschuldigung pause bitte hilfe aber eigentlich "
    "was warum wer wann wo lauter langsamer nochmal zurück weiter abbrechen",
    "fr": "stop arrête attends attendez non hé silence assez pardon pause aide mais quoi pourquoi qui quand où encore",
    "es": "para espera no oye silencio basta perdón pausa ayuda pero qué por quién cuándo dónde otra",
    "it": "stop ferma aspetta no ehi silenzio basta scusa pausa aiuto ma cosa perché chi quando dove ancora",
    "nl": "stop wacht nee hé stil genoeg sorry pauze help maar wat waarom wie wanneer waar nog",
    "pt": "pare espera não ei silêncio chega desculpe pausa ajuda mas quê quem quando onde outra",
}
"""Words that ask for it, or with which requests and questions begin: one of them is enough, however short."""
_OPENINGS = {  # those of them that a recognizer misses at their beginning: "Action" of "Actually"; measured in English
    "en": "wait|excuse me|actually|hold on",
    "de": "warte|entschuldigung|eigentlich|moment",
    "fr": "attendez|pardon|mais|non",
    "es": "espera|perdón|pero|oye",
    "it": "aspetta|scusa|ma|no",
    "nl": "wacht|sorry|maar|stop",
    "pt": "espera|desculpe|mas|não",
}
LANGUAGES = frozenset(_PHRASES)
_FIRST, _LAST = ("Mm-hmm", "Uh-huh"), ("Mm", "Wow")  # in any language, around its own
EXPECTED_PHRASES = 7  # so many of those: a recognizer that is told of more leans too far


def words_of(text: str) -> list[str]:
    """Lower-case words without punctuation; a word of one drawn sound counts by its shortest form."""
    found = re.findall(r"[\w'-]+", text.lower())
    return [re.sub(r"(.)\1{2,}", r"\1\1", word.strip("-'")) for word in found if word.strip("-'")]


def is_backchannel(text: str, language: str, more: tuple[str, ...] = ()) -> bool:
    """Whether all of a line is backchannels; `more`: some that the user adds. A line without words is none."""
    words = words_of(text)
    known = {tuple(words_of(line)) for line in (*_ANY.split(), *_PHRASES.get(language, "").split("|"), *more)}
    rest = tuple(word for word in words if not HUM.fullmatch(word))
    return bool(words) and len(rest) <= WORDS_MOST and _made_of(rest, known - {()})


def expected(language: str, more: tuple[str, ...] = ()) -> str:
    """What a recognizer may lean on while it is open whether somebody only hums along: "Wait. Mm-hmm. Uh-huh. Yeah.";
    it tells one from the other better where it is told of both."""
    phrases = _PHRASES.get(language, "").split("|")[:EXPECTED_PHRASES]
    lines = [*_OPENINGS.get(language, "").split("|"), *_FIRST, *phrases, *more, *_LAST]
    return " ".join(f"{line[0].upper()}{line[1:]}." for line in lines if line)


def takes_floor(text: str, language: str) -> bool:
    """Whether one of its words asks for the floor by itself."""
    return not set(words_of(text)).isdisjoint(_TAKERS.get(language, "").split())


def may_become(text: str, language: str, more: tuple[str, ...] = ()) -> bool:
    """Whether one word, perhaps cut off, may still be a backchannel: "real" of "really"."""
    words = words_of(text)
    known = (word for line in (*_ANY.split(), *_PHRASES.get(language, "").split("|"), *more) for word in words_of(line))
    return len(words) == 1 and any(word.startswith(words[0]) for word in known)


def _made_of(words: tuple[str, ...], known: set[tuple[str, ...]]) -> bool:
    """The words are known lines, one behind the other."""
    return not words or any(
        words[: len(line)] == line and _made_of(words[len(line) :], known) for line in known if len(line) <= len(words)
    )
