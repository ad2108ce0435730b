"""Whisper's weights in seven bits: int8 that no processor adds wrong.

    model.bin (float16) -> each row of a matrix times 63 / its largest number, rounded -> model.bin (int8 and scales)

Where two products of a byte and a signed byte are added in 16 bits they overflow, unless the weights are 63 at most:
2 x 255 x 63 = 32,130. (ONNX Runtime calls the same `reduce_range`.) Of base, on AVX2, 80 utterances of three voices:
    int8, as CTranslate2 quantizes     11.9 % of the words wrong, and sentences made of brown noise
    float32                            11.6 %, half as long again
    seven bits                         11.3 %, as quick as int8; noise is noise

The file is CTranslate2's own (version 6, python/ctranslate2/specs/model_spec.py): names, shapes and numbers one after
the other. It is made once and kept in the cache, by the digest of what it was made of.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from timeline.store import write_atomically

MOST = 63  # of a weight
VERSION = 6  # of the file
MODEL = "model.bin"
TYPES = tuple(np.dtype(name) for name in ("float32", "int8", "int16", "int32", "float16"))  # by number in the file
MATRIX, SCALE = "/weight", "_scale"
REVISION = 1  # of what is kept: one more, and it is made anew


@dataclass(frozen=True, slots=True)
class Model:
    """What a model.bin holds. `aliases`: (name, whose numbers it has)."""

    name: str
    revision: int
    variables: list[tuple[str, np.ndarray[Any, Any]]]
    aliases: list[tuple[str, str]]


def in_seven_bits(folder: Path, digest: str, cache: Path) -> Path:
    """The folder of the same model in seven bits, made where it is not there yet. Raises ValueError for a file that is
    written otherwise, or in int8 already; OSError."""
    made = cache / "whisper" / f"{digest[:16]}-{REVISION}"
    if not (made / MODEL).is_file():
        data = encode(quantized(decode((folder / MODEL).read_bytes())))
        made.mkdir(parents=True, exist_ok=True)
        for beside in folder.glob("*.json"):
            write_atomically(made / beside.name, beside.read_bytes())
        for beside in folder.glob("vocabulary.*"):
            write_atomically(made / beside.name, beside.read_bytes())
        write_atomically(made / MODEL, data)  # last: a folder that has it is whole
    return made


def quantized(model: Model) -> Model:
    """Matrices of floats become bytes and a scale for each row. Raises ValueError where there are none."""
    variables: list[tuple[str, np.ndarray[Any, Any]]] = []
    for name, values in model.variables:
        if not (name.endswith(MATRIX) and values.ndim == 2 and values.dtype.kind == "f"):
            variables.append((name, values))
            continue
        rows = values.astype(np.float32)
        largest = np.abs(rows).max(axis=1)
        scale = (MOST / np.where(largest > 0, largest, MOST)).astype(np.float32)
        variables.append((name, np.rint(rows * scale[:, None]).astype(np.int8)))
        variables.append((name + SCALE, scale))
    if len(variables) == len(model.variables):
        raise ValueError("it holds no matrix of floats")
    return Model(model.name, model.revision, variables, model.aliases)


def decode(data: bytes) -> Model:
    """Read a model.bin. Raises ValueError."""
    reader = _Reader(data)
    try:
        (version,) = reader.take("I")
        if version != VERSION:
            raise ValueError(f"it is of version {version}, not {VERSION}")
        name = reader.text()
        revision, count = reader.take("II")
        variables = [reader.variable() for _ in range(count)]
        (count,) = reader.take("I")
        return Model(name, revision, variables, [(reader.text(), reader.text()) for _ in range(count)])
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"it cannot be read: {error}") from error


def encode(model: Model) -> bytes:
    return b"".join(_parts(model))


def _parts(model: Model) -> Iterator[bytes]:
    yield struct.pack("<I", VERSION) + _text(model.name)
    yield struct.pack("<II", model.revision, len(model.variables))
    for name, values in model.variables:
        shape = struct.pack(f"<B{values.ndim}I", values.ndim, *values.shape)
        yield _text(name) + shape + struct.pack("<BI", TYPES.index(values.dtype), values.nbytes)
        yield values.tobytes()
    yield struct.pack("<I", len(model.aliases))
    for alias in model.aliases:
        yield from map(_text, alias)


def _text(text: str) -> bytes:
    data = text.encode() + b"\0"
    return struct.pack("<H", len(data)) + data


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, layout: str) -> tuple[int, ...]:
        found = struct.unpack_from("<" + layout, self._data, self._at)
        self._at += struct.calcsize("<" + layout)
        return found

    def text(self) -> str:
        (size,) = self.take("H")
        return self._bytes(size)[:-1].decode()

    def variable(self) -> tuple[str, np.ndarray[Any, Any]]:
        name = self.text()
        (rank,) = self.take("B")
        shape = self.take(f"{rank}I")
        kind, size = self.take("BI")
        return name, np.frombuffer(self._bytes(size), TYPES[kind]).reshape(shape)

    def _bytes(self, size: int) -> bytes:
        self._at += size
        if self._at > len(self._data):
            raise ValueError("it ends too early")
        return self._data[self._at - size : self._at]
