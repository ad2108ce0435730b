"""The dialogue: the user's half, ours, and the floor between them; every step that touches more than one of them.

    Hearing --turn over--> commit --words are here--> start_reply --> Replying --played--> finish_reply
       '------- somebody takes the floor --> interrupt --> cut --> what was heard is kept

Rules. Only `move` moves the turn table, and it shows each move. What is wished for is collected in `out`, in order.
Pure; `now_ns` is the time of the event that is being taken in.
"""

from __future__ import annotations

from orchestrator import actions as act
from orchestrator.answering import Answering
from orchestrator.conversation import Conversation
from orchestrator.floor import Floor
from orchestrator.hearing import Hearing
from orchestrator.replying import Replying
from orchestrator.settings import CoreSettings
from orchestrator.turns import Cause, State, TurnTable


class Dialogue:
    def __init__(self, settings: CoreSettings) -> None:
        self.turns = TurnTable()
        self.hearing = Hearing(settings)
        self.replying = Replying(settings)
        self.floor = Floor(settings.tasks)
        self.conversation = Conversation(settings.tasks)
        self.answering = Answering(self.conversation, self.replying, self.floor)
        self.out: list[act.Action] = []
        self.now_ns = 0
        self.committed = False  # the user's turn is over, its words may not be here yet
        self._speculate = settings.listen.speculate
        self._noticed: set[str] = set()

    def do(self, actions: list[act.Action]) -> None:
        self.out += actions

    def notice(self, text: str) -> None:
        """Say it once, if there is anything."""
        if text and text not in self._noticed:
            self._noticed.add(text)
            self.out.append(act.Notice(text))

    def keep(self, remember: act.Remember) -> None:
        """Take it into the conversation, and say so; an apology is no part of what the reply source said."""
        if remember.role == "user" or not self.replying.apologized:
            self.conversation.add(remember.role, remember.text, remember.source)
        self.out.append(remember)
        self.do(self.floor.heard(remember.source, remember.text, remember.interrupted))

    def move(self, cause: Cause, at_ns: int) -> None:
        before, state = self.turns.state, self.turns.move(cause)
        if state is State.YIELDING:
            self.hearing.spoken_into(self.replying.speech.script, self.replying.ledger, self.replying.read_index)
        if State.YIELDING in (before, state):
            self.out.append(act.Hold(state is State.YIELDING))
        if cause is Cause.RESUMED or (before, cause) == (State.YIELDING, Cause.REPLY_FINISHED):
            self._forget()  # it was nothing, or begins anew
        self.out.append(act.ShowTurn(self.turns.turn, state, cause, at_ns))
        if state is State.LISTENING:
            self.floor.freed(max(self.now_ns, self.replying.silent_ns))
        else:
            self.floor.taken(self.replying.source if state is State.SPEAKING else None)

    def _forget(self) -> None:
        """What was heard is done with."""
        if self.hearing.own_words:
            self.out.append(act.OwnWords())
        self.hearing.forget()

    # -- the user's half ------------------------------------------------------------------

    def commit(self, cause: Cause, at_ns: int) -> None:
        """The user's turn is over."""
        self.committed = True
        self.hearing.learn_level()
        self.hearing.detector.reset()
        self.move(cause, at_ns)

    def typed(self, text: str) -> None:
        """A line typed takes the floor and is a whole turn."""
        self.interrupt()
        self.do(self.answering.forgive())
        if self.turns.state is State.HEARING:  # what was being said counts too
            self.out.append(self.hearing.request_final(self.now_ns))
        elif self.turns.state is State.YIELDING:
            self.hearing.forget()
        self.hearing.add_typed(text)
        self.commit(Cause.TYPED, self.now_ns)

    def end_hearing(self) -> None:
        """No window will come any more: whatever was being said is over."""
        detector = self.hearing.detector
        if self.turns.state is State.YIELDING:
            self.move(Cause.RESUMED, self.now_ns)
        if self.turns.state is State.HEARING:
            self.out.append(self.hearing.request_final(self.now_ns))
            self.move(Cause.SILENCE_BEGAN, detector.speech_end_ns)
        if self.turns.state is State.PAUSING:
            self.commit(Cause.TURN_COMMITTED, detector.speech_end_ns)
        detector.reset()

    def spoken_into(self) -> None:
        """Somebody speaks where an answer is due or sounds; what they say is not known yet."""
        self.committed = False
        if self.turns.state is not State.PAUSING:  # there the turn was not over
            self.do(self.answering.spoken_into())
        if not self.replying.doubted:
            self.interrupt(self.answering.owing and not self.hearing.words_known)

    def interrupt(self, writes_on: bool = False) -> None:
        """The user takes the floor. `writes_on`: perhaps to cough, so the reply source need not stop yet."""
        self.committed = False
        self.floor.take_back()
        self.cut(writes_on)

    def cut(self, writes_on: bool = False) -> None:
        """Silence what is being said."""
        self.do(self.replying.drop_guess(self.now_ns))
        self.do(self.replying.interrupt(self.now_ns, writes_on))
        if self.replying.cutting and not self.replying.ledger.entries:  # nothing of it was heard, then
            self.settle(self.replying.read_index)

    def settle(self, heard_index: int) -> None:
        """What was cut sounded up to there: that is kept."""
        self.keep(self.replying.settle(heard_index))

    # -- ours -----------------------------------------------------------------------------

    def answer(self) -> None:
        """Answer the turn once it is over and its words are here; guess at an answer while it may still go on."""
        words = self.hearing.text if not self.replying.cutting else None
        if words is not None and self.committed:
            self._start_reply(words)
        elif words and self.turns.state is State.PAUSING and self._speculate and not self._nothing_asked:
            self.do(self.answering.guess(self.turns.turn, words, self.now_ns))

    @property
    def _nothing_asked(self) -> bool:
        """What was said into an answer, or before it, lets it go on."""
        return self.answering.owing and self.hearing.asks_nothing

    def _start_reply(self, text: str) -> None:
        self.committed = False
        rest = self.answering.go_on(self.turns.turn, self.now_ns) if self._nothing_asked else None
        self.do(self.answering.forgive())
        self._forget()
        if rest is not None:
            self.do(rest)
            return
        if not text:
            self.do(self.replying.drop_guess(self.now_ns))
            self.move(Cause.NOTHING_HEARD, self.now_ns)
            return
        self.keep(act.Remember(self.turns.turn, "user", text))
        self.do(self.answering.answer(self.turns.turn, text, self.now_ns))

    def finish_reply(self) -> None:
        if not self.replying.speech.script.all and not self.replying.continued:
            self.notice("the reply held nothing that can be said: look at the reply source, llm.adapter")
        remember, audible = self.replying.finish()
        self.keep(remember)
        self.move(Cause.REPLY_FINISHED if audible else Cause.REPLY_FAILED, self.now_ns)

    def mind_floor(self) -> None:
        """Let a report speak whose time it is, and go on with the one that does."""
        self.floor.owe(self.replying.wordless_ns)
        if not self.floor.busy:
            return
        self.do(self.floor.expire(self.now_ns))
        free = self.turns.allows(Cause.FLOOR_GRANTED) and not self.replying.cutting
        report = self.floor.next(self.now_ns) if free else None
        if report is not None:
            if self.replying.wordless_ns is not None:
                replying, rest = self.replying, self.replying.set_aside()
                self.do(self.floor.set_aside(replying.reply, replying.turn, rest, self.now_ns))
            self.cut()  # what a source of lower priority is saying
            self.do(self.floor.give(report, self.now_ns))
            self.move(Cause.FLOOR_GRANTED, self.now_ns)
        self.do(self.floor.announce())
        if self.floor.holder is not None and not self.replying.cutting:
            self.replying.follow(self.turns.turn, self.floor.holder, self.now_ns)
