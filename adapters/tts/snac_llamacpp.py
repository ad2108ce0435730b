"""Orpheus and its kin: a language model that writes audio tokens, on a llama.cpp server, and SNAC's decoder here.

    text --prompt--> llama.cpp server --tokens--> FrameReader --frames--> SnacDecoder --PCM--> pull
         (one request a span)                  (snac.py)            (snac_decoder.py)

The unit is one SNAC frame: seven tokens, 2,048 samples, 85 ms; single tokens have no sound. A frame is heard once the
two after it are there, or the end: so the first frame and the last are heard too, however short the text.

A llama.cpp server writes at its own speed, read or not: what it may be ahead is bounded by `max_tokens`. Here no more
is read ahead than the HTTP client's buffer holds, 128 KiB or some 400 tokens. Closing a synthesis closes its
connection, and the server stops. The seed is the span's, for the tokens and for the decoder's noise: the same tokens
give the same bytes. But the same seed gives the same tokens only where the server computes alike each time, so this
voice does not call itself deterministic. A fault while a span is opened is worth another try; a later one is not, for
other words may come. Word times are not known.

The path is tested, the sound is not: with a small decoder of random weights, a server of the tests' own, and llama.cpp
with a model of no sense. Orpheus is Apache-2.0 on top of Llama 3.2, whose community licence holds for it; SNAC is MIT.
"""

from __future__ import annotations

import importlib.metadata
import re
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from adapters.base import AdapterError, Capability, Cost, Limits, Span
from adapters.completions import Endpoint, Patience
from adapters.endpoint import Peer, base_url, key
from adapters.registry import Context
from adapters.tts.align import speakable
from adapters.tts.costs import measure
from adapters.tts.read_by_threads import ThreadedStream, run
from adapters.tts.snac import END_TOKEN, FRAME_SAMPLES, RATE_HZ, TOKEN_CHARS_MOST
from adapters.tts.snac_decoder import SnacDecoder
from adapters.tts.snac_synthesis import SnacSynthesis
from adapters.voice import PLAIN, Mapper, Projection, Voice

SECTION = "tts.snac_llamacpp"  # of the configuration
KEY_SETTING = f"{SECTION}.api_key_env"
PATH = "completions"
RUNGS = (1, 2, 3, 4, 6, 8, 12)  # frames: 85 ms to 1 s
TEXT_CHARS = 300  # of one span, some 20 s: such models lose their way in longer ones
MAX_TOKENS = 2400  # 29 s, half as long again as the longest text takes
SEEDS = 2**32 - 1  # llama.cpp draws a seed of its own for the last one
WARM_UP = "The quick brown fox jumps over the lazy dog."
WARM_UP_SEED = 1

WOMEN, MEN = ("tara", "leah", "jess", "mia", "zoe"), ("leo", "dan", "zac")
"""The voices that Orpheus 3B (English) was tuned to."""

PROMPT = "<custom_token_3><|begin_of_text|>{voice}: {text}<|eot_id|><custom_token_4><custom_token_5><custom_token_1>"
"""A human's turn, closed, and speech begun, as Orpheus was trained."""

_STEERING = re.compile(r"<(?=\||custom_token_)")  # what in a text would be read as a token that steers the model


