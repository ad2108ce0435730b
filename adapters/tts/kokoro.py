"""Kokoro: a neural voice of 82 million parameters that sounds better than it is quick.

    open  text -> phonemes -> runs (see kokoro_text)         milliseconds
    pull  hands out what is rendered; where nothing is left, the next run is rendered first (see kokoro_model)

Rules. A run is one call of the model, a clause or a few, cut from the text alone. A pull renders one at most and never
hands out sound of two; so it may answer with less than was asked for, and how long a span lasts is not known before its
end. What the model rounds its phonemes to gives word times. It stands on ONNX Runtime and onnx: kokoro-onnx renders
ahead of its reader, and tells no times for this graph. eSpeak NG reads the text; it is GPL-3.0, the extra is optional.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from adapters.base import AdapterError, AudioChunk, Capability, Cost, Limits, Marker, Natural, Span
from adapters.registry import Context
from adapters.tts.calibrate import TEXT as CALIBRATION
from adapters.tts.calibrate import measured, natural
from adapters.tts.emotion import coloured
from adapters.tts.kokoro_model import FRAME_SAMPLES, RATE_HZ, Model
from adapters.tts.kokoro_text import Reading, read, runs
from adapters.tts.level import set_level
from adapters.voice import PLAIN, Mapper, Projection, Voice
from stitcher.gain import amplified
from stitcher.pcm import Float32

RUNGS = (24, 32, 48, 64, 96)  # 0.6 to 2.4 s: a smaller pull would not render less
PEAK = 0.6  # of full scale, for the loudest sample of the warm-up: ten sentences of one voice peaked within 4 dB
FULL_SCALE = 1.0
WARM_UP = ("The quick brown fox.", CALIBRATION)  # a short first run and a long one
MOST_FRAMES = 1000  # 25 s: more than any run has
DIALECTS = {"a": "en-us", "b": "en"}  # by the first letter of a voice's name; the second tells the gender
ACCENTS = {"en": "", "en-US": "a", "en-GB": "b"}
GENDERS = {"female": "f", "male": "m"}


class KokoroTts:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        voice: str = Field("af_heart", description="which of the model's voices speaks where nobody is cast")
        weights: str = Field("kokoro-82m-int8", description="entry of the catalogue of weights")
        voices: str = Field("kokoro-voices", description="entry of the catalogue of weights")
        threads: int = Field(2, ge=1)

    def __init__(self, options: Options, context: Context) -> None:
        self.options = options
        self.context = context
        self._cost: Cost | None = None
        self._natural: Natural | None = None
        self._gain = 1.0
        self._sha256 = ""

    # -- describing -----------------------------------------------------------------------

    @cached_property
    def voices(self) -> dict[str, Path]:
        """The voices by name, in the catalogue's order."""
        return {path.stem: path for path in self.context.weights.files(self.options.voices)}

    @cached_property
    def model(self) -> Model:
        files = {path.suffix: path for path in self.context.weights.files(self.options.weights)}
        if not {".onnx", ".json"} <= files.keys():
            line = f"weights.{self.options.weights} needs a graph (.onnx) and its config.json; correct the path"
            raise AdapterError("missing", line)
        return Model(files[".onnx"], files[".json"], self.voices, self.options.threads)

    def describe(self) -> Capability:
        return Capability(
            name="kokoro", version="1", role="tts", streaming=True, unit="frames", unit_samples=FRAME_SAMPLES,
            granularity=RUNGS, voices=tuple(self.voices), supports_barge_in=True, deterministic=True,
            rate_hz=RATE_HZ, markers="measured", limits=Limits(text_chars=1000), cost=self._cost, natural=self._natural,
            weights_sha256=self._sha256,
        )  # fmt: skip

    def warm_up(self, voice: Voice = PLAIN) -> None:
        """Load, speak a short run and a long one, and set the level by the peak of the long one: in the plain voice, so
        that the level does not depend on which voice was asked for first. Then listen to `voice`."""
        clock = self.context.clock
        start_ns = clock.now_ns()
        digests = [self.context.weights.sha256(name) for name in (self.options.weights, self.options.voices)]
        self._sha256 = hashlib.sha256("\n".join(digests).encode()).hexdigest()
        self.open(Span(WARM_UP[0], PLAIN, 0)).pull(MOST_FRAMES, False)  # a session's first run plans its memory
        self._gain = 1.0
        loaded_ns = clock.now_ns()
        costs, pieces = [], []
        for text in WARM_UP:
            times = [clock.now_ns()]
            synthesis = self.open(Span(text, PLAIN, 0))
            times.append(clock.now_ns())
            chunk = synthesis.pull(MOST_FRAMES, False)
            times.append(clock.now_ns())
            costs.append((chunk.units, times[2] - times[1]))
        pieces.append(chunk.pcm)
        while not chunk.eos:
            chunk = synthesis.pull(MOST_FRAMES, False)
            pieces.append(chunk.pcm)
        spoken = np.concatenate(pieces)
        self._gain = PEAK / max(float(np.abs(spoken).max(initial=0.0)), 1e-3)
        self._natural = (
            measured(spoken * np.float32(self._gain), RATE_HZ, len(CALIBRATION))
            if voice == PLAIN  # heard already; another voice is heard once more
            else natural(self, voice)
        )
        (few, few_ns), (many, many_ns) = costs
        unit_ns = max(0, many_ns - few_ns) // max(1, many - few)
        open_char_ns = (times[1] - times[0]) // len(text)
        self._cost = Cost(loaded_ns - start_ns, 0, open_char_ns, max(0, few_ns - unit_ns * few), unit_ns)

    def close(self) -> None:
        pass

    # -- speaking -------------------------------------------------------------------------

    def open(self, span: Span) -> KokoroSynthesis:
        knobs = self.project(span.voice).knobs
        reading = read(span.text, DIALECTS.get(knobs["voice"][0], DIALECTS["a"]), self.model.alphabet)
        return KokoroSynthesis(self.model, reading, knobs["voice"], knobs["speed"], self._gain, knobs["gain_db"])

    def project(self, voice: Voice) -> Projection:
        mapper, shaped = Mapper(voice, "kokoro"), coloured(voice)
        name = mapper.cast or self._likest(voice)
        if name not in self.voices:
            setting = "tts.voice" if mapper.cast else "tts.kokoro.voice"
            raise AdapterError("missing", f"{setting} {name!r} is unknown to kokoro; it has: {', '.join(self.voices)}")
        mapper.knob("voice", name, *(["timbre.names"] if mapper.cast else []))
        if ACCENTS.get(voice.accent) in ("", name[0]):
            mapper.say("accent", "approximated", f"as {name} has it")
        else:
            mapper.say("accent", "ignored", "its voices speak American or British English")
        if GENDERS.get(voice.timbre.gender) == name[1:2]:
            mapper.say("timbre.gender", "approximated", f"as {name} has it")
        mapper.knob("speed", shaped.pace, "pace")
        set_level(mapper, shaped)
        mapper.say("emotion_priors", "approximated", "by pace and level; its pitch has no knob")
        return mapper.done()

    def _likest(self, voice: Voice) -> str:
        """The voice that is nearest in accent, then in gender, to what is asked for; else the configured one."""
        plain = self.options.voice
        accent = ACCENTS.get(voice.accent) or plain[:1]
        gender = GENDERS.get(voice.timbre.gender) or plain[1:2]
        return max([plain, *self.voices], key=lambda name: (name[:1] == accent, name[1:2] == gender))


