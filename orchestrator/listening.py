"""Listening: from one window of the microphone to what it means for the turn.

LISTENING: has somebody begun?   HEARING: has the user stopped?   PAUSING: for good?   THINKING: does the user go on?
SPEAKING: does somebody speak into our voice?   YIELDING, the voice has paused: is it an interruption?
"""

from __future__ import annotations

from typing import NamedTuple

from orchestrator.actions import Action
from orchestrator.barge_in import DETECTORS, ECHO_AGAIN_MS, Verdict
from orchestrator.hearing import Hearing
from orchestrator.turns import Cause, State
from timeline.events import EarFrame


class Heard(NamedTuple):
    """`cause`: what moves the turn table, None where nothing does; `at_ns`: when it happened in the room."""

    actions: list[Action]
    cause: Cause | None = None
    at_ns: int = 0


NOTHING = Heard([])
_CAUSES = {
    State.LISTENING: Cause.SPEECH_STARTED,
    State.THINKING: Cause.SPEECH_RESUMED,
    State.SPEAKING: Cause.YIELDED,
}


def listen(event: EarFrame, state: State, sounding: bool, hearing: Hearing, now_ns: int) -> Heard:
    """Take in one window. `sounding`: our own voice may be in it."""
    detector = hearing.detector
    detector.feed(event)
    if state is not State.LISTENING:
        hearing.waking.stay(event.end_position)
    elif not hearing.waking.awake(event.end_position):
        detector.reset()
        return NOTHING
    if state is State.YIELDING:
        return _while_yielding(hearing)
    if state not in (State.HEARING, State.PAUSING):
        return _while_not_hearing(hearing, state, sounding)
    judge = hearing.endpoint.hear(detector)
    heard = _while_hearing(hearing, now_ns) if state is State.HEARING else _while_pausing(hearing, event)
    return heard._replace(actions=[*heard.actions, judge]) if judge is not None else heard


def _while_pausing(hearing: Hearing, event: EarFrame) -> Heard:
    if hearing.detector.quiet_ms == 0:
        hearing.resume()
        return Heard([], Cause.SPEECH_RESUMED, event.device_ns)
    return _end(hearing)


def _end(hearing: Hearing) -> Heard:
    """Is the turn over?"""
    over = hearing.endpoint.over(hearing.detector, hearing.text)
    return Heard([], Cause.TURN_COMMITTED, hearing.detector.sound_end_ns) if over else NOTHING


def _while_hearing(hearing: Hearing, now_ns: int) -> Heard:
    detector = hearing.detector
    if detector.quiet_ms >= hearing.settings.speculate_ms:
        return Heard([hearing.request_final(now_ns)], Cause.SILENCE_BEGAN, detector.sound_end_ns)
    if hearing.too_long:
        return Heard([hearing.split(now_ns)])
    provisional = None if detector.quiet_ms else hearing.request_provisional()  # the final one may follow at once
    return Heard([provisional]) if provisional is not None else NOTHING


def _while_not_hearing(hearing: Hearing, state: State, sounding: bool) -> Heard:
    """Is this the beginning of speech, or, while the other side has the floor, an interruption?"""
    detector, limits = hearing.detector, hearing.settings
    if sounding and not limits.barge_in:
        detector.reset()  # half duplex: deaf while thinking and speaking, and while the room still sounds
        return NOTHING
    if state is State.SPEAKING and hearing.passed and not _floor_taken(hearing):
        return NOTHING
    detector.drop_short_run()
    enough_ms = {State.LISTENING: limits.onset_ms, State.SPEAKING: limits.yield_ms}.get(state, limits.continue_ms)
    if detector.speech_ms < enough_ms:
        return NOTHING
    at_ns = detector.run_start_ns
    hearing.begin_segment()
    return Heard([], _CAUSES[state], at_ns)


def _floor_taken(hearing: Hearing) -> bool:
    """Speech that took nothing has ended, is to be looked at anew, or does take the floor now."""
    detector, limits = hearing.detector, hearing.settings
    again = hearing.passed is Verdict.ECHO and detector.speech_ms >= ECHO_AGAIN_MS
    if again or detector.silence_ms >= limits.resume_ms:
        detector.reset()
        hearing.passed = None
        return False
    takes = DETECTORS[limits.detector](hearing.evidence(), limits) is Verdict.TAKE
    return takes and hearing.passed is not Verdict.ECHO


def reconsider(state: State, hearing: Hearing) -> Heard:
    """Words have come: whoever waited for them need not wait for the next window."""
    if state is State.YIELDING:
        return _while_yielding(hearing)
    return _end(hearing) if state is State.PAUSING else NOTHING


def _while_yielding(hearing: Hearing) -> Heard:
    heard = _weigh(hearing)
    request = hearing.request_words() if heard is NOTHING else None
    return Heard([request]) if request is not None else heard


def _weigh(hearing: Hearing) -> Heard:
    """The voice has paused: does what was heard so far take the floor, or give it back?"""
    detector, limits = hearing.detector, hearing.settings
    verdict = DETECTORS[limits.detector](hearing.evidence(), limits)
    if verdict is Verdict.WAIT:
        return NOTHING
    if verdict is Verdict.TAKE:
        return Heard([], Cause.BARGE_IN, detector.run_start_ns)
    hearing.passed = verdict if detector.silence_ms < limits.resume_ms else None
    if hearing.passed is None:
        detector.reset()
    return Heard([], Cause.RESUMED, detector.run_start_ns)
