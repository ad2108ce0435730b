"""eSpeak NG: a formant voice that can always keep up, through ctypes; word events give word times.

Seconds of speech take milliseconds, so a span is rendered when it is opened and handed out in pieces. The library keeps
state from one text to the next (the same text twice differs); it is loaded afresh for each span, 3 ms, so
that the same span gives the same bytes. It is loaded from a copy in the cache: a file that another part of the process
holds open would not be loaded afresh. eSpeak NG is GPL-3.0 and stays an optional extra.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.metadata
import threading
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from adapters.base import AdapterError, AudioChunk, Capability, Cost, Limits, Marker, Span
from adapters.registry import Context
from adapters.tts.align import speakable, tokens
from adapters.voice import PLAIN, Mapper, Projection, Voice
from stitcher.pcm import Float32, Int16, to_float32
from timeline.store import write_atomically

RATE_HZ = 22_050  # of eSpeak's formant voices
UNIT_MS = 10
UNIT_SAMPLES = RATE_HZ * UNIT_MS // 1000
RUNGS = (8, 12, 16, 24, 32, 48, 64)
WORDS_PER_MINUTE = 175  # eSpeak's own pace; 80 to 450 are its limits
PACE_LIMITS = (80, 450)
WARM_UP = "The quick brown fox jumps over the lazy dog."

# From speak_lib.h
_AUDIO_OUTPUT_RETRIEVAL, _CHARS_UTF8, _EVENT_WORD, _PARAMETER_RATE = 2, 1, 1, 1
_BUFFER_MS = 40
_lock = threading.Lock()  # the library is one per process, and so is libc's random state


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("id", ctypes.c_char * 8),
    )  # fmt: skip


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class EspeakTts:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        voice: str = Field("en-us", description="an eSpeak NG voice such as en-us, en-gb, de, or en-us+f3")

    def __init__(self, options: Options, context: Context) -> None:
        self.options = options
        self.clock = context.clock
        self._cache = context.cache / "espeak"
        self._cost: Cost | None = None
        self._known: set[str] = set()  # voices that the library has taken

    def describe(self) -> Capability:
        return Capability(
            name="espeak", version=_version(), role="tts", streaming=True, unit="ms", unit_samples=UNIT_SAMPLES,
            granularity=RUNGS, supports_barge_in=True, deterministic=True, rate_hz=RATE_HZ,
            markers="measured", limits=Limits(), cost=self._cost,
        )  # fmt: skip

    def warm_up(self, voice: Voice = PLAIN) -> None:
        times = [self.clock.now_ns()]
        for _ in range(2):
            synthesis = self.open(Span(WARM_UP, voice, 0))
            times.append(self.clock.now_ns())
        synthesis.pull(RUNGS[0], True)
        pull_ns = self.clock.now_ns() - times[-1]
        self._cost = Cost(times[1] - times[0], 0, (times[2] - times[1]) // len(WARM_UP), pull_ns, 0)

    def project(self, voice: Voice) -> Projection:
        mapper = Mapper(voice, "espeak")
        name = mapper.cast or self.options.voice
        if name not in self._known:
            with _lock:
                _look_up(*self._paths, name)
            self._known.add(name)
        mapper.knob("voice", name, "timbre.names")
        words_per_minute = min(PACE_LIMITS[1], max(PACE_LIMITS[0], round(WORDS_PER_MINUTE * voice.pace)))
        mapper.knob("rate", words_per_minute, "pace")
        return mapper.done()

    def open(self, span: Span) -> EspeakSynthesis:
        library_path, data_path = self._paths
        knobs = self.project(span.voice).knobs
        with _lock:
            pcm, events = _render(library_path, data_path, knobs["voice"], knobs["rate"], span)
        return EspeakSynthesis(to_float32(pcm), _markers(span.text, events, pcm.size))

    def close(self) -> None:
        pass

    @cached_property
    def _paths(self) -> tuple[str, str]:
        """Our own copy of the library, and its data."""
        try:
            import espeakng_loader
        except ImportError as error:
            line = "tts.adapter espeak needs espeakng-loader: pip install 'duckbill[espeak]'"
            raise AdapterError("missing", line) from error
        original = Path(espeakng_loader.get_library_path())
        data = original.read_bytes()
        copy = self._cache / f"{hashlib.sha256(data).hexdigest()[:16]}{original.suffix}"
        if not copy.exists():
            try:
                copy.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(copy, data)
            except OSError as error:
                line = f"the cache {self._cache} cannot be used ({error.strerror}); set cache"
                raise AdapterError("missing", line) from error
        return str(copy), str(espeakng_loader.get_data_path())


class EspeakSynthesis:
    """A span that is rendered already."""

    def __init__(self, pcm: Float32, marks: list[Marker]) -> None:
        self._pcm = pcm
        self._marks = marks
        self._done = 0
        self._closed = False
        self.units = max(1, -(-pcm.size // UNIT_SAMPLES))

    def pull(self, units: int, low_latency: bool) -> AudioChunk:
        if self._closed:
            return AudioChunk(self._pcm[:0], 0, (), True)
        first, self._done = self._done, min(self.units, self._done + units)
        start, end = first * UNIT_SAMPLES, self._done * UNIT_SAMPLES
        marks = tuple(mark for mark in self._marks if start <= mark.start_sample < end)
        return AudioChunk(self._pcm[start:end], self._done - first, marks, self._done >= self.units)

    def close(self) -> None:
        self._closed = True


def _begin(library: ctypes.CDLL, data_path: str, voice: str) -> None:
    """Start the library with this voice. Raises AdapterError."""
    if library.espeak_Initialize(_AUDIO_OUTPUT_RETRIEVAL, _BUFFER_MS, data_path.encode(), 0) < 0:
        line = "eSpeak NG's data cannot be read: pip install --force-reinstall espeakng-loader"
        raise AdapterError("corrupt", line)
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise AdapterError("missing", f"tts.voice {voice!r} is unknown to espeak; try en-us, en-gb or de")


def _look_up(library_path: str, data_path: str, voice: str) -> None:
    """See that there is such a voice. Called under the lock. Raises AdapterError."""
    library = ctypes.CDLL(library_path)
    try:
        _begin(library, data_path, voice)
        library.espeak_Terminate()
    finally:
        _unload(library)


def _render(
    library_path: str, data_path: str, voice: str, words_per_minute: int, span: Span
) -> tuple[Int16, list[tuple[int, int]]]:
    """PCM, and for each word (character position, sample). Called under the lock."""
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
    library = ctypes.CDLL(library_path)
    try:
        _begin(library, data_path, voice)
        ctypes.CDLL(None).srand(span.seed % 2**32)
        library.espeak_SetSynthCallback(callback)
        library.espeak_SetParameter(_PARAMETER_RATE, words_per_minute, 0)
        data = speakable(span.text).encode()
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


def _markers(text: str, events: list[tuple[int, int]], samples: int) -> list[Marker]:
    """Word events -> tokens. A token may have several events ("123"); one that has none ("of the" is spoken as
    one word) belongs to the token before it."""
    marks: list[Marker] = []
    for start, end in tokens(text):
        sample = next((sample for position, sample in events if start <= position < end), None)
        if sample is not None:
            if marks:
                marks[-1] = replace(marks[-1], end_sample=sample)
            marks.append(Marker(start, end, sample, samples))
        elif marks:
            marks[-1] = replace(marks[-1], text_end=end)
    return marks


def _version() -> str:
    try:
        return importlib.metadata.version("espeakng-loader")
    except importlib.metadata.PackageNotFoundError:
        return "absent"
