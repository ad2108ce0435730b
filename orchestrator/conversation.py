"""The conversation: what both sides know was said. Of the assistant only what was heard.

Bounded: the oldest exchanges are forgotten. A user who speaks again before anything was answered
goes on with the same message. What a task source reported stands behind its hand-over, as it was said:
so a model can tell whose words they were.
"""

from __future__ import annotations

from adapters.base import Message
from orchestrator.settings import SourceSettings

MESSAGES_MOST = 40  # twenty exchanges; what a small model's context holds


class Conversation:
    def __init__(self, tasks: tuple[SourceSettings, ...] = ()) -> None:
        self._hand_overs = {task.name: task.hand_over for task in tasks}
        self.messages: list[Message] = []

    def add(self, role: str, text: str, source: str = "") -> None:
        """Append a user's or assistant's text; the same side twice in a row is one message."""
        assert role in ("user", "assistant"), role
        if not text:
            return
        text = f"{self._hand_overs.get(source, '')} {text}".lstrip()
        if self.messages and self.messages[-1].role == role:
            text = f"{self.messages.pop().text} {text}"
        self.messages.append(Message("user" if role == "user" else "assistant", text))
        del self.messages[:-MESSAGES_MOST]

    def preview(self, text: str) -> tuple[Message, ...]:
        """As it would be if the user had said so."""
        kept = list(self.messages)
        self.add("user", text)
        messages, self.messages = self.snapshot(), kept
        return messages

    def snapshot(self) -> tuple[Message, ...]:
        return tuple(self.messages)
