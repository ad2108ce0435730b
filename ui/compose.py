"""The composition root: from a configuration to a session that runs, and what it leaves.

    Config -> adapters -> Core, Bus, Shell -> Outcome
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters import registry
from adapters.base import Microphone, Replies, Speaker, Stt, Tts, Vad
from adapters.registry import Context
from adapters.voice import Voice
from adapters.weights import Weights, default_cache
from orchestrator.actions import Notice
from orchestrator.bus import Bus
from orchestrator.config import Config
from orchestrator.core import Core
from orchestrator.recording import Recording, describe_manifest, new_folder
from orchestrator.settings import CoreSettings
from orchestrator.shell import Parts, Shell, Watch
from timeline.clock import SystemClock, wall_time
from timeline.codec import encode
from timeline.events import StopRequested
from timeline.measures import Turn, TurnMeter

SWITCH_INTERVAL_S = 0.001  # a device callback waits this long at most for a thread that computes in Python


@dataclass
class Outcome:
    """What a session came to."""

    reason: str
    folder: Path | None
    digest: str  # SHA-256 of what was played
    samples: int
    rate_hz: int
    meter: TurnMeter
    turns: list[Turn] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def context_of(config: Config) -> Context:
    cache = Path(config.cache).expanduser() if config.cache else default_cache()
    overrides = {name: Path(path).expanduser() for name, path in config.weights.items()}
    return Context(Weights(cache, overrides), SystemClock(), cache)


def make(config: Config, context: Context, role: str) -> Any:
    """The adapter that the configuration names for a role. Raises AdapterError."""
    section = getattr(config, role)
    return registry.create(role, section.adapter, section.options.get(section.adapter, {}), context)


def make_tts(config: Config, context: Context) -> Tts:
    """The voice, loaded and warm. Raises AdapterError; an unknown voice is found out here."""
    from adapters.base import Span

    tts: Tts = make(config, context, "tts")
    tts.warm_up()
    tts.open(Span("a", Voice(config.tts.voice, config.tts.pace), 0)).close()
    return tts


def make_speaker(spec: str, config: Config, context: Context, paced: bool = True) -> Speaker:
    """A file where `spec` ends in .wav, else a device. Raises AdapterError."""
    if spec.lower().endswith(".wav"):
        from adapters.audio.files import FileSpeaker

        return FileSpeaker(spec, context.clock, config.audio.rate_hz, paced)
    from adapters.audio.device import DeviceSpeaker

    return DeviceSpeaker(spec or None, context.clock, config.audio.rate_hz, config.audio.block_ms)


def make_microphone(spec: str, config: Config, context: Context, on_end: Callable[[], None]) -> Microphone:
    """A file where `spec` ends in .wav, else a device. Raises AdapterError."""
    if spec.lower().endswith(".wav"):
        from adapters.audio.files import FileMicrophone

        return FileMicrophone(spec, context.clock, on_end=on_end)
    from adapters.audio.device import DeviceMicrophone

    return DeviceMicrophone(spec or None, context.clock, config.audio.block_ms)


@dataclass
class Cast:
    """Who takes part. Without ears it only speaks."""

    tts: Tts
    speaker: Speaker
    microphone: Microphone | None = None
    vad: Vad | None = None
    stt: Stt | None = None
    replies: Replies | None = None


class Session:
    """One session of a cast, recorded under `name`."""

    def __init__(self, config: Config, context: Context, cast: Cast, name: str, watchers: list[Watch]) -> None:
        self.clock = context.clock
        rate_hz = cast.speaker.rate_hz
        self.settings = CoreSettings(
            tts=cast.tts.describe(), voice=Voice(config.tts.voice, config.tts.pace), seed=config.tts.seed,
            rate_hz=rate_hz, mode="low_latency" if cast.speaker.paced else "steady", listen=config.listen,
        )  # fmt: skip
        stamp = wall_time()[:19].replace(":", "").replace("-", "")
        folder = new_folder(Path(config.artifacts).expanduser(), stamp, name) if config.artifacts else None
        adapter = {"name": config.tts.adapter, "options": config.tts.options.get(config.tts.adapter, {})}
        manifest = describe_manifest(made=wall_time(), command=name, settings=self.settings, tts=adapter)
        self.recording = Recording(folder, manifest, rate_hz)
        self.meter = TurnMeter(rate_hz)
        self.turns: list[Turn] = []
        self.warnings: list[str] = []
        self.on_turn: Callable[[Turn], None] = lambda turn: None
        bus = Bus(rate_hz)
        parts = Parts(self.clock, cast.tts, cast.speaker, cast.microphone, cast.vad, cast.stt, cast.replies)
        self.shell = Shell(Core(self.settings), bus, parts, [self.recording.watch, self._watch, *watchers])
        self.shell.on_audio = self.recording.on_audio

    def _watch(self, t_ns: int, what: str, fact: Any) -> None:
        if isinstance(fact, Notice):
            self.warnings.append(fact.text)
        if what == "note":
            self.warnings += [fact["warning"]] if "warning" in fact else []
            return
        turn = self.meter.feed({"t": t_ns, what: encode(fact)})
        if turn is not None:
            self.turns.append(turn)
            self.on_turn(turn)

    async def hold(self, first: list[Any]) -> Outcome:
        """Run until it ends; Ctrl-C ends it cleanly, a second one at once."""
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError):  # no signal handlers on Windows' loop
            loop.add_signal_handler(signal.SIGINT, self._interrupt, loop)
        try:
            reason = await self.shell.run(first)
        finally:
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(signal.SIGINT)
            playout = self.shell.bus.playout
            self.recording.close(self.clock.now_ns(), playout.lost_samples, playout.lost_ticks)
        if self.recording.problem:
            self.warnings.append(self.recording.problem)
        return Outcome(reason, self.recording.folder, self.recording.digest, self.recording.samples,
                       self.settings.rate_hz, self.meter, self.turns, self.warnings)  # fmt: skip

    def _interrupt(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.remove_signal_handler(signal.SIGINT)
        self.shell.post(StopRequested())


