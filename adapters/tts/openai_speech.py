"""Any server that speaks OpenAI's `/v1/audio/speech`: a provider's, or one of your own such as Kokoro-FastAPI.

    open(span) -> POST at once -> Prefetch -> pull(units)

Rules. Nothing is sent anywhere but to the host of `base_url`, and that is declared, a loopback too. The key comes from
the environment and is never shown. The server pushes; what is received ahead of what was pulled is bounded, and the
rest waits in the network. A request can be made again as long as nothing of it was heard: after that nobody can say
where in the text the voice had been, so a fault is final. The same text may sound different each time.
Words have no times: the server tells none, and an estimate by proportion, which needs the length of the whole, is made
by the ledger itself when all is there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from adapters import endpoint
from adapters.base import AdapterError, AudioChunk, Capability, Cost, Limits, Span
from adapters.registry import Context
from adapters.tts.align import speakable
from adapters.tts.in_words import in_words
from adapters.tts.speech_client import KEY_SETTING, PATH, SECTION, Shape, SpeechClient, SpeechStream
from adapters.voice import PLAIN, Mapper, Projection, Voice

UNIT_MS = 10
RUNGS = (8, 12, 16, 24, 32, 48, 64)
PREFETCH_S = 10  # rides out a network's hiccups; 1 MB, and an interruption finds no more than that sent in vain
SLACK_S = 5.0  # by which our own word of a stall comes before the core's
WARM_UP = "Hello there, how are you today?"  # a provider charges for it, so it is short
PLACE = "{persona}"


class OpenAiSpeechTts:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        base_url: str = Field(
            "http://127.0.0.1:8880/v1", description="Kokoro-FastAPI's; /v1 is added where there is no path"
        )
        model: str = "tts-1"
        voice: str = "alloy"
        api_key_env: str = Field("", description="name of the environment variable that holds the key; empty: no key")
        instructions_template: str = Field(
            "", description='such as "Speak like this: {persona}."; empty: the server is told no instructions'
        )
        response_format: Literal["pcm", "wav"] = Field("pcm", description="wav for a server that has no pcm")
        rate_hz: int = Field(24_000, ge=8_000, le=48_000, description="of the PCM that the server sends")
        timeout_s: float = Field(15.0, gt=0.0, description="without a byte, until the server is taken for stalled")

        @field_validator("base_url")
        @classmethod
        def _base(cls, url: str) -> str:
            return endpoint.base_url(url, PATH, KEY_SETTING)

        @field_validator("instructions_template")
        @classmethod
        def _template(cls, template: str) -> str:
            if template and PLACE not in template:
                raise ValueError(f"write {PLACE} where the voice is to be described")
            return template

        @field_validator("rate_hz")
        @classmethod
        def _rate(cls, rate_hz: int) -> int:
            if rate_hz * UNIT_MS % 1000:
                raise ValueError(f"no whole number of samples in {UNIT_MS} ms: choose a multiple of {1000 // UNIT_MS}")
            return rate_hz

    def __init__(self, options: Options, context: Context) -> None:
        self.options = options
        self.clock = context.clock
        self._unit_samples = options.rate_hz * UNIT_MS // 1000
        peer = endpoint.Peer(options.base_url, f"{SECTION}.base_url", endpoint.key(options.api_key_env, KEY_SETTING))
        shape = Shape(options.rate_hz, self._unit_samples, PREFETCH_S * 1000 // UNIT_MS)
        self._client = SpeechClient(peer, shape, options.timeout_s)
        self._cost: Cost | None = None

    def describe(self) -> Capability:
        timeout_ms = int((self.options.timeout_s + SLACK_S) * 1000)
        return Capability(
            name="openai_speech", version="1", role="tts", streaming=True, unit="ms", unit_samples=self._unit_samples,
            granularity=RUNGS, supports_barge_in=True, delivery="push", rate_hz=self.options.rate_hz, markers="none",
            limits=Limits(timeout_ms=timeout_ms), cost=self._cost,
            egress=(urlsplit(self.options.base_url).hostname or "",),
        )  # fmt: skip

    def warm_up(self, voice: Voice = PLAIN) -> None:
        """Speak twice: the first time a connection is made and the server may load its model."""
        first_ns, _, _ = self._time(voice)
        wait_ns, rest_ns, rest_units = self._time(voice)
        self._cost = Cost(max(0, first_ns - wait_ns), wait_ns, 0, 0, rest_ns // max(1, rest_units))

    def project(self, voice: Voice) -> Projection:
        mapper = Mapper(voice, "openai_speech")
        mapper.knob("voice", mapper.cast or self.options.voice, "timbre.names")
        if voice.pace != 1.0:  # left out where nothing is asked: not every server knows it
            mapper.knob(
                "speed", voice.pace, "pace", how="approximated", detail="sent as speed; not every model heeds it"
            )
        told = in_words(voice)
        if told and self.options.instructions_template:
            text = self.options.instructions_template.replace(PLACE, ", ".join(told.values()))
            mapper.knob("instructions", text, *told, how="approximated", detail="told in words")
        for one in told if not self.options.instructions_template else ():
            mapper.say(one, "ignored", f"set {SECTION}.instructions_template to have it told in words")
        return mapper.done()

    def open(self, span: Span) -> SpeechSynthesis:
        text = speakable(span.text)
        knobs = dict(self.project(span.voice).knobs)
        body = {"model": self.options.model, "input": text, "response_format": self.options.response_format, **knobs}
        if not text.strip():  # servers refuse it
            return SpeechSynthesis(None, self._unit_samples)
        must_sound = any(letter.isalnum() for letter in text)
        return SpeechSynthesis(lambda: self._client.speak(body, must_sound), self._unit_samples)

    def close(self) -> None:
        self._client.close()

    def _time(self, voice: Voice) -> tuple[int, int, int]:
        """Nanoseconds until the first chunk and from there to the end, and how many units came after the first."""
        start_ns = self.clock.now_ns()
        synthesis = self.open(Span(WARM_UP, voice, 0))
        chunk = synthesis.pull(RUNGS[0], True)
        first_ns, rest_units = self.clock.now_ns(), 0
        while not chunk.eos:
            chunk = synthesis.pull(RUNGS[-1], False)
            rest_units += chunk.units
        return first_ns - start_ns, self.clock.now_ns() - first_ns, rest_units


class SpeechSynthesis:
    """One span: asked for when it is made, and once more by the pull after a fault if nothing has been handed out."""

    units = -1  # not known before the end

    def __init__(self, ask: Callable[[], SpeechStream] | None, unit_samples: int) -> None:
        self._ask = ask
        self._unit_samples = unit_samples
        self._lock = threading.Lock()  # between who pulls and who closes
        self._stream = ask() if ask else None
        self._ended = ask is None
        self._heard = False

    def pull(self, units: int, low_latency: bool) -> AudioChunk:
        """`low_latency`: the smallest rung will do, and more only where it is here already."""
        stream = self._current()
        if stream is None:
            return AudioChunk(np.zeros(0, np.float32), 0, (), True)
        try:
            pcm, last = stream.prefetch.take(min(units, RUNGS[0]) if low_latency else units, units)
        except AdapterError as fault:
            raise self._failed(fault) from None
        self._heard, self._ended = self._heard or bool(pcm.size), self._ended or last
        return AudioChunk(pcm, -(-pcm.size // self._unit_samples), (), last)

    def close(self) -> None:
        with self._lock:
            self._ended = True
            if self._stream is not None:
                self._stream.close()

    def _current(self) -> SpeechStream | None:
        """What is to be pulled from; None after the end."""
        with self._lock:
            if self._ended:
                return None
            if self._stream is None and self._ask is not None:
                self._stream = self._ask()
            return self._stream

    def _failed(self, fault: AdapterError) -> AdapterError:
        """The fault as it is for who pulls."""
        if fault.retryable and not self._heard:
            with self._lock:
                self._stream = None
            return fault
        return AdapterError(fault.kind, fault.detail)
