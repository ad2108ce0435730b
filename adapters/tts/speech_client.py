"""Asks a server to speak: POST /v1/audio/speech, its answer received into a bounded buffer as it comes.

    SpeechClient.speak(body) -> SpeechStream     one task on the client's own event loop, in a thread of its own
    SpeechStream: prefetch (to be pulled from), close()

Rules. Redirects are not followed: the host in the capability is the only one that is talked to. Time counts only while
the server is waited for, not while the buffer is full. Closing a stream cancels its task, which closes the connection
whatever it was doing; one that was read to its end is kept for the next phrase.

Why aiohttp in a thread, where adapters are called from threads that may block: a blocking client can be stopped while
it reads, at best, not while it looks up a name, connects or shakes hands; a task can, anywhere. The library is ours
already, keeps connections (a phrase need not wait for TLS), and stops reading where nobody takes.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from adapters.base import AdapterError
from adapters.endpoint import Peer, excerpt, now_s
from adapters.tts.prefetch import Prefetch
from adapters.tts.speech_answer import SpeechAnswer

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

READ_BYTES = 4096  # 85 ms at 24 kHz: a chunk on the smallest rung waits for no more than it needs
ERROR_BYTES_MOST = 4096  # of a refusal's body: its message comes first
SPEECH_MOST_S = 600  # of one answer: a thousand characters take two minutes at half the pace
CLOSE_WAIT_S = 2.0  # for tasks to end, which takes milliseconds; a name that is being looked up need not be waited for

PATH = "audio/speech"
SECTION = "tts.openai_speech"
KEY_SETTING = f"{SECTION}.api_key_env"
_KEY_CURE = f"set {KEY_SETTING} to the name of the variable that holds a valid key"
_MODEL_CURE = f"check {SECTION}.model, voice and response_format"
_CURES = {
    400: _MODEL_CURE,
    401: _KEY_CURE,
    403: _KEY_CURE,
    404: f"check {SECTION}.base_url and model",
    422: _MODEL_CURE,
    429: f"wait, or set {SECTION}.base_url to another endpoint",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """Of the samples, and how many may lie ready."""

    rate_hz: int
    unit_samples: int
    prefetch_units: int


class SpeechStream:
    """One answer on its way."""

    def __init__(self, prefetch: Prefetch, task: Future[None]) -> None:
        self.prefetch = prefetch
        self._task = task

    def close(self) -> None:
        self._task.cancel()
        self.prefetch.close()


class SpeechClient:
    """One server. Its loop and thread begin with the first request and end with `close`."""

    def __init__(self, peer: Peer, shape: Shape, timeout_s: float) -> None:
        self._peer = peer
        self._shape = shape
        self._timeout_s = timeout_s
        self._lock = threading.Lock()  # around starting and ending the loop
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._session: ClientSession

    def speak(self, body: Mapping[str, Any], must_sound: bool) -> SpeechStream:
        """Ask, and return at once. `must_sound`: an answer without a sample is a fault."""
        with self._lock:
            if self._thread is None:
                self._thread = self._start()
            prefetch = Prefetch(self._shape.unit_samples, self._shape.prefetch_units, self._loop)
            receiving = self._receive(body, prefetch, must_sound)
            return SpeechStream(prefetch, asyncio.run_coroutine_threadsafe(receiving, self._loop))

    def close(self) -> None:
        """End what is on its way. What is asked afterwards begins anew."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._loop.call_soon_threadsafe(self._stop.set)
                thread.join(CLOSE_WAIT_S)

    def _start(self) -> threading.Thread:
        import aiohttp  # noqa: F401  here, where it is raised if it cannot be had; in the thread nobody would hear of it

        ready = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), name="tts-openai-speech", daemon=True)
        thread.start()
        ready.wait()
        return thread

    # -- on the loop ----------------------------------------------------------------------

    async def _serve(self, ready: threading.Event) -> None:
        """Hold the session until it is time to stop."""
        import aiohttp

        # Not decompressed, so that what we bound is what arrives.
        headers = {"Accept-Encoding": "identity"}
        if self._peer.secret:
            headers["Authorization"] = f"Bearer {self._peer.secret}"
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(),  # none of its own: the deadlines here are
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
            auto_decompress=False,
            read_bufsize=READ_BYTES,
        ) as self._session:
            ready.set()
            await self._stop.wait()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    async def _receive(self, body: Mapping[str, Any], prefetch: Prefetch, must_sound: bool) -> None:
        """One answer, into the buffer. Whatever happens, whoever pulls is told."""
        try:
            samples = await self._copy(body, prefetch)
            if must_sound and not samples:
                line = f"sent no audio: check {SECTION}.voice, or the server's log"
                raise self._peer.fault("garbage", line)
            prefetch.finish()
        except AdapterError as fault:
            prefetch.finish(fault)
        except asyncio.CancelledError:
            prefetch.close()
            raise
        except Exception as error:  # a bug of ours or of the library must not leave the voice waiting
            prefetch.finish(AdapterError("crashed", f"{SECTION}: {type(error).__name__}: {excerpt(str(error))}"))

    async def _copy(self, body: Mapping[str, Any], prefetch: Prefetch) -> int:
        """The samples that came."""
        async with self._waiting():
            response = await self._ask(body)
        try:
            async with self._waiting():
                await self._check(response)
            answer = SpeechAnswer(response.headers.get("Content-Type", ""), self._shape.rate_hz)
            samples = 0
            while block := await self._next(response, prefetch):
                pcm = answer.feed(block)
                prefetch.put(pcm)
                samples += pcm.size
                if samples > SPEECH_MOST_S * self._shape.rate_hz:
                    raise self._peer.fault(
                        "garbage", f"sent over {SPEECH_MOST_S} s of speech: look at the server's log"
                    )
            return samples
        except ValueError as error:
            raise self._peer.fault("unsupported", f"sent {error}") from None
        finally:
            response.close()  # one that was read to its end has given its connection back already

    async def _next(self, response: ClientResponse, prefetch: Prefetch) -> bytes:
        """The next piece, once there is room for it; empty at the end."""
        await prefetch.room()
        async with self._waiting():
            return await response.content.read(READ_BYTES)

    def _waiting(self) -> AbstractAsyncContextManager[None]:
        """Around whatever the server may keep us waiting for."""
        stall = f"sent nothing for {self._timeout_s:g} s: raise {SECTION}.timeout_s or check the server"
        return self._peer.guard(now_s() + self._timeout_s, stall)

    async def _ask(self, body: Mapping[str, Any]) -> ClientResponse:
        """The answer's head. That the server has closed a kept connection shows only when it is used: then once more,
        on a fresh one."""
        import aiohttp

        url = f"{self._peer.base}/{PATH}"
        try:
            return await self._session.post(url, json=body, allow_redirects=False)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionResetError):
            return await self._session.post(url, json=body, allow_redirects=False)

    async def _check(self, response: ClientResponse) -> None:
        """Raise where it is no answer."""
        if 300 <= response.status < 400:
            host = urlsplit(response.headers.get("Location", "")).netloc or "another path"
            line = f"redirects to {excerpt(host)}, which is not followed: set {SECTION}.base_url to it if that is meant"
            raise self._peer.fault("refused", line)
        if response.status != 200:
            body = await response.content.read(ERROR_BYTES_MOST)
            raise self._peer.refusal(response.status, body, _CURES)
