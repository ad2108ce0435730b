r"""Answering: whom to ask for an answer, and when. A guess is asked for while the user may still go on.

PAUSING, words are there -> guess -> turn over, same words -> kept, and may sound
                                 \-> the user goes on, or other words -> dropped

Somebody who speaks before an answer has ended may only cough, laugh or hum along. Until there are words that ask for
something, what nobody heard of it is still owed: an answer of which nothing was stitched yet waits, any other goes on.
"""

from __future__ import annotations

import itertools

from orchestrator.actions import Action, ShowGuess, ShowRest
from orchestrator.conversation import Conversation
from orchestrator.floor import Floor
from orchestrator.phrase import speakable
from orchestrator.replying import Replying


class Answering:
    """Asks the conversational source, for `replying`, and the task sources, for `floor`."""

    def __init__(self, conversation: Conversation, replying: Replying, floor: Floor) -> None:
        self._conversation = conversation
        self._replying = replying
        self._floor = floor
        self._numbers = itertools.count(1)  # of replies, whatever their source
        self.owing = False  # the answer was spoken into, and nobody knows yet what was said
        self._source = ""  # whose it is

    def guess(self, turn: int, words: str, now_ns: int) -> list[Action]:
        """Answer what was said so far."""
        if self._replying.guess == words:
            return []
        actions = [*self._replying.drop_guess(now_ns), *self._replying.dismiss()]
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

    def spoken_into(self) -> list[Action]:
        """Somebody speaks before the answer has ended; a report's matter is the floor's."""
        replying = self._replying
        if not replying.speech.active or self._floor.holder is not None:
            return []
        self.owing, self._source = True, replying.source
        return replying.doubt()

    def forgive(self) -> list[Action]:
        """Whoever spoke into it wants something else."""
        self.owing, self._replying.rest = False, ""
        return [] if self._replying.speech.active else self._replying.dismiss()

    def go_on(self, turn: int, now_ns: int) -> list[Action] | None:
        """What was said into the answer asks for nothing: give what is owed of it. None: nothing is."""
        replying, messages = self._replying, self._conversation.snapshot()
        if replying.doubted:
            return replying.adopt(now_ns)
        if speakable(replying.rest) or replying.writes_on:
            dropped = replying.drop_guess(now_ns)
            return [*dropped, ShowRest(turn, self._source, replying.go_on(turn, self._source, now_ns))]
        if self.owing and self._source and messages[-1].role == "user":
            return [*replying.drop_guess(now_ns), replying.ask(turn, next(self._numbers), messages, now_ns)]
        return None
