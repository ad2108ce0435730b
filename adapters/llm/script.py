"""Script: lines written beforehand, one a turn, in order and round again.

For demonstrations, tests and fair comparisons: the same words at the same pace on every machine. The
default lines stand on their own, so they fit whatever was said.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from adapters.base import Capability, Message
from adapters.llm.echo import MAX_WORDS_PER_S, paced

if TYPE_CHECKING:
    from adapters.registry import Context

MS_PER_S = 1000
MAX_DELAY_MS = 60_000  # a minute: longer than anyone waits for an answer

DEFAULT_LINES = (
    "That is a good question. Let me think aloud about it for a moment.",
    "I see what you mean. Most things look simpler after a short walk.",
    "Here is a longer thought, so that you have time to interrupt me. Rivers never hurry, and yet they "
    "reach the sea. They turn around every stone in their way, they rest in every lake, and they take "
    "along whatever small streams come to meet them.",
    "Yes, I am still here. Please go on.",
    "The weather will be what it will be. A warm coat and a good book prepare you for all of it.",
    "I could listen to you all day. What would you like to talk about next?",
)


class ScriptReplies:
    """Answers with the next line."""

    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")

        lines: list[str] = Field(default_factory=lambda: list(DEFAULT_LINES), min_length=1)
        delay_ms: float = Field(default=0.0, ge=0.0, le=MAX_DELAY_MS)  # before the first word
        words_per_s: float = Field(default=30.0, ge=0.0, le=MAX_WORDS_PER_S)  # as a fair model; 0: at once

    def __init__(self, options: Options, context: Context) -> None:
        self._options = options
        self._next = -1
        self._before: tuple[Message, ...] | None = None  # what was said before the last question

    def describe(self) -> Capability:
        return Capability(
            name="script", version="1", role="llm", streaming=True, unit="tokens", supports_barge_in=True,
            supports_seed=True, deterministic=True, stateful_context="minimal",
        )  # fmt: skip

    async def warm_up(self) -> None:
        """There is nothing to load."""

    def reply(self, messages: Sequence[Message]) -> AsyncIterator[str]:
        """The next line; the same one as long as nothing of it was heard: the user has gone on, and asks again."""
        before = tuple(messages[:-1])
        self._next += not messages or before != self._before
        self._before = before
        return self._speak(self._options.lines[self._next % len(self._options.lines)])

    async def _speak(self, line: str) -> AsyncIterator[str]:
        if self._options.delay_ms > 0:
            await asyncio.sleep(self._options.delay_ms / MS_PER_S)
        async for piece in paced(line, self._options.words_per_s):
            yield piece

    async def close(self) -> None:
        """There is nothing to let go of."""
