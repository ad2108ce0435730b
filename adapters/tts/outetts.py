"""OuteTTS: a language model that writes audio codes, in the voice of a speaker kept as JSON.

With llama.cpp the codes stream, so a chunk is decoded as soon as its frames are there; with transformers a chunk of
the text is written whole first, and cannot be stopped meanwhile. A span's seed seeds the sampling. The package pins
transformers and llama-cpp-python, so it lives in an environment of its own; no weights are shipped or fetched. The
path is tested, with small random weights of the same architecture; the sound is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from adapters.base import AdapterError, AudioChunk, Capability, Cost, Limits, Marker, Span
from adapters.registry import Context
from adapters.tts.align import speakable
from adapters.tts.outetts_model import CONTEXT_FRAMES, RATE_HZ, UNIT_SAMPLES, OuteModel, load, sha256
from adapters.tts.outetts_tokens import TokenReader, WordFinder
from adapters.voice import PLAIN, Mapper, Projection, Voice

RUNGS = (8, 12, 16, 24, 32, 48, 64)
DEFAULT_SPEAKER = "en-female-1-neutral"  # shipped with the package
TIMEOUT_MS = 60_000  # the first chunk waits for a prompt of 2,000 tokens: half a minute on two slow cores
WARM_UP = "The quick brown fox jumps over the lazy dog."
WARM_UP_SEED = 1


class OuteTts:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        model_path: str = Field("", description="OuteTTS 1.0: a .gguf file (streams), or a folder for transformers")
        tokenizer_path: str = Field("", description="folder of its tokenizer; empty: the folder that the model is in")
        codec_path: str = Field("", description="weights of DAC.speech.v1.0, 24 kHz at 1.5 kbit/s (.pth)")
        speaker_path: str = Field("", description="a speaker's .json, or a folder of them, each a voice by its name")
        temperature: float = Field(0.4, ge=0.0, le=2.0)  # as its makers advise
        threads: int = Field(2, ge=1)

    def __init__(self, options: Options, context: Context) -> None:
        self.options = options
        self.clock = context.clock
        self._cost: Cost | None = None
        self._sha256 = ""
        self._speaking: OuteSynthesis | None = None

    # -- describing -----------------------------------------------------------------------

    def describe(self) -> Capability:
        streams = Path(self.options.model_path).suffix == ".gguf"
        return Capability(
            name="outetts", version="1", role="tts", streaming=streams, unit="frames", unit_samples=UNIT_SAMPLES,
            granularity=RUNGS, voices=tuple(self.speakers), supports_barge_in=True, supports_seed=True,
            deterministic=True, rate_hz=RATE_HZ, markers="measured", limits=Limits(timeout_ms=TIMEOUT_MS),
            cost=self._cost, weights_sha256=self._sha256,
        )  # fmt: skip

    @cached_property
    def speakers(self) -> dict[str, Path | None]:
        """Speakers by name, the default one first; None stands for the package's own."""
        if not self.options.speaker_path:
            return {DEFAULT_SPEAKER: None}
        path = Path(self.options.speaker_path).expanduser()
        files = sorted(path.glob("*.json")) if path.is_dir() else [path] if path.is_file() else []
        if not files:
            raise AdapterError("missing", f"tts.outetts.speaker_path: there is no speaker at {path}")
        return {**{file.stem: file for file in files}, DEFAULT_SPEAKER: None}

    @cached_property
    def model(self) -> OuteModel:
        model, codec = self._path("model_path"), self._path("codec_path")
        tokenizer = self._path("tokenizer_path") if self.options.tokenizer_path else model
        tokenizer = tokenizer.parent if tokenizer.is_file() else tokenizer
        return load(model, tokenizer, codec, self.options.threads, self.options.temperature)

    def warm_up(self, voice: Voice = PLAIN) -> None:
        """Load, speak one sentence at the smallest and the largest rung."""
        start_ns = self.clock.now_ns()
        self._sha256 = sha256(self._path("model_path"), self._path("codec_path"))
        synthesis = self.open(Span(WARM_UP, voice, WARM_UP_SEED))
        loaded_ns = self.clock.now_ns()
        synthesis.pull(RUNGS[0], True)
        prompted_ns = self.clock.now_ns()
        few = synthesis.pull(RUNGS[0], True)
        few_ns = self.clock.now_ns() - prompted_ns
        synthesis.close()
        unit_ns = few_ns // max(1, few.units)
        open_ns = max(0, prompted_ns - loaded_ns - unit_ns * RUNGS[0])
        self._cost = Cost(loaded_ns - start_ns, open_ns, 0, 0, unit_ns)

    def close(self) -> None:
        if self._speaking is not None:
            self._speaking.close()

    def _path(self, option: str) -> Path:
        path = Path(getattr(self.options, option)).expanduser()
        if not getattr(self.options, option):
            raise AdapterError("missing", f"tts.outetts.{option} is not set: give the weights that you have")
        if not path.exists():
            raise AdapterError("missing", f"tts.outetts.{option}: there is nothing at {path}")
        return path

    # -- speaking -------------------------------------------------------------------------

    def project(self, voice: Voice) -> Projection:
        mapper = Mapper(voice, "outetts")
        name = mapper.cast or next(iter(self.speakers))
        if name not in self.speakers:
            known = ", ".join(list(self.speakers)[:10])
            raise AdapterError("missing", f"tts.voice {name!r} is unknown to outetts; it has: {known}")
        mapper.knob("speaker", name, "timbre.names")
        return mapper.done()

    def open(self, span: Span) -> OuteSynthesis:
        name = self.project(span.voice).knobs["speaker"]
        path = self.speakers[name]
        speaker = self.model.default_speaker(name) if path is None else self.model.speaker(path)
        return OuteSynthesis(self, span, speaker)

    def _hand_over(self, synthesis: OuteSynthesis) -> None:
        """The model holds one answer at a time: another that is under way is written to its end before this one."""
        other, self._speaking = self._speaking, synthesis
        if other is not None and other is not synthesis:
            other.write_on(None)


