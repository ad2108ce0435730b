"""Gap: voice to voice in the demonstration, from the user's last sample to the first audible one of the reply.

Held in real time with the script as reply source. The user's true last sample is known; the gap that the
session measures from its own ears stands beside it.
"""

from __future__ import annotations

import asyncio
import tempfile
from statistics import median

from adapters import registry
from adapters.audio.queued import QueuedMicrophone
from adapters.audio.silent import SilentSpeaker
from adapters.registry import Context
from orchestrator.config import Config
from orchestrator.session import Session
from orchestrator.shell import Parts
from scenes.bench.report import Report, at_most, machine, shown
from scenes.demonstration import REPLIES, User
from timeline.measures import STAGES

GAP_MOST_MS = 900  # median, two cores, with the demonstration's script


def run(context: Context) -> Report:
    """Hold the demonstration once. Raises AdapterError."""
    parts, user = demonstration(context)
    with tempfile.TemporaryDirectory() as folder:
        session = Session(Config(artifacts=folder), parts, "gap", [user.watch])
        user.post = session.shell.post_from_thread
        outcome = asyncio.run(session.hold([]))
    turns = [turn for turn in outcome.turns if turn.gap_ms is not None]
    stops = [turn.stop_ms for turn in outcome.turns if turn.stop_ms is not None]
    metrics = (
        at_most("gap_ms_p50", median(user.true_gaps_ms), "ms", GAP_MOST_MS),
        shown("gap_measured_ms_p50", median(turn.gap_ms or 0 for turn in turns), "ms"),
        *(shown(f"stage_{name}_ms_p50", median(turn.stages[name] for turn in turns), "ms") for name in STAGES),
        shown("stop_ms_p50", median(stops), "ms"),
        at_most("underruns", outcome.meter.underruns, "", 0),
    )
    return Report("gap", machine(), metrics, len(turns))


def demonstration(context: Context) -> tuple[Parts, User]:
    """Everybody in the demonstration, loaded and warm."""
    tts = registry.create("tts", "piper", {}, context)
    stt = registry.create("stt", "whisper", {}, context)
    microphone = QueuedMicrophone(context.clock)
    user = User(microphone, registry.create("tts", "espeak", {}, context))
    vad = registry.create("ears", "silero", {}, context)
    replies = registry.create("llm", "script", {"lines": list(REPLIES)}, context)
    speaker = SilentSpeaker(context.clock, Config().audio.rate_hz)
    tts.warm_up()
    stt.warm_up()
    return Parts(context.clock, tts, speaker, microphone, vad, stt, replies), user
