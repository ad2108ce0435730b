"""The stream's reader, fed byte by byte and with everything that is no such stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import sse
from adapters.llm.tests.servers import DONE, event, said
from adapters.sse import Delta, EventReader, parse

STREAM = (
    b"\xef\xbb\xbf: keep-alive\r\n\r\nevent: message\r\nid: 7\r\ndata: one\r\n\r\n"
    + "data: zwei Bäume 🌳\n\ndata:three\ndata: and more\n\nretry: 10\n\ndata: last".encode()
)
EVENTS = ["one", "zwei Bäume 🌳", "three\nand more", "last"]


def read(*blocks: bytes) -> list[str]:
    reader = EventReader()
    return [data for block in blocks for data in reader.feed(block)] + list(reader.end())


def texts(*blocks: bytes) -> list[str]:
    async def source() -> AsyncIterator[bytes]:
        for block in blocks:
            yield block

    async def collect() -> list[str]:
        return [piece async for piece in sse.texts(source())]

    return asyncio.run(collect())


@given(st.lists(st.integers(0, len(STREAM))))
def test_events_do_not_depend_on_how_the_bytes_arrive(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    assert read(*(STREAM[a:b] for a, b in pairwise(edges))) == EVENTS


@given(st.binary(max_size=200))
def test_any_bytes_are_events_or_one_value_error(block: bytes) -> None:
    fault = ""
    try:
        for data in read(block):
            parse(data)
    except ValueError as error:
        fault = str(error)
    assert "\n" not in fault


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (b"data: caf\xe9\n", "not UTF-8"),
        (b"<!doctype html>\n", "no event"),
        (b'{"message": {"content": "hi"}}\n', "no event"),
        (b"x" * (sse.MAX_EVENT_BYTES + 1), "line longer"),
        (b"data: " + b"x" * sse.MAX_EVENT_BYTES + b"\n", "line longer"),
        ((b"data: " + b"x" * 1000 + b"\n") * 300, "event longer"),
    ],
)
def test_garbage_is_named(block: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(block)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("hello", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1, 2]", "no object"),
        ('{"object": "chunk"}', "without choices"),
        ('{"choices": [7]}', "no object"),
        ('{"choices": [{"delta": {"content": 7}}]}', "no string"),
        ('{"error": {"message": "the context is full"}}', "the context is full"),
        ('{"error": "no"}', "an error in its stream: no"),
    ],
)
def test_chunks_that_are_none_are_named(data: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(data)


@pytest.mark.parametrize(
    ("data", "delta"),
    [
        ('{"choices": [{"delta": {"content": " hi\\n"}, "finish_reason": null}]}', Delta(" hi\n")),
        ('{"choices": [{"text": "hi", "finish_reason": "stop"}]}', Delta("hi", "stop")),
        ('{"choices": [{"delta": {"reasoning": "hm", "reasoning_content": "hm"}}]}', Delta()),
        ('{"choices": [{"delta": {"role": "assistant", "content": null}}]}', Delta()),
        ('{"choices": [], "usage": {}}', Delta()),
        ('{"choices": [{"delta": {"content": "a\\u0000\\u001b\\ud800\\tb"}}]}', Delta("a\tb")),
    ],
)
def test_a_chunk_is_its_spoken_text(data: str, delta: Delta) -> None:
    assert parse(data) == delta


def test_a_reply_ends_with_done_or_with_a_reason() -> None:
    assert texts(said("Hel"), said("lo."), DONE, said("not this")) == ["Hel", "lo."]
    assert texts(said("Hello."), event({"choices": [{"delta": {}, "finish_reason": "stop"}]})) == ["Hello."]
    with pytest.raises(EOFError):
        texts(said("Hel"))


def test_a_reply_without_end_is_given_up() -> None:
    with pytest.raises(ValueError, match="characters in one reply"):
        texts(*[said("word " * 100)] * (sse.MAX_REPLY_CHARS // 500 + 1))