class OuteSynthesis:
    """One span: tokens are written when frames are asked for, and as many more as decoding needs to look ahead."""

    units = -1  # how much the model will say, it does not know before it has

    def __init__(self, tts: OuteTts, span: Span, speaker: dict[str, Any]) -> None:
        self._tts = tts
        self._seed = span.seed % 2**31
        self._speaker = speaker
        self._chunks = tts.model.chunks(speakable(span.text))
        self._reader = TokenReader(tts.model.vocabulary)
        self._finder = WordFinder(span.text)
        self._tokens = self._write()
        self._written = False
        self._closed = False
        self._done = 0
        self._marked = 0  # words of the model's that were looked at
        self._waiting: Marker | None = None

    def pull(self, units: int, low_latency: bool) -> AudioChunk:
        start = self._done
        if not self._closed:
            self._tts._hand_over(self)
            self.write_on(start + units + CONTEXT_FRAMES)
        end = min(start + units, self._reader.frames)
        if self._closed or start == end:
            return AudioChunk(np.zeros(0, np.float32), 0, (), True)
        self._done = end
        first = max(0, start - CONTEXT_FRAMES)
        codes = self._reader.codes(first, end + CONTEXT_FRAMES)
        pcm = self._tts.model.decode(codes, start - first, end - start)
        last = self._written and end == self._reader.frames
        return AudioChunk(pcm, end - start, self._marks(end * UNIT_SAMPLES), last)

    def close(self) -> None:
        self._closed = True  # whoever is writing sees it before the next token

    def write_on(self, frames: int | None) -> None:
        """Write until there are that many frames; None: to the end."""
        while not self._written and not self._closed and (frames is None or self._reader.frames < frames):
            try:
                token = next(self._tokens, None)
            except (RuntimeError, ValueError) as error:  # llama.cpp's and torch's own
                line = f"tts.outetts could not go on ({type(error).__name__}: {error})".partition("\n")[0]
                raise AdapterError("crashed", f"{line}: check tts.outetts.model_path") from error
            self._written = token is None
            if token is not None:
                self._reader.feed(token)

    def _write(self) -> Iterator[int]:
        """The tokens of one chunk of the text after the other."""
        for number, chunk in enumerate(self._chunks):
            self._reader.begin()
            for token in self._tts.model.tokens(chunk, self._speaker, self._seed + number):
                if token == self._tts.model.vocabulary.end:
                    break
                yield token

    def _marks(self, end_sample: int) -> tuple[Marker, ...]:
        """Those of the words that begin before this sample and were not told yet."""
        marks: list[Marker] = []
        while True:
            if self._waiting is None:
                if self._marked == len(self._reader.words):
                    return tuple(marks)
                self._waiting = self._finder.find(self._reader.words[self._marked], UNIT_SAMPLES)
                self._marked += 1
            elif self._waiting.start_sample >= end_sample:
                return tuple(marks)
            else:
                marks.append(self._waiting)
                self._waiting = None
