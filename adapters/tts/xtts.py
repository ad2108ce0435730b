"""XTTS: a voice cloned from a few seconds of a recording, in seventeen languages, through coqui-tts and torch.

    text --inference_stream--> pieces of `chunk_tokens` tokens (46 ms each) --> pull

It is heavy, so it wants an environment and a process of its own (isolation "process"). The library decodes a text from
its beginning for every piece, so pieces grow dearer as a text grows longer; texts are kept short. The seed is the
span's; on the processor the same span gives the same bytes. A piece under way is not broken off: `close` takes effect
behind it. Word times are not known.

The path is tested, the sound is not: with a small model of random weights. The weights of XTTS v2 have the Coqui
Public Model License, for use that is not commercial; coqui-tts is MPL-2.0. Neither is fetched from here.
"""

from __future__ import annotations

import importlib.metadata
import json
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from adapters.base import AdapterError, AudioChunk, Capability, Cost, Limits, Span
from adapters.registry import Context
from adapters.tts.align import speakable
from adapters.tts.costs import measure
from adapters.tts.xtts_model import SETTING, XttsModel, XttsStream, load_speakers
from adapters.voice import PLAIN, Mapper, Projection, Voice
from stitcher.pcm import Float32

UNIT_MS = 10
OVERLAP_SAMPLES = 1024  # the library's own crossfade between pieces; kept back of each but the last
STEPS = (1, 2, 3)  # pieces of a pull
TEXT_CHARS = {"zh-cn": 80, "ja": 70, "ko": 90, "hi": 150}  # of one span; the model loses its way beyond
TEXT_CHARS_ELSE = 160
TIMEOUT_MS = 60_000  # a pull of three pieces late in a text, on a processor of two cores
LANGUAGES = {"zh": "zh-cn"}  # where the model's tag is not the language's own
WARM_UP = "The quick brown fox jumps over the lazy dog, and then it rests for a while."
WARM_UP_SEED = 1


