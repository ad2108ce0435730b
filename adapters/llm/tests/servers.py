"""Loopback servers for the tests: one that speaks HTTP, one that writes whatever bytes it is given."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serve(
    chat: Handler | None = None,
    models: Handler | None = None,
    cancelled: asyncio.Event | None = None,
    path: str = "chat/completions",
) -> AsyncIterator[str]:
    """An endpoint's base URL. `cancelled` is set when a client goes away in the middle of a chat."""

    async def watched(request: web.Request) -> web.StreamResponse:
        assert chat is not None
        try:
            return await chat(request)
        except asyncio.CancelledError:
            if cancelled is not None:
                cancelled.set()
            raise

    app = web.Application()
    if chat is not None:
        app.router.add_post(f"/v1/{path}", watched)
    if models is not None:
        app.router.add_get("/v1/models", models)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.01)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serve_bytes(answer: bytes) -> AsyncIterator[str]:
    """A server that answers any request with `answer` and hangs up."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


def streams(*blocks: bytes, then: asyncio.Event | None = None, content_type: str = "text/event-stream") -> Handler:
    """A handler that sends these blocks, then waits for the event if there is one, then ends."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type})
        await response.prepare(request)
        for block in blocks:
            await response.write(block)
        if then is not None:
            await then.wait()
        await response.write_eof()
        return response

    return handler


def answers(status: int, body: str, content_type: str = "application/json") -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body, content_type=content_type)

    return handler


def event(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def said(text: str, finish: str | None = None) -> bytes:
    """One chunk of a chat."""
    return event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]})


DONE = b"data: [DONE]\n\n"
