"""Endpoints: addresses as people write them, and what strangers' servers say, made fit for one line."""

from __future__ import annotations

import json

import pytest

from adapters.endpoint import EXCERPT_CHARS, base_url, error_text, excerpt, words

KEY = "sk-very/secret"


def test_an_excerpt_is_one_short_line() -> None:
    assert excerpt(b"<h1>Not\r\n found</h1>\x00\xff") == "Not found \ufffd"
    assert len(excerpt("x" * 1000, 40)) == 40


def test_the_path_below_an_address_may_be_written_or_left_out() -> None:
    for url in ("http://host:1", "http://host:1/v1/", " http://host:1/v1/audio/speech/ "):
        assert base_url(url, "audio/speech", "x.api_key_env") == "http://host:1/v1"
    with pytest.raises(ValueError, match=r"x\.api_key_env"):
        base_url("http://me:key@host", "audio/speech", "x.api_key_env")


@pytest.mark.parametrize(
    "body", [{"error": {"message": "no"}}, {"error": "no"}, {"message": "no"}, {"detail": "no"}], ids=str
)
def test_the_shapes_in_which_servers_complain(body: dict) -> None:
    assert error_text(body) == "no"


@pytest.mark.parametrize(
    "said",
    [f"bad key {KEY}!", json.dumps({"error": {"message": f"bad key {KEY}!"}}),
     json.dumps({"error": f"bad key {KEY}!"}).replace("/", "\\/")],
)  # fmt: skip
def test_a_key_is_never_repeated(said: str) -> None:
    assert words(said.encode(), KEY) == "bad key ***!"


def test_not_even_half_a_key_is_left_where_the_words_are_cut() -> None:
    said = words(("x" * (EXCERPT_CHARS - 8) + " " + KEY).encode(), KEY)
    assert said.endswith("x ***")
