"""eSpeak NG's library through ctypes: a text and its knobs in, PCM and word positions out.

It keeps state from one text to the next (the same text twice differs), so it is loaded afresh for each text, 3 ms. What
it draws at random, the breath of some variants, it seeds from the clock; so it is seeded again from the span. With both
the same call gives the same bytes. It is loaded from a copy in the cache: a file that another part of the process holds
open would not be loaded afresh.
"""

from __future__ import annotations

import ctypes
import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adapters.base import AdapterError
from stitcher.pcm import Int16
from timeline.store import write_atomically

# From speak_lib.h
RATE, PITCH, RANGE = 1, 3, 4
"""Parameters: words per minute; 0 to 99; 0 to 100."""
_AUDIO_OUTPUT_RETRIEVAL, _CHARS_UTF8, _EVENT_WORD = 2, 1, 1
_BUFFER_MS = 40
SEEDS = 2**31  # what a C long holds everywhere
_lock = threading.Lock()  # the library is one per process, and so is libc's random state


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("id", ctypes.c_char * 8),
    )  # fmt: skip


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True, slots=True)
class Library:
    """Our own copy of the library, and its data."""

    path: str
    data: Path

    def render(
        self, voice: str, parameters: Mapping[int, int], text: str, seed: int
    ) -> tuple[Int16, list[tuple[int, int]]]:
        """PCM, and for each word (character position, sample). `voice`: by eSpeak's own name. Raises AdapterError."""
        with _lock:
            return _render(self, voice, parameters, text, seed)


def open_library(cache: Path) -> Library:
    """Copy the library into `cache` where it is not there yet. Raises AdapterError."""
    try:
        import espeakng_loader
    except ImportError as error:
        line = "tts.adapter espeak needs espeakng-loader: pip install 'duckbill[espeak]'"
        raise AdapterError("missing", line) from error
    original = Path(espeakng_loader.get_library_path())
    data = original.read_bytes()
    copy = cache / f"{hashlib.sha256(data).hexdigest()[:16]}{original.suffix}"
    if not copy.exists():
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(copy, data)
        except OSError as error:
            raise AdapterError("missing", f"the cache {cache} cannot be used ({error.strerror}); set cache") from error
    return Library(str(copy), Path(espeakng_loader.get_data_path()))


def _render(
    paths: Library, voice: str, parameters: Mapping[int, int], text: str, seed: int
) -> tuple[Int16, list[tuple[int, int]]]:
    """Called under the lock."""
    pieces: list[Int16] = []
    events: list[tuple[int, int]] = []

    def on_chunk(wav: Any, count: int, event: Any) -> int:
        if wav and count > 0:
            pieces.append(np.ctypeslib.as_array(wav, (count,)).copy())
        k = 0
        while event[k].type:
            if event[k].type == _EVENT_WORD:
                events.append((event[k].text_position - 1, event[k].sample))
            k += 1
        return 0

    callback = _CALLBACK(on_chunk)
    library = ctypes.CDLL(paths.path)
    try:
        if library.espeak_Initialize(_AUDIO_OUTPUT_RETRIEVAL, _BUFFER_MS, str(paths.data).encode(), 0) < 0:
            line = "eSpeak NG's data cannot be read: pip install --force-reinstall espeakng-loader"
            raise AdapterError("corrupt", line)
        library.espeak_ng_SetRandSeed(ctypes.c_long(seed % SEEDS))  # of its own generator
        ctypes.CDLL(None).srand(seed % SEEDS)  # its Klatt voices draw from libc's
        library.espeak_SetSynthCallback(callback)
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise AdapterError("missing", f"tts.voice {voice!r} is unknown to espeak; try en-us, en-gb or de")
        for parameter, value in parameters.items():
            library.espeak_SetParameter(parameter, value, 0)
        data = text.encode()
        library.espeak_Synth(data, len(data) + 1, 0, 0, 0, _CHARS_UTF8, None, None)
        library.espeak_Synchronize()
        library.espeak_Terminate()
    finally:
        _unload(library)
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int16), events


def _unload(library: ctypes.CDLL) -> None:
    """Let the system drop the library and its state. Where that is not possible it stays, and repeats may differ."""
    try:
        from _ctypes import dlclose
    except ImportError:
        return
    dlclose(library._handle)
