"""OpenAiReplies against servers on loopback that answer, refuse, stall and lie."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from adapters.base import AdapterError, Message, Replies
from adapters.llm.openai import SPOKEN, OpenAiReplies, base_url
from adapters.llm.tests.servers import DONE, Handler, answers, event, said, serve, serve_bytes, streams

HELLO = [Message("user", "Hello?")]
SOON_S = 0.05  # a stall that the tests need not wait for long
GOOD = streams(said("Hello "), said("there."), DONE)


def replies(url: str, **options: Any) -> OpenAiReplies:
    return OpenAiReplies(OpenAiReplies.Options(url=url, **{"model": "small", **options}), None)  # type: ignore[arg-type]


async def listen(source: Replies) -> list[str]:
    return [piece async for piece in source.reply(HELLO)]


async def listen_once(url: str, **options: Any) -> list[str]:
    source = replies(url, **options)
    try:
        return await listen(source)
    finally:
        await source.close()


def ask(server: AbstractAsyncContextManager[str], **options: Any) -> list[str]:
    """The pieces of one reply."""

    async def run() -> list[str]:
        async with server as url:
            return await listen_once(url, **options)

    return asyncio.run(run())


def fault(server: AbstractAsyncContextManager[str], **options: Any) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        ask(server, **options)
    line = caught.value.detail
    assert "\n" not in line
    assert "llm." in line
    assert ": " in line  # what is wrong: the cure
    return caught.value


def test_pieces_come_as_they_were_sent() -> None:
    assert ask(serve(GOOD)) == ["Hello ", "there."]


def test_the_request_is_a_streamed_chat_behind_the_system_prompt() -> None:
    seen: dict[str, Any] = {}

    async def chat(request: web.Request) -> web.StreamResponse:
        seen.update(await request.json(), authorization=request.headers.get("Authorization"))
        return await GOOD(request)

    ask(serve(chat), max_tokens=7, temperature=None)
    assert seen == {
        "model": "small",
        "messages": [{"role": "system", "content": SPOKEN}, {"role": "user", "content": "Hello?"}],
        "max_tokens": 7,
        "stream": True,
        "authorization": None,
    }


def test_the_first_model_is_taken_where_none_is_set() -> None:
    asked = []

    async def chat(request: web.Request) -> web.StreamResponse:
        asked.append((await request.json())["model"])
        return await GOOD(request)

    models = answers(200, json.dumps({"data": [{"id": "first"}, {"id": "second"}]}))
    assert ask(serve(chat, models), model="") == ["Hello ", "there."]
    assert asked == ["first"]


@pytest.mark.parametrize("body", ['{"data": []}', '{"data": null}', '{"data": [7, {"id": 7}]}', "{}"])
def test_an_endpoint_without_models_is_missing_one(body: str) -> None:
    error = fault(serve(GOOD, answers(200, body)), model="")
    assert error.kind == "missing"
    assert "llm.openai.model" in error.detail


def test_warm_up_asks_for_one_token() -> None:
    async def run() -> list[int]:
        asked = []

        async def chat(request: web.Request) -> web.StreamResponse:
            asked.append((await request.json())["max_tokens"])
            return await GOOD(request)

        async with serve(chat) as url:
            source = replies(url)
            await source.warm_up()
            await source.close()
        return asked

    assert asyncio.run(run()) == [1]


def test_the_key_goes_to_the_server_and_into_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-very-secret\n")

    async def chat(request: web.Request) -> web.StreamResponse:
        key = request.headers["Authorization"].removeprefix("Bearer ")
        return web.json_response({"error": {"message": f"Incorrect API key: {key}"}}, status=401)

    error = fault(serve(chat), api_key_env="TEST_KEY")
    assert error.kind == "refused"
    assert "Incorrect API key: ***" in error.detail
    assert "secret" not in error.detail


@pytest.mark.parametrize(("value", "kind"), [("", "missing"), ("se\ncret", "unsupported")])
def test_a_key_that_is_none_is_said_at_once(monkeypatch: pytest.MonkeyPatch, value: str, kind: str) -> None:
    monkeypatch.setenv("TEST_KEY", value)
    with pytest.raises(AdapterError, match="TEST_KEY") as caught:
        replies("http://127.0.0.1:1", api_key_env="TEST_KEY")
    assert caught.value.kind == kind
    assert "cret" not in caught.value.detail


def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: no one else gets the port
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(AdapterError, match="refused the connection: start the server") as caught:
            asyncio.run(listen_once(url))
    assert caught.value.kind == "refused"


@pytest.mark.parametrize(
    ("status", "body", "words", "retryable"),
    [
        (401, '{"error": {"message": "who are you"}}', "who are you.*llm.openai.api_key_env", False),
        (404, '{"error": "model small not found"}', "model small not found.*llm.openai.model", False),
        (400, '{"message": "too many tokens"}', "too many tokens.*llm.openai.max_tokens", False),
        (429, "", "no words.*wait", True),
        (500, "<html><h1>Oh\nno</h1></html>", "Oh no.*log", True),
        (302, "", "302.*llm.openai.url", False),
    ],
)
def test_refusals_carry_the_servers_words(status: int, body: str, words: str, retryable: bool) -> None:
    error = fault(serve(answers(status, body, "text/plain")))
    assert (error.kind, error.retryable) == ("refused", retryable)
    with pytest.raises(AdapterError, match=words):
        raise error


def test_a_redirect_is_not_followed() -> None:
    async def run() -> int:
        visits = 0

        async def elsewhere(request: web.Request) -> web.StreamResponse:
            nonlocal visits
            visits += 1
            return await GOOD(request)

        async with serve(elsewhere) as target:

            async def chat(request: web.Request) -> web.StreamResponse:
                raise web.HTTPTemporaryRedirect(f"{target}/chat/completions")

            async with serve(chat) as url:
                with pytest.raises(AdapterError, match="answered 307"):
                    await listen_once(url)
        return visits

    assert asyncio.run(run()) == 0


@pytest.mark.parametrize(
    "chat",
    [
        answers(200, "<html>Welcome</html>", "text/html"),
        answers(200, '{"choices": [{"message": {"content": "Hi"}}]}'),
        streams(b"<!doctype html>\n<p>Welcome\n"),
        streams(b"data: {not json}\n\n"),
        streams(event({"object": "chunk"})),
        streams(event({"error": {"message": "the context is full"}})),
        streams(said("Hel"), b"data: \xff\xfe\n\n"),
        streams(*[b"x" * 65_536] * 6),
        streams(*[b"data: " + b"x" * 65_000 + b"\n"] * 6),
    ],
    ids=["page", "json", "page as stream", "no json", "no choices", "error", "no utf-8", "line", "event"],
)  # fmt: skip
def test_garbage(chat: Handler) -> None:
    assert fault(serve(chat)).kind == "garbage"


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x00" * 100, b"HTTP/1.1 200 OK\r\n" + b"a" * 20_000])
def test_a_server_that_speaks_no_http(answer: bytes) -> None:
    assert fault(serve_bytes(answer)).kind in ("garbage", "crashed")


@pytest.mark.parametrize("server", [
    lambda: serve(streams(said("Hel"))),
    lambda: serve_bytes(b""),
    lambda: serve_bytes(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n" + said("Hel")),
], ids=["between chunks", "before the answer", "in mid-body"])  # fmt: skip
def test_a_reply_that_ends_early(server: Callable[[], AbstractAsyncContextManager[str]]) -> None:
    error = fault(server())
    assert (error.kind, error.retryable) == ("crashed", True)


@pytest.mark.parametrize(
    ("before", "setting"),
    [
        ((), "first_token_timeout_s"),
        ((b": still thinking\n\n",), "first_token_timeout_s"),
        ((event({"choices": [{"delta": {"reasoning": "hm"}}]}),), "first_token_timeout_s"),
        ((said("Hel"),), "stall_timeout_s"),
    ],
)
def test_a_stall_names_the_timeout(before: tuple[bytes, ...], setting: str) -> None:
    async def run() -> None:
        async with serve(streams(*before, then=asyncio.Event())) as url:
            # The other timeout is far away, so the right one must have rung.
            patience = {"first_token_timeout_s": 60.0, "stall_timeout_s": 60.0, setting: SOON_S}
            await listen_once(url, **patience)

    with pytest.raises(AdapterError, match=f"llm.openai.{setting}") as caught:
        asyncio.run(run())
    assert (caught.value.kind, caught.value.retryable) == ("stalled", True)


def cancels(take: Callable[[Any], Awaitable[None]]) -> None:
    """The server learns that nobody listens any more."""

    async def run() -> None:
        cancelled = asyncio.Event()
        async with serve(streams(said("Hello "), then=asyncio.Event()), cancelled=cancelled) as url:
            source = replies(url)
            pieces = source.reply(HELLO)
            assert await anext(pieces) == "Hello "
            await take(pieces)
            await asyncio.wait_for(cancelled.wait(), 10)
            await source.close()

    asyncio.run(run())


def test_closing_the_iterator_closes_the_connection() -> None:
    cancels(lambda pieces: pieces.aclose())


def test_cancelling_the_reader_closes_the_connection() -> None:
    async def cancel(pieces: Any) -> None:
        reader = asyncio.ensure_future(anext(pieces))
        asyncio.get_running_loop().call_soon(reader.cancel)
        with pytest.raises(asyncio.CancelledError):
            await reader

    cancels(cancel)


def test_a_fault_leaves_the_source_usable() -> None:
    async def run() -> list[str]:
        turns = iter([answers(500, "{}"), streams(said("Hel")), GOOD])

        async def chat(request: web.Request) -> web.StreamResponse:
            return await next(turns)(request)

        async with serve(chat) as url:
            source = replies(url)
            for _ in range(2):
                with pytest.raises(AdapterError):
                    await listen(source)
            heard = await listen(source)
            await source.close()
            await source.close()
        return heard

    assert asyncio.run(run()) == ["Hello ", "there."]


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:11434/", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080/v1"),
        ("https://[::1]:8080/v1/chat/completions", "https://[::1]:8080/v1"),
        ("https://models.example/openai/v1", "https://models.example/openai/v1"),
    ],
)
def test_the_base_is_found_however_it_is_written(url: str, base: str) -> None:
    assert base_url(url) == base


@pytest.mark.parametrize(
    "url", ["", "localhost:11434", "ftp://host", "http://", "http://me:key@host", "http://host?key=1", "http://host:x"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        OpenAiReplies.Options(url=url)


def test_the_capability_declares_the_host() -> None:
    capability = replies("https://models.example/v1").describe()
    assert capability.egress == ("models.example",)
    assert capability.streaming
