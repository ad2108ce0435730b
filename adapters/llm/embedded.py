"""Embedded replies: llama.cpp with a small model in a process of its own, needing no server and no key.

    EmbeddedReplies --Endpoint.stream--> llama_server (child process), /v1/completions on loopback

Rules. The model is a base model: it continues a conversation that begins with examples (`preamble`,
`shots`), and stops at the end of a line. That beginning never changes, so it is computed once, in
warm_up, and kept. The history is cut to a fixed number of characters, in steps, so that most turns
find the one before in the cache as well. A process that crashes is an AdapterError; the next reply
starts it again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from adapters.base import AdapterError, Capability, Message
from adapters.completions import Endpoint, Patience
from adapters.llm.llama_server import SETTING, LlamaProcess

if TYPE_CHECKING:
    from adapters.registry import Context

WEIGHTS, FILE = "gemma-3-270m", "gemma-3-270m-q4_k_m.gguf"

CONTEXT_TOKENS = 2048  # examples (120), four messages at a token a character at worst, the reply
HISTORY_CHARS = 400  # of the conversation so far: a base model copies its own older answers
HISTORY_STEP = 4  # messages dropped at once when it is full: what stays is computed anew, 0.4 s, once
MESSAGE_CHARS = 300  # of one message, its end: twenty seconds of speech
REPEAT_PENALTY = 1.1  # without it most answers began alike
PATIENCE = Patience(first_s=30.0, next_s=15.0)  # a slow machine that is busy; a cached prompt takes 0.05 s
WORD_CHARS = 30  # longer than any word in speech: a number that goes on and on
REPEAT_WORDS = 5  # a run of as many words said a second time: a small model that goes in circles

PREAMBLE = "The following is a conversation with a friendly voice assistant that answers in one or two short sentences."
SHOTS = (
    ("Hello, how are you?", "I am very well, thank you. What can I do for you?"),
    ("What is the capital of Italy?", "The capital of Italy is Rome."),
    ("Why do leaves fall in autumn?", "Trees drop their leaves to save water and energy for the winter."),
    ("Can you recommend something for dinner?", "How about vegetable soup with fresh bread?"),
)


class EmbeddedReplies:
    """Answers of the model that comes with us."""

    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        model_path: Path | None = None  # a GGUF file; None: the catalogue's
        # One: its threads wait for each other by spinning, and beside other engines on the same cores
        # two were seen to take 2 s for a token that one makes in 20 ms.
        threads: int = Field(default=1, ge=1, le=64)
        preamble: str = PREAMBLE
        shots: list[tuple[str, str]] = Field(default_factory=lambda: list(SHOTS))  # (user, assistant)
        max_tokens: int = Field(default=80, ge=1, le=400)
        temperature: float = Field(default=0.0, ge=0.0, le=2.0)
        seed: int = 1

    def __init__(self, options: Options, context: Context) -> None:
        self._options = options
        self._context = context
        self._running: tuple[LlamaProcess, Endpoint] | None = None
        self._changing = asyncio.Lock()

    def describe(self) -> Capability:
        try:
            engine = version("xllamacpp")
        except PackageNotFoundError:
            engine = ""
        return Capability(
            name="embedded", version=engine, role="llm", streaming=True, unit="tokens",
            supports_barge_in=True, supports_seed=True, delivery="push", isolation="process",
        )  # fmt: skip

    async def warm_up(self) -> None:
        """Start the process and let it compute the examples. Raises AdapterError."""
        async for _ in self._pieces({**self._body([Message("user", "Hello.")]), "max_tokens": 1}):
            pass

    async def reply(self, messages: Sequence[Message]) -> AsyncIterator[str]:
        said = ""
        async with aclosing(self._pieces(self._body(messages))) as pieces:
            async for piece in pieces:
                piece = piece if said else piece.lstrip()  # the space behind "Assistant:"
                said += piece
                if piece:
                    yield piece
                if goes_in_circles(said):
                    return

    async def close(self) -> None:
        async with self._changing:
            running, self._running = self._running, None
        if running is not None:
            process, endpoint = running
            await endpoint.close()
            await process.end()

    async def _pieces(self, body: Mapping[str, Any]) -> AsyncGenerator[str]:
        """Stream from the process, started where there is none. One that failed is not asked again."""
        async with self._changing:  # two replies at once start one process
            if self._running is None:
                model = await asyncio.to_thread(self._model)  # may read the whole file to check it
                started = await LlamaProcess.start(model, self._options.threads, CONTEXT_TOKENS)
                self._running = started, Endpoint(started.url, SETTING, started.key)
            running = process, endpoint = self._running
        try:
            async with aclosing(endpoint.stream("completions", body, PATIENCE)) as pieces:
                async for piece in pieces:
                    yield piece
        except AdapterError as error:
            if self._running is running:
                self._running = None
            await endpoint.close()
            await process.end()
            raise process.post_mortem(error) from None

    def _model(self) -> Path:
        if find_spec("xllamacpp") is None:
            raise AdapterError("missing", f"{SETTING} needs xllamacpp: pip install 'duckbill[embedded]'")
        path = self._options.model_path
        if path is None:
            folder: Path = self._context.weights.locate(WEIGHTS)
            return folder / FILE
        if not path.is_file():
            raise AdapterError("missing", f"{SETTING}.model_path {path} is no file: name a GGUF file")
        return path.absolute()

    def _body(self, messages: Sequence[Message]) -> dict[str, Any]:
        options = self._options
        return {
            "prompt": prompt(options.preamble, options.shots, messages),
            "stop": ["\n", "User:"],
            "max_tokens": options.max_tokens,
            "temperature": options.temperature,
            "seed": options.seed,
            "repeat_penalty": REPEAT_PENALTY,
            "cache_prompt": True,
        }


def prompt(preamble: str, shots: Sequence[tuple[str, str]], messages: Sequence[Message]) -> str:
    """What the model is to continue: the examples as one conversation, then the real one."""
    lines = [preamble]
    for question, answer in shots:
        lines += [f"User: {question}", f"Assistant: {answer}"]
    lines += [f"{message.role.capitalize()}: {_line(message)}" for message in recent(messages)]
    return "\n".join([*lines, "Assistant:"])


def recent(messages: Sequence[Message]) -> list[Message]:
    """The end of the conversation that fits into HISTORY_CHARS. System messages are for chat models."""
    kept = [message for message in messages if message.role != "system"]
    while len(kept) > HISTORY_STEP and sum(len(_line(message)) for message in kept) > HISTORY_CHARS:
        kept = kept[HISTORY_STEP:]
    return kept


def _line(message: Message) -> str:
    """A message on one line, for a line's end is a turn's end here; of a long one the end."""
    return " ".join(message.text.split())[-MESSAGE_CHARS:]


def goes_in_circles(said: str) -> bool:
    """The last REPEAT_WORDS words were said before, or the last word does not end."""
    words = re.findall(r"\w+", said.lower())
    tail = words[-REPEAT_WORDS:]
    earlier = range(len(words) - REPEAT_WORDS)
    if tail and len(tail[-1]) > WORD_CHARS:
        return True
    return len(tail) == REPEAT_WORDS and any(words[at : at + REPEAT_WORDS] == tail for at in earlier)
