"""Piper: a neural voice that is really pulled, decoder frame by decoder frame.

piper-tts renders a whole sentence a call. Here its graph is cut (see piper_graph): opening a span runs the text
and the flow once, and each pull decodes just the frames asked for. Noise comes from the span's seed, so the
same span gives the same bytes; frames per phoneme give word times for nothing. A graph that cannot
be cut is spoken whole, and the capability says so. piper-tts is GPL-3.0 and stays an optional extra.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from adapters.base import AdapterError, AudioChunk, Capability, Cost, Limits, Marker, Natural, Span
from adapters.registry import Context
from adapters.runtime import session
from adapters.tts.align import align, speakable, tokens
from adapters.tts.calibrate import TEXT as CALIBRATION
from adapters.tts.calibrate import natural
from adapters.tts.emotion import coloured
from adapters.tts.level import set_level
from adapters.tts.piper_pace import PaceCurve, measure
from adapters.tts.piper_parts import WHAT, Parts, load_parts
from adapters.voice import PLAIN, Mapper, Projection, Voice
from stitcher.gain import amplified
from stitcher.pcm import Float32

RUNGS = (8, 12, 16, 24, 32, 48, 64, 96)
PEAK = 0.6  # of full scale, for the loudest sample of the warm-up sentence: others peak up to 5 dB higher
TEXT_CHARS = 1000  # attention takes memory with the square of it: ten times as much asks for over 20 GB
WARM_UP = "The quick brown fox jumps over the lazy dog, and then it rests for a while."
WARM_UP_SEED = 1


class PiperTts:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        weights: str = Field("piper-en_US-joe-medium", description="entry of the catalogue of weights")
        model_path: str = Field("", description="a voice's .onnx file instead; its .onnx.json lies beside it")
        threads: int = Field(2, ge=1)
        whole: bool = Field(False, description="do not cut the graph: render whole sentences")

    def __init__(self, options: Options, context: Context) -> None:
        self.options = options
        self.context = context
        self._cost: Cost | None = None
        self._natural: Natural | None = None
        self._gain = 1.0
        self._sha256 = ""

    # -- describing -----------------------------------------------------------------------

    @cached_property
    def path(self) -> Path:
        """The voice's .onnx file."""
        if self.options.model_path:
            path = Path(self.options.model_path).expanduser()
            if not path.is_file():
                raise AdapterError("missing", f"tts.piper.model_path: there is no file {path}")
            return path
        return self.context.weights.files(self.options.weights)[0]

    @cached_property
    def voice(self) -> Any:
        """piper-tts's own text side: phonemes and ids; its session is not used."""
        try:
            from piper import PiperVoice
            from piper.config import PiperConfig
        except ImportError as error:
            line = "tts.adapter piper needs piper-tts: pip install 'duckbill[piper]'"
            raise AdapterError("missing", line) from error

        side = self.path.with_name(self.path.name + ".json")
        try:
            config = PiperConfig.from_dict(json.loads(side.read_text("utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            line = f"{side} cannot be read ({error}); run: duckbill models fetch {self.options.weights}"
            raise AdapterError("corrupt", line) from error
        return PiperVoice(session=None, config=config)

    @cached_property
    def parts(self) -> Parts | None:
        """The three sessions of the cut graph; None where it is spoken whole."""
        if self.options.whole:
            return None
        return load_parts(self.path, self.context.cache / "piper", self.options.threads)

    @cached_property
    def whole(self) -> Any:
        return session(str(self.path), self.options.threads, WHAT)

    def describe(self) -> Capability:
        config = self.voice.config
        speakers = tuple(config.speaker_id_map) or (self.path.stem,)
        cut = self.parts is not None
        return Capability(
            name="piper", version="1", role="tts", streaming=cut, unit="frames", unit_samples=config.hop_length,
            granularity=RUNGS, voices=speakers, supports_barge_in=True, supports_seed=cut, deterministic=cut,
            rate_hz=config.sample_rate, markers="measured" if cut else "none", limits=Limits(text_chars=TEXT_CHARS),
            cost=self._cost, natural=self._natural, weights_sha256=self._sha256,
        )  # fmt: skip

    def warm_up(self, voice: Voice = PLAIN) -> None:
        """Load, speak one sentence at the smallest and the largest rung, and set the level by its peak: in the plain
        voice, so that the level does not depend on which voice was asked for first. Then listen to `voice`."""
        clock = self.context.clock
        start_ns = clock.now_ns()
        if not self.options.model_path:
            self._sha256 = self.context.weights.sha256(self.options.weights)
        else:
            self._sha256 = hashlib.sha256(self.path.read_bytes()).hexdigest()
        self._gain = 1.0
        span = Span(WARM_UP, PLAIN, WARM_UP_SEED)
        self.open(span)  # the first run of a session also plans its memory
        opened_ns = clock.now_ns()
        synthesis = self.open(span)
        open_ns = clock.now_ns() - opened_ns
        costs, peak = [], 0.0
        for units in (RUNGS[0], RUNGS[-1], *RUNGS, RUNGS[0], RUNGS[-1]):
            begin_ns = clock.now_ns()
            chunk = synthesis.pull(units, True)
            costs.append((chunk.units, clock.now_ns() - begin_ns))
            peak = max(peak, float(np.abs(chunk.pcm).max(initial=0.0)))
            if chunk.eos:
                synthesis = self.open(span)
        self._gain = PEAK / max(peak, 1e-3)
        (few, few_ns), (many, many_ns) = costs[-2:]
        unit_ns = max(0, many_ns - few_ns) // max(1, many - few)
        self._cost = Cost(opened_ns - start_ns, 0, open_ns // len(WARM_UP), max(0, few_ns - unit_ns * few), unit_ns)
        self._natural = natural(self, voice)

    def close(self) -> None:
        pass

    # -- speaking -------------------------------------------------------------------------

    def open(self, span: Span) -> PiperSynthesis:
        if len(span.text) > TEXT_CHARS:
            line = (
                f"a span of {len(span.text)} characters is more than the {TEXT_CHARS} piper takes: cut it into phrases"
            )
            raise AdapterError("refused", line)
        config = self.voice.config
        knobs = self.project(span.voice).knobs
        text = speakable(span.text)
        phonemes = self._phonemes(text)
        ids, starts = self._ids(phonemes)
        feed = self._feed(ids, knobs["length_scale"], knobs["speaker"])
        if self.parts is None:
            known = {value.name for value in self.whole.get_inputs()}
            pcm = self.whole.run(None, {name: value for name, value in feed.items() if name in known})[0]
            return PiperSynthesis(config.hop_length, self._gain, knobs["gain_db"], pcm=pcm.ravel())
        latent = self.parts.latent(feed, span.seed)
        marks = self._marks(text, phonemes, starts, latent.frames_per_id, config.hop_length)
        return PiperSynthesis(
            config.hop_length, self._gain, knobs["gain_db"], parts=self.parts, latent=latent, marks=marks
        )

    def project(self, voice: Voice) -> Projection:
        mapper, shaped = Mapper(voice, "piper"), coloured(voice)
        mapper.knob("speaker", self._speaker(mapper.cast), "timbre.names")
        self._set_pace(mapper, shaped.pace)
        set_level(mapper, shaped)
        mapper.say("emotion_priors", "approximated", "by pace and level; its pitch has no knob")
        spoken = self.voice.config.espeak_voice
        same = spoken.lower() == voice.accent.lower()
        mapper.say("accent", "honoured" if same else "ignored", f"the voice speaks {spoken}")
        return mapper.done()

    def _set_pace(self, mapper: Mapper, pace: float) -> None:
        own = self.voice.config.length_scale
        if pace == PLAIN.pace:
            mapper.knob("length_scale", own, "pace")
        elif self._paces is None:  # spoken whole: nobody has counted its frames
            mapper.knob("length_scale", own / pace, "pace", how="approximated", detail="by its own measure")
        else:
            scale, reached = self._paces.scale(pace)
            mapper.knob("length_scale", own * scale, "pace", how="honoured" if reached else "approximated",
                        detail="" if reached else "as far as it goes")  # fmt: skip

    @cached_property
    def _paces(self) -> PaceCurve | None:
        """Measured where it is first asked for."""
        parts, own = self.parts, self.voice.config.length_scale
        if parts is None:
            return None
        phonemes = self._phonemes(CALIBRATION)
        ids, starts = self._ids(phonemes)
        spoken = slice(starts[0], starts[len("".join(phonemes).rstrip(" ."))])  # without the silence at the ends
        return measure(lambda scale: parts.frames_per_id(self._feed(ids, own * scale, 0), WARM_UP_SEED)[spoken].sum())

    def _speaker(self, timbre: str) -> int:
        ids = self.voice.config.speaker_id_map
        if timbre in ("", self.path.stem):
            return 0
        if timbre not in ids:
            known = ", ".join(list(ids)[:10]) or self.path.stem
            raise AdapterError("missing", f"tts.voice {timbre!r} is unknown to this piper voice; it has: {known}")
        return int(ids[timbre])

    def _phonemes(self, text: str) -> list[str]:
        return [p for sentence in self.voice.phonemize(text) for p in (*sentence, " ")]

    def _feed(self, ids: list[int], length_scale: float, speaker: int) -> dict[str, Any]:
        """The graph's own inputs."""
        config = self.voice.config
        return {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array([config.noise_scale, length_scale, config.noise_w_scale], np.float32),
            "sid": np.array([speaker], np.int64),
        }

    def _ids(self, phonemes: list[str]) -> tuple[list[int], list[int]]:
        """Phonemes -> ids, and the index of each phoneme's first id (one more at the end)."""
        id_map = self.voice.config.phoneme_id_map
        ids, starts = [*id_map["^"], *id_map["_"]], []
        for phoneme in phonemes:
            starts.append(len(ids))
            if phoneme in id_map:
                ids += [*id_map[phoneme], *id_map["_"]]
        starts.append(len(ids))
        return [*ids, *id_map["$"]], starts

    def _marks(
        self, text: str, phonemes: list[str], starts: list[int], frames_per_id: np.ndarray, hop: int
    ) -> list[Marker]:
        """Token times from frames per phoneme id."""
        at = np.concatenate(([0], np.cumsum(frames_per_id))) * hop
        spans = tokens(text)
        own = ["".join(p for part in self.voice.phonemize(text[a:b]) for p in part) for a, b in spans]
        marks = []
        for (start, end), place in zip(spans, align(phonemes, own), strict=True):
            if place is not None:
                marks.append(Marker(start, end, int(at[starts[place[0]]]), int(at[starts[place[1]]])))
        return marks


class PiperSynthesis:
    """A span: its latent frames to be decoded on demand, or its whole audio to be handed out in pieces."""

    def __init__(
        self, hop: int, gain: float, gain_db: float, *, parts: Parts | None = None, latent: Any = None,
        marks: list[Marker] | None = None, pcm: Float32 | None = None,
    ) -> None:  # fmt: skip
        self._hop, self._gain, self._gain_db = hop, gain, gain_db
        self._parts, self._latent, self._pcm = parts, latent, pcm
        self._marks = marks or []
        self._done = 0
        self.units = latent.frames if pcm is None else -(-pcm.size // hop)

    def pull(self, units: int, low_latency: bool) -> AudioChunk:
        latent, whole = self._latent, self._pcm  # another thread may close it meanwhile
        start, end = self._done, min(self.units, self._done + units)
        if start == end or (latent is None and whole is None):
            return AudioChunk(np.zeros(0, np.float32), 0, (), True)
        self._done = end
        if whole is not None:
            pcm = whole[start * self._hop : end * self._hop]
        else:
            assert self._parts is not None
            pcm = self._parts.decode(latent, start, end, self._hop)
        marks = tuple(m for m in self._marks if start * self._hop <= m.start_sample < end * self._hop)
        # A loud word may pass the warm-up's peak by more than there is room.
        levelled = np.clip(amplified((pcm * self._gain).astype(np.float32), self._gain_db), -1.0, 1.0)
        return AudioChunk(levelled, end - start, marks, end >= self.units)

    def close(self) -> None:
        self._latent, self._pcm = None, None
