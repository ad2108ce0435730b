"""A server on loopback that streams audio tokens as llama.cpp does, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiohttp import web

from adapters.llm.tests.servers import DONE, event, serve
from adapters.tts.snac import CODES, FIRST_AUDIO_TOKEN, FRAME_TOKENS, Frame


def frames_of(count: int, seed: int = 7) -> list[Frame]:
    codes = np.random.default_rng(seed).integers(0, CODES, (count, FRAME_TOKENS))
    return [tuple(int(code) for code in row) for row in codes]


def written(frames: Sequence[Frame]) -> list[str]:
    """The tokens of the frames as a model writes them."""
    return [
        f"<custom_token_{FIRST_AUDIO_TOKEN + CODES * place + code}>" for row in frames for place, code in enumerate(row)
    ]


def chunk(text: str, finish: str | None = None) -> bytes:
    return event({"choices": [{"index": 0, "text": text, "finish_reason": finish}]})


Answer = tuple[list[str], str]
WAIT_S = 10.0  # for what another thread does at once; only a failing test waits so long


@dataclass
class TokenServer:
    """What it writes, and what became of it. `answers`: one for each request, the last for all that follow; each is
    text to stream token by token, then one of "end", "hang" (write nothing more) and "drop" (hang up when told), or a
    function of the request that gives this."""

    answers: list[Answer | Callable[[dict[str, Any]], Answer]]
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)  # a client went away before the end
    may_drop: threading.Event = field(default_factory=threading.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        texts, then = answer(self.asked[-1]) if callable(answer) else answer
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for text in texts:
                await response.write(chunk(text))
            if then == "hang":
                await asyncio.Event().wait()
            if then == "drop":
                await asyncio.to_thread(self.may_drop.wait)
                assert request.transport is not None
                request.transport.close()
            else:
                await response.write(chunk("", "stop") + DONE)
        except asyncio.CancelledError:
            self.left.set()
            raise
        except ConnectionError:
            self.left.set()
        return response


@contextmanager
def token_server(*answers: Answer | Callable[[dict[str, Any]], Answer]) -> Iterator[TokenServer]:
    server = TokenServer(list(answers))
    ready, done = threading.Event(), threading.Event()

    async def run() -> None:
        async with serve(server.handle, path="completions") as url:
            server.url = url
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert ready.wait(WAIT_S)
    try:
        yield server
    finally:
        done.set()
        thread.join(WAIT_S)
