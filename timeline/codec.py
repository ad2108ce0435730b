"""Records: how events and actions are written down and read back.

A record is a flat JSON object whose `kind` is the class's name; nested dataclasses become
objects, tuples become lists. Reading needs the table of kinds, so that this room knows
nothing of the rooms below it.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints


class UnknownKind(ValueError):
    """The record's kind is not in the table: it was written by another version."""


def encode(fact: Any) -> dict[str, Any]:
    """A dataclass instance -> {"kind": NAME, field: value, ...}."""
    fields: dict[str, Any] = {"kind": type(fact).__name__}
    for field in dataclasses.fields(fact):
        fields[field.name] = getattr(fact, field.name)
    return fields


def decode(record: Mapping[str, Any], kinds: Mapping[str, type]) -> Any:
    """The inverse of `encode` after a journey through JSON. Raises UnknownKind."""
    kind = kinds.get(str(record.get("kind")))
    if kind is None:
        raise UnknownKind(f"unknown record kind {record.get('kind')!r}")
    return _build(kind, record)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _build(kind: type, record: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    return kind(**{name: _value(hints[name], value) for name, value in record.items() if name in hints})


def _value(hint: Any, value: Any) -> Any:
    if get_origin(hint) is types.UnionType:
        if value is None:
            return None
        hint = next(arg for arg in get_args(hint) if arg is not type(None))
    if get_origin(hint) is tuple:
        inner = get_args(hint)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_value(inner[0], item) for item in value)
        return tuple(_value(one, item) for one, item in zip(inner, value, strict=True))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value)
    return value
