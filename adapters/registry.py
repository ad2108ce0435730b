"""The registry: adapters by role and name, found through entry points.

A package of someone else's adds one by naming it in the entry point group `duckbill.adapters` as
ROLE.NAME. What is named there is a class with an `Options` model (pydantic, unknown keys forbidden)
that is made as `Class(options, context)`. Nothing is imported before it is asked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from adapters.base import AdapterError
from adapters.weights import Weights
from timeline.clock import Clock

GROUP = "duckbill.adapters"


@dataclass(frozen=True, slots=True)
class Context:
    """What an adapter may use of the world."""

    weights: Weights
    clock: Clock
    cache: Path  # a folder of its own making below is its to fill


@cache
def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def names(role: str) -> list[str]:
    """The adapters of a role that are installed, sorted."""
    return sorted(name.split(".", 1)[1] for name in _entries() if name.startswith(role + "."))


def load(role: str, name: str) -> Any:
    """The adapter's class. Raises AdapterError (missing) with the nearest names or the extra to install."""
    entry = _entries().get(f"{role}.{name}")
    if entry is None:
        known = names(role)
        near = difflib.get_close_matches(name, known, 1) or known
        raise AdapterError("missing", f"no {role} adapter {name!r}; did you mean {', '.join(near) or 'none'}?")
    try:
        return entry.load()
    except ImportError as error:
        cure = f"pip install 'duckbill[{name}]'"
        raise AdapterError("missing", f"{role} adapter {name!r} needs {error.name or error}: {cure}") from error


def create(role: str, name: str, options: Mapping[str, Any], context: Context) -> Any:
    """Make an adapter. Raises AdapterError: missing, or unsupported for a wrong option."""
    kind = load(role, name)
    known = list(kind.Options.model_fields)
    for key in options:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1) or known
            line = f"unknown option {role}.{name}.{key}; did you mean {', '.join(near) or 'none'}?"
            raise AdapterError("unsupported", line)
    try:
        made = kind.Options(**options)
    except ValueError as error:
        raise AdapterError("unsupported", _first_line(f"{role}.{name}", error)) from error
    return kind(made, context)


def _first_line(prefix: str, error: ValueError) -> str:
    """pydantic's report as one line that names the setting."""
    details = getattr(error, "errors", None)
    if details is None:
        return f"{prefix}: {error}"
    first = details()[0]
    return f"{prefix}.{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
