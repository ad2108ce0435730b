r"""Answering: whom to ask for an answer, and when. A guess is asked for while the user may still go on.

PAUSING, words are there -> guess -> turn over, same words -> kept, and may sound
                                 \-> the user goes on, or other words -> dropped
"""

from __future__ import annotations

import itertools

from orchestrator.actions import Action, ShowGuess
from orchestrator.conversation import Conversation
from orchestrator.floor import Floor
from orchestrator.replying import Replying


class Answering:
    """Asks the conversational source, for `replying`, and the task sources, for `floor`."""

    def __init__(self, conversation: Conversation, replying: Replying, floor: Floor) -> None:
        self._conversation = conversation
        self._replying = replying
        self._floor = floor
        self._numbers = itertools.count(1)  # of replies, whatever their source

    def guess(self, turn: int, words: str, now_ns: int) -> list[Action]:
        """Answer what was said so far."""
        if self._replying.guess == words:
            return []
        actions = self._replying.drop_guess(now_ns)
        messages = self._conversation.preview(words)
        ask = self._replying.ask(turn, next(self._numbers), messages, now_ns, words)
        return [*actions, ShowGuess(turn, ask.reply, words, "begun"), ask]

    def answer(self, turn: int, text: str, now_ns: int) -> list[Action]:
        """The turn is over, and `text`, all of it, is the conversation's last message."""
        messages = self._conversation.snapshot()
        if self._replying.guess == text:
            actions = self._replying.adopt(now_ns)
        else:
            actions = self._replying.drop_guess(now_ns)
            actions.append(self._replying.ask(turn, next(self._numbers), messages, now_ns))
        return actions + self._floor.ask(turn, text, messages, self._numbers, now_ns)
