"""Replies from any OpenAI-compatible endpoint: Ollama, llama.cpp, vLLM, a provider's.

    OpenAiReplies --Endpoint.stream--> POST /v1/chat/completions, read event by event (sse.py)

Rules. The key comes from the environment and is never shown, not even where the server repeats it.
Redirects are not followed: the host in the capability is the only one that is talked to. Whatever the
server does, the reader gets text or one AdapterError, within the two timeouts. Closing the iterator
closes the connection, which is how such servers are told to stop.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from adapters import endpoint
from adapters.base import AdapterError, Capability, Message
from adapters.llm import sse

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

    from adapters.registry import Context

MAX_BODY_BYTES = 1024 * 1024  # a list of models; the longest of a provider's has some 100 KiB
MAX_ERROR_BYTES = 4096  # of a refusal's body: its message comes first
LIST_TIMEOUT_S = 10.0  # for the list of models, which takes no computing
LOAD_TIMEOUT_S = 120.0  # for the first token ever: Ollama loads the model, gigabytes from a disk

SPOKEN = (
    "You are a friendly voice assistant. Your words are spoken aloud. Answer in one to three short, plain "
    "sentences. Use no markup, lists, emoji or abbreviations, and write numbers as they are said."
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for text, in seconds."""

    first_s: float
    next_s: float


class Endpoint:
    """The HTTP side of one base URL. Every fault is an AdapterError in one line."""

    def __init__(self, base: str, key: str = "") -> None:
        self.base = base
        self._peer = endpoint.Peer(base, "llm.openai.url", key)
        self._session: ClientSession | None = None

    async def models(self, timeout_s: float = LIST_TIMEOUT_S) -> list[str]:
        """The models it offers, in its order. Raises AdapterError."""
        stall = f"did not list its models within {timeout_s:g} s: check the server, or set llm.openai.model"
        async with self._peer.guard(endpoint.now_s() + timeout_s, stall):
            response = await self._client().get(f"{self.base}/models", allow_redirects=False)
            try:
                await self._check(response, "application/json")
                listed = endpoint.decode(await _read(response, MAX_BODY_BYTES)).get("data")
            finally:
                response.release()
        entries = listed if isinstance(listed, list) else []
        ids = (entry.get("id") for entry in entries if isinstance(entry, dict))
        return [name for name in ids if isinstance(name, str) and name]

    async def stream(self, path: str, body: Mapping[str, Any], patience: Patience) -> AsyncGenerator[str]:
        """Post `body` to `path` and yield the text as it comes. Raises AdapterError."""
        deadline_s = endpoint.now_s() + patience.first_s
        stall = f"gave no text in {patience.first_s:g} s: raise llm.openai.first_token_timeout_s or check it"
        url, body = f"{self.base}/{path}", {**body, "stream": True}
        async with self._peer.guard(deadline_s, stall):
            response = await self._client().post(url, json=body, allow_redirects=False)
        texts = sse.texts(response.content.iter_any())
        try:
            async with self._peer.guard(deadline_s, stall):
                await self._check(response, "text/event-stream")
            while True:
                async with self._peer.guard(deadline_s, stall):
                    text = await anext(texts, "")
                if not text:
                    return
                yield text
                # From here on: what the reader does with a piece is not the server's time.
                deadline_s = endpoint.now_s() + patience.next_s
                stall = f"fell silent for {patience.next_s:g} s: raise llm.openai.stall_timeout_s or check it"
        finally:
            await texts.aclose()
            response.release()  # closes the connection where the reply has not ended

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _client(self) -> ClientSession:
        """Made late: it belongs to the event loop that it is made in."""
        if self._session is None:
            import aiohttp

            # Not decompressed, so that what we bound is what arrives.
            headers = {"Accept-Encoding": "identity"}
            if self._peer.secret:
                headers["Authorization"] = f"Bearer {self._peer.secret}"
            self._session = aiohttp.ClientSession(
                # llama.cpp promises to keep a connection and closes it after a streamed reply.
                connector=aiohttp.TCPConnector(force_close=True),
                timeout=aiohttp.ClientTimeout(),  # none of its own: the deadlines here are
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=headers,
                auto_decompress=False,
            )
        return self._session

    async def _check(self, response: ClientResponse, content_type: str) -> None:
        """Raise where it is no answer of the kind that was asked for."""
        if response.status != 200:
            raise self._peer.refusal(response.status, await _read(response, MAX_ERROR_BYTES), _CURES)
        if response.content_type != content_type:
            raise ValueError(f"{response.content_type} instead of {content_type}")


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
        self._endpoint = Endpoint(options.url, endpoint.key(options.api_key_env, _KEY_SETTING))
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
_KEY_SETTING = "llm.openai.api_key_env"
_KEY_CURE = f"set {_KEY_SETTING} to the name of the variable that holds a valid key"
_CURES = {
    400: "check llm.openai.model, llm.openai.max_tokens and llm.openai.temperature",
    401: _KEY_CURE,
    403: _KEY_CURE,
    404: "check llm.openai.url and llm.openai.model",
    429: "wait, or set llm.openai.url to another endpoint",
}


async def _read(response: ClientResponse, limit: int) -> bytes:
    """The head of a body, at most `limit` bytes."""
    body = bytearray()
    async for block in response.content.iter_any():
        body += block
        if len(body) >= limit:
            break
    return bytes(body[:limit])
