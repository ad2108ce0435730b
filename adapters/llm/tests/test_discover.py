"""Discovery among servers that are useful, empty, silent, something else, or not there."""

from __future__ import annotations

import asyncio

import pytest

from adapters.llm.discover import DEFAULTS, find_endpoint
from adapters.llm.openai import base_url
from adapters.llm.tests.servers import Handler, answers, serve, streams

GOOD = answers(200, '{"data": [{"id": "small"}]}')
PATIENT_S = 10.0  # where nothing is awaited but answers


@pytest.mark.parametrize(
    "models",
    [
        answers(200, '{"data": []}'),
        answers(200, "<html></html>", "text/html"),
        answers(200, "[]"),
        answers(401, "{}"),
        None,
    ],
    ids=["no models", "a page", "other json", "locked", "no such path"],
)
def test_what_has_no_model_is_passed_over(models: Handler | None) -> None:
    async def run() -> bool:
        async with serve(models=models) as useless, serve(models=GOOD) as useful:
            assert await find_endpoint([useless], PATIENT_S) is None
            return await find_endpoint([useless, useful], PATIENT_S) == useful

    assert asyncio.run(run())


def test_the_order_decides_and_the_base_is_completed() -> None:
    async def run() -> None:
        async with serve(models=GOOD) as first, serve(models=GOOD) as second:
            assert await find_endpoint([first, second], PATIENT_S) == first
            assert await find_endpoint([second.removesuffix("/v1"), first], PATIENT_S) == second

    asyncio.run(run())


def test_a_silent_server_is_given_up() -> None:
    async def run() -> str | None:
        silent = streams(then=asyncio.Event(), content_type="application/json")
        async with serve(models=silent) as url:
            return await find_endpoint([url], 0.05)

    assert asyncio.run(run()) is None


def test_nobody_is_there() -> None:
    async def run() -> str | None:
        async with serve(models=GOOD) as gone:
            pass
        return await find_endpoint([gone], PATIENT_S)

    assert asyncio.run(run()) is None


def test_only_this_machine_is_asked_by_default() -> None:
    assert all(url.startswith("http://127.0.0.1:") and base_url(url) == url for url in DEFAULTS)
