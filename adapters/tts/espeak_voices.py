"""Which of eSpeak NG's voices a persona asks for: a language, and a variant that makes its speaker.

    "en-gb+f3"    a language, by any tag that it goes by, and a variant
    "+f3"         a variant alone: the language comes from the accent, else from the options

eSpeak's own look-up knows a language by the name of its file only (`en` for British English, not `en-gb`); the tags are
read from the files themselves.
"""

from __future__ import annotations

import re
from pathlib import Path

from adapters.base import AdapterError
from adapters.voice import Mapper

VARIANTS = {
    ("female", "child"): "f5", ("female", "young"): "f2", ("female", "adult"): "f3", ("female", "old"): "grandma",
    ("male", "child"): "f5", ("male", "young"): "m7", ("male", "adult"): "m3", ("male", "old"): "grandpa",
    ("", "child"): "f5", ("neutral", "child"): "f5",
}  # fmt: skip
"""(gender, age) -> variant, by measured pitch: from m3 at 108 Hz to f5 at 210 Hz. Neutral is eSpeak's plain voice."""


def languages(data: Path) -> dict[str, str]:
    """Every tag, in lower case, and the file that speaks it; where several do, the one that puts it first."""
    found: dict[str, tuple[int, str]] = {}
    for path in sorted((data / "lang").rglob("*")):
        if path.is_file():
            own = [(path.name.lower(), 0)]
            stated = re.findall(r"^language +([\w-]+) *(\d*)", path.read_text("utf-8", "replace"), re.M)
            for tag, rank in [*own, *((tag.lower(), int(rank or 5)) for tag, rank in stated)]:
                if tag not in found or rank < found[tag][0]:
                    found[tag] = (rank, path.name)
    # A file may bear the name of a language and speak one of its regions first: `en` is en-gb, and that is what it is.
    return {tag: name for tag, (_, name) in found.items()}


def choose(mapper: Mapper, default: str, known: dict[str, str]) -> str:
    """The voice that a persona asks for, and a report of the fields that chose it; `default`: the options' voice."""
    cast_language, _, variant = mapper.cast.partition("+")
    default_language, _, default_variant = default.partition("+")
    if not mapper.cast:
        variant = _variant(mapper) or default_variant
    accent = mapper.voice.accent.lower()
    near = accent_language(accent, known)
    language = cast_language or near or default_language
    if language.lower() == accent:
        mapper.say("accent", "honoured")
    elif language == near:
        mapper.say("accent", "approximated", f"by {near}")
    else:
        mapper.say("accent", "ignored", f"it speaks {language}")
    return f"{language}+{variant}" if variant else language


def accent_language(accent: str, known: dict[str, str]) -> str:
    """The tag among `known` nearest to an accent: itself, else its language; empty where neither is there."""
    parts = accent.lower().replace("_", "-").split("-")
    tags = ("-".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((tag for tag in tags if tag in known), "")


def _variant(mapper: Mapper) -> str:
    """The variant for somebody like that; empty for the plain voice."""
    timbre = mapper.voice.timbre
    variant = VARIANTS.get((timbre.gender, timbre.age or "adult"), "")
    for field in ("timbre.gender", "timbre.age") if variant else ():
        mapper.say(field, "approximated", f"by the variant {variant}")
    return variant


def own_name(voice: str, known: dict[str, str], data: Path) -> str:
    """`voice` (a tag, perhaps with +variant) as eSpeak's look-up takes it; that takes any variant, and speaks in the
    plain voice where there is none. Raises AdapterError."""
    tag, plus, variant = voice.partition("+")
    if tag.lower() not in known or (plus and not (data / "voices" / "!v" / variant).is_file()):
        raise AdapterError("missing", f"tts.voice {voice!r} is unknown to espeak; try en-us, en-gb+f3 or de")
    return f"{known[tag.lower()]}{plus}{variant}"
