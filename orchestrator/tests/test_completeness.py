"""Completeness: words that want others behind them, words that may be all, and words that tell nothing."""

from __future__ import annotations

import pytest

from orchestrator.backchannels import LANGUAGES
from orchestrator.completeness import Completeness, completeness

OPEN, UNKNOWN, WHOLE = Completeness.OPEN, Completeness.UNKNOWN, Completeness.WHOLE


@pytest.mark.parametrize(
    "text",
    [
        "Set a timer for", "Set a timer for.", "Turn off the lights and...", "I think it is, um", "So, uh.",
        "We need bread,", "If it rains tomorrow", "When the soup boils.", "Which of these books would you",
        "I think that he", "He asked where I had put the", "The thing is that I'm", "I was thinking —",
    ],
)  # fmt: skip
def test_these_want_more(text):
    assert completeness(text, "en") is OPEN


@pytest.mark.parametrize(
    "text",
    [
        "Set a timer for ten minutes.", "Turn the lights on.", "Come in.", "Where are you from?", "What is it for?",
        "When does it open?", "If it rains, stay inside.", "Thank you.", "I know her.", "Is it yours?", "Would you?",
        "Where are they?", "Did he?", "Is that what you are looking for?", "After dinner.", "Stop!", 'He said "no."',
        "What is that?",
    ],
)  # fmt: skip
def test_these_may_be_all(text):
    assert completeness(text, "en") is WHOLE


@pytest.mark.parametrize("text", ["", "...!", "Set a timer", "Turn off the lights in"])
def test_without_words_or_a_full_stop_nobody_can_tell(text):
    assert completeness(text, "en") is UNKNOWN


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Stell einen Wecker für die und"), ("de", "Wenn es morgen regnet."),
        ("fr", "Je voudrais une table pour les"), ("fr", "S'il pleut, euh."), ("es", "Pon un temporizador de"),
        ("it", "Vorrei un tavolo per"),
        ("nl", "Zet een wekker voor de"), ("pt", "Quero uma mesa para"),
    ],
)  # fmt: skip
def test_other_languages_have_such_words_too(language, text):
    assert completeness(text, language) is OPEN


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Kommst du mit?"), ("de", "Mach das Licht an."), ("de", "Was ist das?"), ("de", "Wo sind wir?"),
        ("fr", "Oui, c'est ça."),
        ("es", "¿Qué hora es?"), ("it", "È tardi."), ("nl", "Wat is het?"), ("pt", "Que horas são?"), ("ja", "はい。"),
    ],
)  # fmt: skip
def test_what_may_stand_last_there_is_left_alone(language, text):
    assert completeness(text, language) is WHOLE


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_language_that_has_backchannels_has_words_that_lead_on(language):
    assert (
        completeness(
            {"de": "und", "fr": "et", "es": "y", "it": "e", "nl": "en", "pt": "e"}.get(language, "and"), language
        )
        is OPEN
    )
