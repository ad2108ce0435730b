"""eSpeak NG: a formant voice that can always keep up; word events give word times.

Seconds of speech take milliseconds, so a span is rendered when it is opened and handed out in pieces. It has a knob for
nearly all of the voice schema: what its pitch knobs do is measured (espeak_pitch), level and pauses are made by us,
since the whole span is there. eSpeak NG is GPL-3.0 and stays an optional extra.
"""

from __future__ import annotations

import importlib.metadata
from dataclasses import replace
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from adapters.base import AudioChunk, Capability, Cost, Limits, Marker, Natural, Span
from adapters.registry import Context
from adapters.tts import calibrate
from adapters.tts.align import speakable, tokens
from adapters.tts.emotion import coloured
from adapters.tts.espeak_library import PITCH, RANGE, RATE, Library, open_library
from adapters.tts.espeak_pitch import PitchModel, Set, measure
from adapters.tts.espeak_voices import choose, languages, own_name
from adapters.tts.level import set_level
from adapters.voice import PLAIN, Mapper, Projection, Voice
from stitcher.gain import amplified
from stitcher.pauses import with_pauses
from stitcher.pcm import Float32, to_float32
from stitcher.pitch import median_hz, pitch_contour_hz

RATE_HZ = 22_050  # of eSpeak's formant voices
UNIT_MS = 10
UNIT_SAMPLES = RATE_HZ * UNIT_MS // 1000
RUNGS = (8, 12, 16, 24, 32, 48, 64)
WORDS_PER_MINUTE = 175  # eSpeak's own pace; 80 to 450 are its limits
PACE_LIMITS = (80, 450)
WARM_UP = "The quick brown fox jumps over the lazy dog."


class EspeakTts:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        voice: str = Field("en-us", description="an eSpeak NG voice such as en-us, en-gb, de, or en-us+f3")

    def __init__(self, options: Options, context: Context) -> None:
        self.options = options
        self.clock = context.clock
        self._cache = context.cache / "espeak"
        self._cost: Cost | None = None
        self._natural: Natural | None = None
        self._models: dict[str, PitchModel | None] = {}  # by eSpeak's own name of a voice

    def describe(self) -> Capability:
        return Capability(
            name="espeak", version=_version(), role="tts", streaming=True, unit="ms", unit_samples=UNIT_SAMPLES,
            granularity=RUNGS, supports_barge_in=True, deterministic=True, rate_hz=RATE_HZ,
            markers="measured", limits=Limits(), cost=self._cost, natural=self._natural,
        )  # fmt: skip

    def warm_up(self, voice: Voice = PLAIN) -> None:
        times = [self.clock.now_ns()]
        for _ in range(2):
            synthesis = self.open(Span(WARM_UP, voice, 0))
            times.append(self.clock.now_ns())
        synthesis.pull(RUNGS[0], True)
        pull_ns = self.clock.now_ns() - times[-1]
        self._cost = Cost(times[1] - times[0], 0, (times[2] - times[1]) // len(WARM_UP), pull_ns, 0)
        self._natural = calibrate.natural(self, voice)

    def project(self, voice: Voice) -> Projection:
        mapper, shaped = Mapper(voice, "espeak"), coloured(voice)
        chosen = choose(mapper, self.options.voice, self._languages)
        name = own_name(chosen, self._languages, self._library.data)
        mapper.knob("voice", name, "timbre.names")
        words_per_minute = min(PACE_LIMITS[1], max(PACE_LIMITS[0], round(WORDS_PER_MINUTE * shaped.pace)))
        mapper.knob("rate", words_per_minute, "pace")
        self._set_pitch(mapper, shaped, name)
        set_level(mapper, shaped)
        mapper.knob("pauses", shaped.prosody.pauses, "prosody.pauses")
        mapper.say("emotion_priors", "approximated", "by pitch, range, pace and level")
        return mapper.done()

    def open(self, span: Span) -> EspeakSynthesis:
        knobs = self.project(span.voice).knobs
        parameters = {RATE: knobs["rate"], PITCH: knobs["pitch"], RANGE: knobs["range"]}
        pcm, events = self._library.render(knobs["voice"], parameters, speakable(span.text), span.seed)
        marks = _markers(span.text, events, pcm.size)
        speech = amplified(to_float32(pcm), knobs["gain_db"])
        return EspeakSynthesis(*_paused(speech, marks, knobs["pauses"]))

    def close(self) -> None:
        pass

    @cached_property
    def _library(self) -> Library:
        return open_library(self._cache)

    @cached_property
    def _languages(self) -> dict[str, str]:
        return languages(self._library.data)

    # -- pitch ----------------------------------------------------------------------------

    def _set_pitch(self, mapper: Mapper, shaped: Voice, name: str) -> None:
        """Pitch and range together, for each moves the other."""
        wanted, prosody = mapper.voice.timbre.pitch_hz, shaped.prosody
        fields = ("timbre.pitch_hz", "prosody.pitch_semitones", "prosody.range")
        model, knobs = None, Set()
        if wanted is not None or prosody.pitch_semitones or prosody.range != PLAIN.prosody.range:
            model = self._model(name)
        if model is not None:
            knobs = model.knobs((wanted or model.plain_hz) * 2 ** (prosody.pitch_semitones / 12), prosody.range)
        mapper.knob("pitch", knobs.pitch)
        mapper.knob("range", knobs.range)
        for field, reached in zip(fields, (knobs.reached_hz, knobs.reached_hz, knobs.reached_range), strict=True):
            if model is None:
                mapper.say(field, "ignored", f"{name} has no pitch")
            elif reached:
                mapper.say(field, "honoured")
            else:
                mapper.say(field, "approximated", "as far as the knob goes")

    def _model(self, name: str) -> PitchModel | None:
        """Measured where it is first asked for, on the calibration text."""
        if name not in self._models:
            self._models[name] = measure(lambda pitch, range_: self._median_hz(name, pitch, range_))
        return self._models[name]

    def _median_hz(self, name: str, pitch: int, range_: int) -> float:
        parameters = {RATE: WORDS_PER_MINUTE, PITCH: pitch, RANGE: range_}
        pcm, _ = self._library.render(name, parameters, calibrate.TEXT, calibrate.SEED)
        return median_hz(pitch_contour_hz(to_float32(pcm), RATE_HZ))


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


def _paused(pcm: Float32, marks: list[Marker], factor: float) -> tuple[Float32, list[Marker]]:
    """The speech with its pauses scaled, and its marks where they then are."""
    if factor == PLAIN.prosody.pauses:
        return pcm, marks
    stretched, moved = with_pauses(pcm, RATE_HZ, factor)
    return stretched, [
        replace(mark, start_sample=round(moved.to(mark.start_sample)), end_sample=round(moved.to(mark.end_sample)))
        for mark in marks
    ]


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
