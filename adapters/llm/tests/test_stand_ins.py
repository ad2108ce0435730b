"""Echo and script: the same words every time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.base import Message, Replies
from adapters.llm.echo import EchoReplies, paced
from adapters.llm.script import DEFAULT_LINES, ScriptReplies


def echo(**options: Any) -> EchoReplies:
    return EchoReplies(EchoReplies.Options(**options), None)  # type: ignore[arg-type]


def script(**options: Any) -> ScriptReplies:
    return ScriptReplies(ScriptReplies.Options(**options), None)  # type: ignore[arg-type]


def listen(source: Replies, *messages: Message) -> list[str]:
    async def collect() -> list[str]:
        return [piece async for piece in source.reply(messages)]

    return asyncio.run(collect())


def test_the_echo_says_the_last_user_message_word_by_word() -> None:
    talk = Message("user", "First."), Message("assistant", "Hm."), Message("user", " Good  morning! ")
    assert listen(echo(), *talk) == ["You ", "said: ", "Good  ", "morning!"]


@pytest.mark.parametrize("talk", [(), (Message("user", "  "),), (Message("assistant", "Hm."),)])
def test_the_echo_of_nothing_is_a_sentence(talk: tuple[Message, ...]) -> None:
    assert "".join(listen(echo(), *talk)) == "You said nothing."


def test_the_script_goes_round() -> None:
    source = script(lines=["One line.", "Two."], words_per_s=0)
    assert [listen(source) for _ in range(3)] == [["One ", "line."], ["Two."], ["One ", "line."]]


def test_a_cancelled_line_is_not_said_again() -> None:
    async def run() -> str:
        source = script(lines=["One line.", "Two."])
        pieces = source.reply(())
        assert await anext(pieces) == "One "
        await pieces.aclose()  # type: ignore[attr-defined]
        return "".join([piece async for piece in source.reply(())])

    assert asyncio.run(run()) == "Two."


def test_the_default_script_is_plain_speech() -> None:
    source = script(words_per_s=0)
    said = ["".join(listen(source)) for _ in DEFAULT_LINES]
    assert tuple(said) == DEFAULT_LINES
    assert max(len(line.split()) for line in said) >= 35  # about 12 s, long enough to be interrupted


def test_a_pace_changes_when_and_never_what(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)

    async def collect() -> str:
        return "".join([piece async for piece in paced(" one two\nthree ", 1000)])

    assert asyncio.run(collect()) == " one two\nthree "
    assert len(waits) == 2  # none before the first word


@pytest.mark.parametrize("options", [{"lines": []}, {"delay_ms": -1}, {"words_per_s": 1e9}, {"line": ["x"]}])
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        script(**options)


def test_a_question_that_goes_on_gets_the_answer_of_the_first_half():
    source = script(lines=["One line.", "Two."], words_per_s=0)

    async def ask(*texts: str) -> str:
        messages = [Message("assistant" if number % 2 else "user", text) for number, text in enumerate(texts)]
        return "".join([piece async for piece in source.reply(messages)])

    async def hold() -> list[str]:
        return [await ask("What is"), await ask("What is it?"), await ask("What is it?", "One", "And then?")]

    assert asyncio.run(hold()) == ["One line.", "One line.", "Two."]
