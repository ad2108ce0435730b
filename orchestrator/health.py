"""Health: when the engine that speaks must be replaced, and how much of the lead must be left for that."""

from __future__ import annotations

from orchestrator import actions as act
from orchestrator.speech import Speech
from orchestrator.voices import OVERDUE, SLOW
from timeline.clock import NS_PER_MS, NS_PER_S

NEAR_MS = 60  # what the event loop may be late by, and the frame that a seam needs
BUSY = 2.0  # by which an engine may be slower than it was: what makes one late makes the others late
HICCUP_NS = 100 * NS_PER_MS  # what is later is no hiccup of the machine; to change voices for less is worse than a gap
FIRST_WAIT_NS = NS_PER_S  # beyond twice what was predicted: so long nobody waits for a first sound in vain
WHY = {OVERDUE: "does not answer in time", SLOW: "cannot keep up on this machine"}


def trouble(speech: Speech, lead: int, now_ns: int) -> str:
    """Why an engine must be replaced; empty where none need be."""
    voices = speech.voices
    if speech.in_stream and not speech.rate.keeps_up and _replaceable(speech, speech.engine, now_ns):
        return SLOW
    job = speech.in_flight
    stand_in = voices.stand_in(speech.asked, now_ns)
    if job is None or stand_in is None or not _replaceable(speech, speech.asked, now_ns):
        return ""
    seat = voices[speech.asked]
    likely_ns = seat.open_cost.safe_ns(job.text) if isinstance(job, act.OpenPhrase) else seat.rate.reserve_ns
    waited_ns = now_ns - speech.since_ns
    if not speech.in_stream:
        return OVERDUE if waited_ns > 2 * likely_ns + FIRST_WAIT_NS else ""
    return OVERDUE if waited_ns > likely_ns + HICCUP_NS and lead < needed_ns(speech, stand_in) else ""


def _replaceable(speech: Speech, engine: str, now_ns: int) -> bool:
    """Somebody can take over from it, and it has not been told to rest already."""
    return not speech.voices.rests(engine, now_ns) and speech.voices.stand_in(engine, now_ns) is not None


def needed_ns(speech: Speech, engine: str) -> float:
    """How much lead must be left for another engine to be in time."""
    return BUSY * prepare_ns(speech, engine) + NEAR_MS * NS_PER_MS


def prepare_ns(speech: Speech, engine: str) -> float:
    """How long an engine at rest may take for its first chunk of the longest text that it may have to open."""
    longest = max((phrase.text for phrase in speech.script.all.values()), key=len, default="")
    return speech.voices[engine].prepare_ns(longest)


def too_slow(speech: Speech, now_ns: int) -> str:
    """What to tell the person whose only voice cannot keep up; empty where it does, or another can take over."""
    alone = speech.voices.stand_in(speech.engine, now_ns) is None
    if not (speech.active and alone) or speech.rate.keeps_up:
        return ""
    cure = "choose a lighter one with tts.adapter, or one to go on with tts.fallback"
    return f"{speech.engine} cannot keep up on this machine: expect pauses; {cure}"
