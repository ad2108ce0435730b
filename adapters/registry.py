"""The registry: adapters by role and name, found through entry points.

A package of someone else's adds one by naming it in the entry point group `duckbill.adapters` as
ROLE.NAME. What is named there is a class with an `Options` model (pydantic, unknown keys forbidden)
that is made as `Class(options, context)`. Nothing is imported before it is asked for. What `Hosting` holds is
common to all adapters of HOSTED_ROLES and kept from the class: with it the adapter is made in another process.
A class that is not named there, such as one that is being written, is asked for as package.module:Class.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

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


class Hosting(BaseModel):
    """Where an adapter of one of HOSTED_ROLES runs."""

    isolation: Literal["", "thread", "process"] = Field(
        "", description="process: in one of its own; empty: as its class says in ISOLATION, else thread"
    )
    python: str = Field("", description="the interpreter of that process; empty: ours")


HOSTED_ROLES = ("tts", "stt")


def hosting_keys(role: str) -> tuple[str, ...]:
    """The options that adapters of this role have in common."""
    return tuple(Hosting.model_fields) if role in HOSTED_ROLES else ()


def load(role: str, name: str) -> Any:
    """The adapter's class. Raises AdapterError (missing) with the nearest names or the extra to install."""
    return imported(_entry(role, name))


def create(role: str, name: str, options: Mapping[str, Any], context: Context) -> Any:
    """Make an adapter. Raises AdapterError: missing, or unsupported for a wrong option."""
    entry = _entry(role, name)
    common = {key: options[key] for key in hosting_keys(role) if key in options}
    own = {key: value for key, value in options.items() if key not in common}
    hosting = _validated(Hosting, entry.name, common)
    isolation = hosting.isolation or _preferred(entry)
    if isolation == "process":
        from adapters.host import Recipe

        return _host(role)(Recipe(entry.name, entry.value, own, context, hosting.python))
    if hosting.python:
        raise AdapterError("unsupported", f'{entry.name}.python needs {entry.name}.isolation = "process"')
    return build(imported(entry), entry.name, own, context)


def _preferred(entry: EntryPoint) -> str:
    """Where an adapter's class wants to run: an attribute of its own, ISOLATION."""
    from adapters.child import possible

    return getattr(imported(entry), "ISOLATION", "thread") if possible() else "thread"


def _host(role: str) -> Any:
    from adapters.host_stt import HostedStt
    from adapters.host_tts import HostedTts

    return {"tts": HostedTts, "stt": HostedStt}[role]


def imported(entry: EntryPoint) -> Any:
    """What an entry point names. Raises AdapterError (missing) with the extra to install."""
    try:
        return entry.load()
    except (ImportError, AttributeError, ValueError) as error:
        role, name = entry.name.split(".", 1)
        if name == entry.value:
            line = f"no {role} adapter at {name} ({error}): write package.module:Class, of a package that is installed"
            raise AdapterError("missing", line) from error
        if not isinstance(error, ImportError):
            raise
        cure = f"pip install 'duckbill[{name}]'"
        raise AdapterError("missing", f"{role} adapter {name!r} needs {error.name or error}: {cure}") from error


def build(kind: Any, setting: str, options: Mapping[str, Any], context: Context) -> Any:
    """Make an adapter of this class, in this process. `setting`: ROLE.NAME. Raises AdapterError (unsupported)."""
    known = [*kind.Options.model_fields, *hosting_keys(setting.split(".", 1)[0])]
    for key in options:
        if key not in kind.Options.model_fields:
            near = difflib.get_close_matches(key, known, 1) or known
            line = f"unknown option {setting}.{key}; did you mean {', '.join(near) or 'none'}?"
            raise AdapterError("unsupported", line)
    return kind(_validated(kind.Options, setting, options), context)


def _entry(role: str, name: str) -> EntryPoint:
    if ":" in name:
        return EntryPoint(f"{role}.{name}", name, GROUP)
    entry = _entries().get(f"{role}.{name}")
    if entry is None:
        known = names(role)
        near = difflib.get_close_matches(name, known, 1) or known
        raise AdapterError("missing", f"no {role} adapter {name!r}; did you mean {', '.join(near) or 'none'}?")
    return entry


def _validated(model: type[BaseModel], setting: str, options: Mapping[str, Any]) -> Any:
    try:
        return model(**options)
    except ValueError as error:
        raise AdapterError("unsupported", _first_line(setting, error)) from error


def _first_line(prefix: str, error: ValueError) -> str:
    """pydantic's report as one line that names the setting."""
    details = getattr(error, "errors", None)
    if details is None:
        return f"{prefix}: {error}"
    first = details()[0]
    return f"{prefix}.{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
