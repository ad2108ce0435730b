"""Personas: voices as JSON files, those that come with the program (here) and those of the user's own (a path).

companion   a man who is at ease, unhurried
guide       a young woman, lively and quick
narrator    an older man from Britain, slow, who pauses
"""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from adapters.voice import Voice

SUFFIX = ".json"
_VOICE = TypeAdapter(Voice)


class PersonaError(ValueError):
    """What is wrong with it and the cure, in one line that whoever asked begins with the setting."""


def names() -> list[str]:
    """Those that come with the program, sorted."""
    files = resources.files(__name__).iterdir()
    return sorted(file.name.removesuffix(SUFFIX) for file in files if file.name.endswith(SUFFIX))


def load(name: str) -> Voice:
    """The persona of that name, or in that file. Raises PersonaError."""
    if name.endswith(SUFFIX):
        try:
            return _read(Path(name).expanduser().read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise PersonaError(f"it cannot be read ({reason}); name a JSON file") from error
    if name not in names():
        near = difflib.get_close_matches(name, names(), 1, cutoff=0.4) or names()
        raise PersonaError(f"no persona goes by it; did you mean {', '.join(near)}, or a file that ends in {SUFFIX}?")
    return _read(resources.files(__name__).joinpath(name + SUFFIX).read_text("utf-8"))


def _read(text: str) -> Voice:
    try:
        return _VOICE.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        what = f"{field}: {first['msg']}" if field else first["msg"]
        raise PersonaError(f"{what}; duckbill voices --schema prints the shape") from error