class KokoroSynthesis:
    """A span: what is rendered of it, and what is still phonemes."""

    units = -1  # not known before the last run is rendered

    def __init__(self, model: Model, reading: Reading, voice: str, speed: float, gain: float, gain_db: float) -> None:
        import onnxruntime

        self._model, self._reading = model, reading
        self._voice, self._speed = voice, speed
        self._gain, self._gain_db = np.float32(gain), gain_db
        self._runs = runs(reading.phonemes)
        self._breaker = onnxruntime.RunOptions()
        self._ready: Float32 = np.zeros(0, np.float32)  # rendered, not handed out
        self._marks: list[Marker] = []  # of the run that is handed out
        self._done = 0  # samples handed out

    def pull(self, units: int, low_latency: bool) -> AudioChunk:
        try:
            while self._runs and not self._ready.size and not self._breaker.terminate:
                self._render()
        except AdapterError:
            if not self._breaker.terminate:
                raise
        if self._breaker.terminate:
            return AudioChunk(np.zeros(0, np.float32), 0, (), True)
        start, count = self._done, min(units * FRAME_SAMPLES, self._ready.size)
        pcm, self._ready = self._ready[:count], self._ready[count:]
        self._done += count
        marks = tuple(mark for mark in self._marks if start <= mark.start_sample < self._done)
        return AudioChunk(pcm, count // FRAME_SAMPLES, marks, not self._runs and not self._ready.size)

    def close(self) -> None:
        self._breaker.terminate = True  # a run under way is broken off

    def _render(self) -> None:
        """Make the next run ready; if it fails, it is still the next."""
        start, end = self._runs[0]
        phonemes = self._reading.phonemes[start:end].rstrip()
        sound = self._model.render(phonemes, self._voice, self._speed, self._breaker)
        self._ready = np.clip(amplified(sound.pcm * self._gain, self._gain_db), -FULL_SCALE, FULL_SCALE)
        self._marks = []
        for word in self._reading.words:
            if start <= word.start < end and sound.pcm.size:
                a, b = sound.starts[word.start - start], sound.starts[min(word.end - start, len(phonemes))]
                self._marks.append(Marker(word.text_start, word.text_end, self._done + int(a), self._done + int(b)))
        del self._runs[0]