class XttsTts:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        model_path: str = Field("", description="a folder with model.pth, config.json, vocab.json, speakers_xtts.pth")
        speaker_path: str = Field("", description="a recording of the voice to clone, some seconds, as WAV")
        voice: str = Field("", description="a name of speakers_xtts.pth; empty: the recording, else the first")
        language: str = Field("en", description="where a persona has no accent")
        device: Literal["cpu", "cuda"] = Field("cpu", description="cuda has not been tried")
        threads: int = Field(2, ge=1)
        chunk_tokens: int = Field(20, ge=4, le=100, description="tokens of a piece, 46 ms each")
        temperature: float | None = Field(None, gt=0, le=2, description="empty: as the weights come")

    def __init__(self, options: Options, context: Context) -> None:
        self.options = options
        self.clock = context.clock
        self._cost: Cost | None = None

    # -- describing -----------------------------------------------------------------------

    @cached_property
    def folder(self) -> Path:
        folder = Path(self.options.model_path).expanduser()
        if not self.options.model_path or not (folder / "config.json").is_file():
            what = f"{folder} has no config.json" if self.options.model_path else "is not set"
            raise AdapterError("missing", f"{SETTING}.model_path {what}: name a folder with the weights of XTTS v2")
        return folder

    @cached_property
    def config(self) -> dict[str, Any]:
        """What the weights' configuration says; read without torch."""
        try:
            found = json.loads((self.folder / "config.json").read_text("utf-8"))
            rate_hz, sizes = int(found["audio"]["output_sample_rate"]), found["model_args"]
            hop = int(sizes["output_hop_length"])
            token_hops = sizes["gpt_code_stride_len"] / hop * rate_hz / sizes["input_sample_rate"]
            return {"languages": tuple(found["languages"]), "rate_hz": rate_hz, "hop": hop, "token_hops": token_hops}
        except (OSError, ValueError, KeyError, TypeError) as error:
            line = f"{SETTING}.model_path: {self.folder / 'config.json'} cannot be read ({error!r}): fetch it again"
            raise AdapterError("corrupt", line) from error

    @cached_property
    def speakers(self) -> dict[str, Any]:
        """Name -> latents; None for the recording's, which are not computed before it speaks."""
        found = load_speakers(self.folder)
        if self.options.speaker_path:
            found = {Path(self.options.speaker_path).stem: None, **found}
        if not found:
            line = f"{SETTING} knows no voice: set {SETTING}.speaker_path to a recording of some seconds"
            raise AdapterError("missing", line)
        return found

    @cached_property
    def model(self) -> XttsModel:
        return XttsModel(self.folder, self.options.device, self.options.threads)

    @property
    def unit_samples(self) -> int:
        return int(self.config["rate_hz"]) * UNIT_MS // 1000

    @property
    def rungs(self) -> tuple[int, ...]:
        """In units: what one piece brings, and two, and three."""
        samples = int(self.options.chunk_tokens * self.config["token_hops"]) * self.config["hop"]
        least = max(1, (samples - OVERLAP_SAMPLES) // self.unit_samples)
        return tuple(step * least for step in STEPS)

    def describe(self) -> Capability:
        limits = Limits(TEXT_CHARS.get(self.options.language, TEXT_CHARS_ELSE), timeout_ms=TIMEOUT_MS)
        return Capability(
            name="xtts", version=_version(), role="tts", streaming=True, unit="ms", unit_samples=self.unit_samples,
            granularity=self.rungs, voices=tuple(self.speakers), supports_barge_in=True, supports_seed=True,
            deterministic=self.options.device == "cpu", rate_hz=self.config["rate_hz"], limits=limits, cost=self._cost,
        )  # fmt: skip

    def warm_up(self, voice: Voice = PLAIN) -> None:
        self._cost = measure(self, Span(WARM_UP, voice, WARM_UP_SEED), self.rungs[0], self.rungs[1], self.clock)

    def close(self) -> None:
        self.__dict__.pop("model", None)  # the weights; they are loaded again if it is asked to speak

    # -- speaking -------------------------------------------------------------------------

    def project(self, voice: Voice) -> Projection:
        mapper = Mapper(voice, "xtts")
        known = list(self.speakers)
        name = mapper.cast or self.options.voice or known[0]
        if name not in known:
            line = f"tts.voice {name!r} is unknown to these weights of xtts; they have: {', '.join(known[:10])}"
            raise AdapterError("missing", line)
        mapper.knob("speaker", name, "timbre.names")
        mapper.knob("speed", voice.pace, "pace")
        self._speak_language(mapper, voice.accent)
        return mapper.done()

    def _speak_language(self, mapper: Mapper, accent: str) -> None:
        """An accent is a language here; what it sounds like in a region comes with the recording."""
        languages = self.config["languages"]
        plain = accent.lower().split("-")[0]
        tag = LANGUAGES.get(plain, plain)
        if tag in languages:
            exact = accent.lower() in (plain, tag)
            mapper.knob("language", tag, "accent", how="honoured" if exact else "approximated",
                        detail="" if exact else f"{tag}, as the recording speaks it")  # fmt: skip
        elif self.options.language not in languages:
            line = f"{SETTING}.language {self.options.language!r} is none of the model's: {', '.join(languages)}"
            raise AdapterError("unsupported", line)
        else:
            mapper.knob("language", self.options.language)
            mapper.say("accent", "ignored", f"the model speaks {', '.join(languages)}")

    def open(self, span: Span) -> XttsSynthesis:
        knobs = self.project(span.voice).knobs
        text = " ".join(speakable(span.text).split())
        if not text:
            return XttsSynthesis(None, self.unit_samples)
        speaker = knobs["speaker"]
        if self.speakers[speaker] is None:
            self.speakers[speaker] = self.model.learn(Path(self.options.speaker_path).expanduser())
        sampling = {} if self.options.temperature is None else {"temperature": self.options.temperature}
        stream = XttsStream(
            self.model, self.speakers[speaker], span.seed, text=text, language=knobs["language"], speed=knobs["speed"],
            stream_chunk_size=self.options.chunk_tokens, overlap_wav_len=OVERLAP_SAMPLES, **sampling,
        )  # fmt: skip
        return XttsSynthesis(stream, self.unit_samples)


class XttsSynthesis:
    """A text being spoken, and what its last piece brought too much. `stream`: None where there is nothing to say."""

    def __init__(self, stream: XttsStream | None, unit_samples: int) -> None:
        self._stream = stream
        self._unit_samples = unit_samples
        self._rest: Float32 = np.zeros(0, np.float32)
        self._ended = stream is None
        self._closed = False
        self._fault: AdapterError | None = None
        self._done_units = 0

    @property
    def units(self) -> int:
        return self._done_units + -(-self._rest.size // self._unit_samples) if self._ended else -1

    def pull(self, units: int, low_latency: bool) -> AudioChunk:
        if self._fault is not None:  # the library's generator is gone: asked again it would only seem to end
            raise self._fault
        wanted = units * self._unit_samples
        while not self._ended and not self._closed and self._rest.size < wanted:
            self._render()
        if self._closed:
            return AudioChunk(np.zeros(0, np.float32), 0, (), True)
        pcm, self._rest = self._rest[:wanted], self._rest[wanted:]
        count = -(-pcm.size // self._unit_samples)
        self._done_units += count
        return AudioChunk(pcm, count, (), self._ended and not self._rest.size)

    def close(self) -> None:
        self._closed = True

    def _render(self) -> None:
        assert self._stream is not None
        try:
            piece = self._stream.next()
        except AdapterError as error:
            self._fault = error
            raise
        if piece is not None:
            self._rest = np.concatenate((self._rest, piece))
            return
        self._ended = True
        if not self._done_units and not self._rest.size:
            line = f"{SETTING} said nothing: check {SETTING}.model_path and {SETTING}.language"
            self._fault = AdapterError("garbage", line)
            raise self._fault


def _version() -> str:
    try:
        return importlib.metadata.version("coqui-tts")
    except importlib.metadata.PackageNotFoundError:
        return "absent"
