"""Echo: says back what it heard, word by word. For trying out ears and voice without a model."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from adapters.base import Capability, Message

if TYPE_CHECKING:
    from adapters.registry import Context

MAX_WORDS_PER_S = 1000.0  # faster than any model; beyond it a pace means nothing


class EchoReplies:
    """Answers "You said: ..."."""

    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        words_per_s: float = Field(default=0.0, ge=0.0, le=MAX_WORDS_PER_S)  # 0: all at once

    EMPTY: ClassVar[str] = "You said nothing."

    def __init__(self, options: Options, context: Context) -> None:
        self._options = options

    def describe(self) -> Capability:
        return Capability(
            name="echo", version="1", role="llm", streaming=True, unit="tokens", supports_barge_in=True,
            supports_seed=True, deterministic=True,
        )  # fmt: skip

    async def warm_up(self) -> None:
        """There is nothing to load."""

    async def reply(self, messages: Sequence[Message]) -> AsyncIterator[str]:
        heard = last_user_text(messages)
        text = f"You said: {heard}" if heard else self.EMPTY
        async for piece in paced(text, self._options.words_per_s):
            yield piece

    async def close(self) -> None:
        """There is nothing to let go of."""


def last_user_text(messages: Sequence[Message]) -> str:
    """What the user said last, stripped; empty where the user said nothing."""
    return next((message.text.strip() for message in reversed(messages) if message.role == "user"), "")


async def paced(text: str, words_per_s: float) -> AsyncIterator[str]:
    """`text` word by word, each with the white space behind it; joined they are `text` again.
    Deadlines are absolute, so a late word does not delay the ones behind it."""
    loop = asyncio.get_running_loop()
    start_s = loop.time()
    for index, word in enumerate(re.findall(r"\s*\S+\s*", text)):
        if words_per_s > 0 and index > 0:
            await asyncio.sleep(max(0.0, start_s + index / words_per_s - loop.time()))
        yield word