class SnacLlamacppTts:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        url: str = Field(
            "http://127.0.0.1:8080", description="of a llama.cpp server; /v1 is added where it has no path"
        )
        model: str = Field("", description="where the server has several; empty: its own")
        api_key_env: str = Field("", description="name of the environment variable that holds the key; empty: no key")
        decoder_path: str = Field("", description="SNAC's decoder for 24 kHz, an .onnx file")
        threads: int = Field(2, ge=1, description="of the decoder")
        before_frames: int = Field(2, ge=0, le=8, description="context of the decoder; 3 is all that SNAC can hear")
        after_frames: int = Field(2, ge=0, le=8, description="the same on the other side, waited for before each frame")
        voice: str = Field("tara", description="who speaks where a persona does not say")
        voices: tuple[str, ...] = Field((*WOMEN, *MEN), description="those that the model was tuned to")
        prompt: str = Field(PROMPT, description="with {voice} and {text}")
        temperature: float = Field(0.6, ge=0, le=2)
        top_p: float = Field(0.9, gt=0, le=1)
        repeat_penalty: float = Field(1.1, ge=1, le=2, description="Orpheus is unstable below 1.1")
        max_tokens: int = Field(MAX_TOKENS, ge=7)
        first_token_timeout_s: float = Field(15.0, gt=0)
        stall_timeout_s: float = Field(5.0, gt=0, description="between two tokens")

        @field_validator("url")
        @classmethod
        def _base(cls, url: str) -> str:
            return base_url(url, PATH, KEY_SETTING)

        @field_validator("prompt")
        @classmethod
        def _whole(cls, prompt: str) -> str:
            if "{voice}" not in prompt or "{text}" not in prompt:
                raise ValueError("a prompt needs {voice} and {text}")
            return prompt

    def __init__(self, options: Options, context: Context) -> None:
        self.options = options
        self.clock = context.clock
        secret = key(options.api_key_env, KEY_SETTING)
        self._peer = Peer(options.url, f"{SECTION}.url", secret)
        self._endpoint = Endpoint(options.url, SECTION, secret)
        self._cost: Cost | None = None

    @cached_property
    def decoder(self) -> SnacDecoder:
        options, setting = self.options, f"{SECTION}.decoder_path"
        path = Path(options.decoder_path).expanduser()
        if not path.is_file():
            what = f"there is no file {path}" if options.decoder_path else "is not set"
            raise AdapterError("missing", f"{setting} {what}: name SNAC's decoder for 24 kHz, an .onnx file")
        return SnacDecoder(path, options.threads, options.before_frames, options.after_frames, setting)

    def describe(self) -> Capability:
        return Capability(
            name="snac_llamacpp", version=_version(), role="tts", streaming=True, unit="frames",
            unit_samples=FRAME_SAMPLES, granularity=RUNGS, voices=self.options.voices, supports_barge_in=True,
            supports_seed=True, delivery="push", rate_hz=RATE_HZ, limits=Limits(text_chars=TEXT_CHARS),
            cost=self._cost, egress=(urlsplit(self.options.url).hostname or "",),
        )  # fmt: skip

    def warm_up(self, voice: Voice = PLAIN) -> None:
        """Load the decoder, let the server load its model, and speak one sentence on two rungs."""
        self._cost = measure(self, Span(WARM_UP, voice, WARM_UP_SEED), RUNGS[0], RUNGS[3], self.clock)

    def project(self, voice: Voice) -> Projection:
        mapper = Mapper(voice, "snac_llamacpp")
        name, known = mapper.cast or self.options.voice, self.options.voices
        if not mapper.cast and voice.timbre.gender in ("female", "male"):
            kin = [one for one in (WOMEN if voice.timbre.gender == "female" else MEN) if one in known]
            if kin:
                name = name if name in kin else kin[0]
                mapper.say("timbre.gender", "honoured", f"spoken by {name}")
        if name not in known:
            line = f"tts.voice {name!r} is unknown to snac_llamacpp; {SECTION}.voices has: {', '.join(known) or 'none'}"
            raise AdapterError("missing", line)
        mapper.knob("voice", name, "timbre.names")
        return mapper.done()

    def open(self, span: Span) -> SnacSynthesis:
        options = self.options
        text = " ".join(_STEERING.sub("< ", speakable(span.text)).split())
        voice = self.project(span.voice).knobs["voice"]
        body = {
            "prompt": options.prompt.replace("{voice}", voice).replace("{text}", text),
            "max_tokens": options.max_tokens,
            "temperature": options.temperature,
            "top_p": options.top_p,
            "top_k": 0,  # llama.cpp would else keep only 40 tokens, and
            "min_p": 0.0,  # none that is a twentieth as likely as the first: Orpheus' own code does neither
            "repeat_penalty": options.repeat_penalty,
            "seed": span.seed % SEEDS,
            "stop": [END_TOKEN],
        }
        if options.model:
            body["model"] = options.model
        decoder, tokens = self.decoder, None
        if text:
            patience = Patience(options.first_token_timeout_s, options.stall_timeout_s)
            chars_most = options.max_tokens * TOKEN_CHARS_MOST
            tokens = ThreadedStream(self._endpoint.stream(PATH, body, patience, chars_most))
        return SnacSynthesis(tokens, span.seed, decoder, self._peer, SECTION, options.max_tokens)

    def close(self) -> None:
        run(self._endpoint.close())


def _version() -> str:
    try:
        return importlib.metadata.version("onnxruntime")
    except importlib.metadata.PackageNotFoundError:
        return "absent"
