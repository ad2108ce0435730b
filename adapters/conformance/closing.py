"""Checks of closing: an interruption closes a synthesis at any moment, and nothing of it may be heard afterwards.

Closing is checked by the order of events, not by time: which comes back first, the pull that is under way or the close
that was called after it. Waits here have an end only so that an engine that hangs fails its check.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from adapters.base import AdapterError, Synthesis
from adapters.conformance.finding import Finding, at_least, check, none_of, told, typed, unclaimed
from adapters.conformance.subject import Subject
from adapters.conformance.texts import HELLO
from timeline.clock import NS_PER_S, SystemClock

TRIES = 8
CAUGHT_LEAST = 3  # pulls that were under way when they were closed; with fewer the order is chance
FIRST_LEAST = 0.5  # share of closes that come back before the pull does: the others met its end by chance
WAITED_LEAST = 0.5  # of what was left of a pull: a close that took less has not waited for its end
HANG_S = 20.0  # as long as a call may take by default


@check
def closes_at_any_moment(subject: Subject) -> Finding:
    """A synthesis can be closed before its first pull, midway and at its end, twice; the engine speaks on."""
    for pulls in (0, 1, 2, None):
        synthesis = subject.open()
        _pull(synthesis, subject.rungs[0], pulls)
        synthesis.close()
        synthesis.close()
    return none_of([] if subject.render().samples else ["afterwards nothing is heard"], "it closes and speaks on")


@check
def nothing_after_close(subject: Subject) -> Finding:
    """After closing, a pull gives an empty chunk that tells the end, or an AdapterError; never audio."""

    def heard() -> Iterator[str]:
        for pulls in (0, 1, 2):
            synthesis = subject.open()
            _pull(synthesis, subject.rungs[0], pulls)
            synthesis.close()
            try:
                chunk = synthesis.pull(subject.rungs[0], True)
            except AdapterError:
                continue
            if chunk.pcm.size or chunk.units or not chunk.eos:
                yield f"closed after {pulls} pulls it gave {chunk.pcm.size} samples, eos {chunk.eos}"

    return none_of(heard(), "nothing is heard of what was closed")


@check
def close_does_not_wait(subject: Subject) -> Finding:
    """Closing comes back at once, also while a pull is under way in another thread."""
    first = [one for one in (_race(subject) for _ in range(TRIES)) if one is not None]
    if "hangs" in first:
        return at_least(0, FIRST_LEAST, f"closing did not come back within {HANG_S:.0f} s")
    if len(first) < CAUGHT_LEAST:
        return unclaimed("no pull lasts long enough to be closed in")
    share = first.count("close") / len(first)
    return at_least(share, FIRST_LEAST, f"{share:.0%} of {len(first)} closes came back before the pull under way")


@check
def ends_where_it_is_closed(subject: Subject) -> Finding:
    """A thread that pulls while another closes gets chunks and an end, or an AdapterError, and does not hang."""

    def trouble() -> Iterator[str]:
        for _ in range(TRIES):
            synthesis, begun = subject.open(), threading.Event()
            raised: list[Exception] = []
            puller = threading.Thread(target=_pull_all, args=(synthesis, subject.rungs[0], begun, raised), daemon=True)
            puller.start()
            begun.wait()
            synthesis.close()
            puller.join(HANG_S)
            if puller.is_alive():
                yield f"the pull under way did not come back within {HANG_S:.0f} s"
                return
            yield from (told(error) for error in raised if not typed(error))

    return none_of(trouble(), "pulling ends with an end or an AdapterError")


def _pull(synthesis: Synthesis, units: int, pulls: int | None) -> None:
    """Pull so often; None: to the end."""
    for _ in range(100 * len(HELLO) if pulls is None else pulls):
        if synthesis.pull(units, True).eos:
            return


def _pull_all(synthesis: Synthesis, units: int, begun: threading.Event, raised: list[Exception]) -> None:
    begun.set()
    try:
        _pull(synthesis, units, None)
    except Exception as error:
        raised.append(error)


def _race(subject: Subject) -> str | None:
    """Close during a pull of the largest rung. Which came back first, pull or close, or hangs; None where the pull had
    come back before it was closed. A pull that closing breaks off may come back first: nobody has waited for it."""
    synthesis, clock = subject.open(), SystemClock()
    begin_ns = clock.now_ns()
    synthesis.pull(subject.rungs[0], True)
    half_ns = (clock.now_ns() - begin_ns) // 2  # into the pull that follows, which is larger
    came: dict[str, int] = {}  # what was begun or came back, and when, in order
    begun, pulled = threading.Event(), threading.Event()
    samples: list[int] = []

    def pull() -> None:
        begun.set()
        with contextlib.suppress(Exception):  # judged by ends-where-it-is-closed
            samples.append(synthesis.pull(subject.rungs[-1], True).pcm.size)
        came["pull"] = clock.now_ns()
        pulled.set()

    def close() -> None:
        came["closing"] = clock.now_ns()
        try:
            synthesis.close()
        finally:
            came["close"] = clock.now_ns()

    puller, closer = (threading.Thread(target=target, daemon=True) for target in (pull, close))
    puller.start()
    begun.wait()
    pulled.wait(half_ns / NS_PER_S)
    closer.start()
    closer.join(HANG_S)
    puller.join(HANG_S)
    if closer.is_alive() or puller.is_alive():
        return "hangs"
    first, second, _ = came
    broken_off = not any(samples) and came["close"] - came["closing"] < WAITED_LEAST * half_ns
    return None if first == "pull" else "close" if broken_off else second
