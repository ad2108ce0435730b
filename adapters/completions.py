"""Streamed completions of any OpenAI-compatible server: what replies and voices that are written token by token share.

    Endpoint.stream --> POST /v1/chat/completions or /v1/completions, read event by event (sse.py)

Rules. Redirects are not followed: the host of the base URL is the only one that is talked to. Whatever the server
does, the reader gets text or one AdapterError that names the section's setting, within the two timeouts. Closing the
stream closes the connection, which is how such servers are told to stop.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapters import endpoint, sse

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

MAX_BODY_BYTES = 1024 * 1024  # a list of models; the longest of a provider's has some 100 KiB
MAX_ERROR_BYTES = 4096  # of a refusal's body: its message comes first
LIST_TIMEOUT_S = 10.0  # for the list of models, which takes no computing


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for text, in seconds."""

    first_s: float
    next_s: float


class Endpoint:
    """The HTTP side of one base URL. `section`: of the configuration, whose `url` it is."""

    def __init__(self, base: str, section: str, key: str = "") -> None:
        self.base = base
        self._section = section
        self._peer = endpoint.Peer(base, f"{section}.url", key)
        self._session: ClientSession | None = None

    async def models(self, timeout_s: float = LIST_TIMEOUT_S) -> list[str]:
        """The models it offers, in its order. Raises AdapterError."""
        stall = f"did not list its models within {timeout_s:g} s: check the server, or set {self._section}.model"
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

    async def stream(
        self, path: str, body: Mapping[str, Any], patience: Patience, chars_most: int = sse.MAX_REPLY_CHARS
    ) -> AsyncGenerator[str]:
        """Post `body` to `path` and yield the text as it comes. Raises AdapterError."""
        deadline_s = endpoint.now_s() + patience.first_s
        stall = f"gave no text in {patience.first_s:g} s: raise {self._section}.first_token_timeout_s or check it"
        url, body = f"{self.base}/{path}", {**body, "stream": True}
        async with self._peer.guard(deadline_s, stall):
            response = await self._client().post(url, json=body, allow_redirects=False)
        texts = sse.texts(response.content.iter_any(), chars_most)
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
                stall = f"fell silent for {patience.next_s:g} s: raise {self._section}.stall_timeout_s or check it"
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
            raise self._peer.refusal(response.status, await _read(response, MAX_ERROR_BYTES), self._cures())
        if response.content_type != content_type:
            raise ValueError(f"{response.content_type} instead of {content_type}")

    def _cures(self) -> dict[int, str]:
        """What to do about an HTTP status."""
        section = self._section
        key = f"set {section}.api_key_env to the name of the variable that holds a valid key"
        return {
            400: f"check {section}.model, {section}.max_tokens and {section}.temperature",
            401: key,
            403: key,
            404: f"check {section}.url and {section}.model",
            429: f"wait, or set {section}.url to another endpoint",
        }


async def _read(response: ClientResponse, limit: int) -> bytes:
    """The head of a body, at most `limit` bytes."""
    body = bytearray()
    async for block in response.content.iter_any():
        body += block
        if len(body) >= limit:
            break
    return bytes(body[:limit])
