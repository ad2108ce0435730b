"""Replies from any OpenAI-compatible endpoint: Ollama, llama.cpp, vLLM, a provider's.

    OpenAiReplies --Endpoint.stream (completions.py)--> POST /v1/chat/completions

The key comes from the environment and is never shown, not even where the server repeats it. Closing the iterator
closes the connection, which is how such servers are told to stop.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from adapters import endpoint
from adapters.base import AdapterError, Capability, Message
from adapters.completions import Endpoint, Patience

if TYPE_CHECKING:
    from adapters.registry import Context

SECTION = "llm.openai"  # of the configuration
LOAD_TIMEOUT_S = 120.0  # for the first token ever: Ollama loads the model, gigabytes from a disk

SPOKEN = (
    "You are a friendly voice assistant. Your words are spoken aloud. Answer in one to three short, plain "
    "sentences. Use no markup, lists, emoji or abbreviations, and write numbers as they are said."
)


class OpenAiReplies:
    """Answers of a chat model behind an endpoint."""

    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        url: str = "http://127.0.0.1:11434/v1"  # Ollama's; /v1 is added where there is no path
        model: str = ""  # empty: the first that the endpoint lists
        system: str = SPOKEN
        temperature: float | None = Field(default=0.7, ge=0.0, le=2.0)  # None: the server decides
        max_tokens: int = Field(default=300, ge=0)  # 0: the server decides
        api_key_env: str = ""  # name of the environment variable that holds the key; empty: no key
        first_token_timeout_s: float = Field(default=20.0, gt=0.0)
        stall_timeout_s: float = Field(default=10.0, gt=0.0)  # between two pieces of text

        @field_validator("url")
        @classmethod
        def _base(cls, url: str) -> str:
            return base_url(url)

    def __init__(self, options: Options, context: Context) -> None:
        self._options = options
        self._endpoint = Endpoint(options.url, SECTION, endpoint.key(options.api_key_env, _KEY_SETTING))
        self._model = options.model

    def describe(self) -> Capability:
        return Capability(
            name="openai", version="1", role="llm", streaming=True, unit="tokens", supports_barge_in=True,
            delivery="push", egress=(urlsplit(self._options.url).hostname or "",),
        )  # fmt: skip

    async def warm_up(self) -> None:
        """Ask for one token: servers load a model when it is first asked."""
        hello = [Message("user", "Hello.")]
        patience = Patience(LOAD_TIMEOUT_S, LOAD_TIMEOUT_S)
        async for _ in self._endpoint.stream(_CHAT, await self._body(hello, max_tokens=1), patience):
            pass

    async def reply(self, messages: Sequence[Message]) -> AsyncIterator[str]:
        options = self._options
        patience = Patience(options.first_token_timeout_s, options.stall_timeout_s)
        async with aclosing(self._endpoint.stream(_CHAT, await self._body(messages), patience)) as pieces:
            async for piece in pieces:
                yield piece

    async def close(self) -> None:
        await self._endpoint.close()

    async def _body(self, messages: Sequence[Message], max_tokens: int = 0) -> dict[str, Any]:
        """The request. A setting that is left to the server is left out."""
        options = self._options
        if not self._model:
            self._model = await self._first_model()
        system = [Message("system", options.system)] if options.system else []
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": each.role, "content": each.text} for each in [*system, *messages]],
        }
        if options.temperature is not None:
            body["temperature"] = options.temperature
        if max_tokens or options.max_tokens:
            body["max_tokens"] = max_tokens or options.max_tokens
        return body

    async def _first_model(self) -> str:
        models = await self._endpoint.models()
        if not models:
            line = f"llm.openai.url {self._endpoint.base} has no model: load one there, or set llm.openai.model"
            raise AdapterError("missing", line)
        return models[0]


def base_url(url: str) -> str:
    """The base of an endpoint that holds chats. Raises ValueError."""
    return endpoint.base_url(url, _CHAT, _KEY_SETTING)


_CHAT = "chat/completions"
_KEY_SETTING = f"{SECTION}.api_key_env"
