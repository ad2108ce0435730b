"""The turn table: who holds the floor.

Two rules. Only this table moves the state; a cause that it does not list is a bug and asserts.
The states are the user's view: LISTENING (nobody speaks), HEARING (the user does), PAUSING (the user
stopped a moment ago; work may start, nothing may sound), THINKING (the turn is over, the reply not audible
yet), SPEAKING (the reply is audible, and the ears stay open), YIELDING (somebody began to speak into it: it has
paused, and goes on or is cut).
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    LISTENING = "listening"
    HEARING = "hearing"
    PAUSING = "pausing"
    THINKING = "thinking"
    SPEAKING = "speaking"
    YIELDING = "yielding"


class Cause(StrEnum):
    SPEECH_STARTED = "speech_started"
    SILENCE_BEGAN = "silence_began"
    SPEECH_RESUMED = "speech_resumed"
    TURN_COMMITTED = "turn_committed"
    NOTHING_HEARD = "nothing_heard"
    TYPED = "typed"
    SPEAK_REQUESTED = "speak_requested"
    FLOOR_GRANTED = "floor_granted"
    AUDIO_STARTED = "audio_started"
    YIELDED = "yielded"
    RESUMED = "resumed"
    BARGE_IN = "barge_in"
    REPLY_FINISHED = "reply_finished"
    REPLY_FAILED = "reply_failed"


_S, _C = State, Cause

TABLE: dict[tuple[State, Cause], State] = {
    (_S.LISTENING, _C.SPEECH_STARTED): _S.HEARING,
    (_S.LISTENING, _C.TYPED): _S.THINKING,
    (_S.LISTENING, _C.SPEAK_REQUESTED): _S.THINKING,
    (_S.LISTENING, _C.FLOOR_GRANTED): _S.THINKING,
    (_S.HEARING, _C.SILENCE_BEGAN): _S.PAUSING,
    (_S.HEARING, _C.TYPED): _S.THINKING,
    (_S.PAUSING, _C.SPEECH_RESUMED): _S.HEARING,
    (_S.PAUSING, _C.TURN_COMMITTED): _S.THINKING,
    (_S.PAUSING, _C.TYPED): _S.THINKING,
    (_S.THINKING, _C.SPEECH_RESUMED): _S.HEARING,
    (_S.THINKING, _C.NOTHING_HEARD): _S.LISTENING,
    (_S.THINKING, _C.TYPED): _S.THINKING,
    (_S.THINKING, _C.AUDIO_STARTED): _S.SPEAKING,
    (_S.THINKING, _C.FLOOR_GRANTED): _S.THINKING,
    (_S.THINKING, _C.REPLY_FAILED): _S.LISTENING,
    (_S.SPEAKING, _C.YIELDED): _S.YIELDING,
    (_S.SPEAKING, _C.TYPED): _S.THINKING,
    (_S.SPEAKING, _C.FLOOR_GRANTED): _S.THINKING,
    (_S.SPEAKING, _C.REPLY_FINISHED): _S.LISTENING,
    (_S.YIELDING, _C.RESUMED): _S.SPEAKING,
    (_S.YIELDING, _C.BARGE_IN): _S.HEARING,
    (_S.YIELDING, _C.TYPED): _S.THINKING,
    (_S.YIELDING, _C.REPLY_FINISHED): _S.LISTENING,
}


NEW_TURN = frozenset({Cause.SPEECH_STARTED, Cause.BARGE_IN, Cause.TYPED, Cause.SPEAK_REQUESTED, Cause.FLOOR_GRANTED})
"""Causes by which somebody takes the floor anew."""


class TurnTable:
    """The state, and the number of the turn, which rises with each cause of NEW_TURN."""

    def __init__(self) -> None:
        self.state = State.LISTENING
        self.turn = 0

    def allows(self, cause: Cause) -> bool:
        return (self.state, cause) in TABLE

    def move(self, cause: Cause) -> State:
        assert self.allows(cause), f"{cause} in {self.state}"
        self.state = TABLE[self.state, cause]
        self.turn += cause in NEW_TURN
        return self.state
