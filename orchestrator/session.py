"""A session: adapters, a core, a bus and a shell, recorded and measured.

Config, Parts -> Session --hold(first events)--> Outcome, and artifacts/<run>/
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

from adapters.base import Capability, Tts
from adapters.tts.calibrate import in_voice
from adapters.voice import Voice
from orchestrator.actions import Notice
from orchestrator.bus import Bus
from orchestrator.config import TASK, Config
from orchestrator.core import Core
from orchestrator.recording import Recording, describe_manifest, new_folder
from orchestrator.settings import CoreSettings
from orchestrator.shell import Parts, Shell, Watch
from orchestrator.voices import matched
from stitcher.clock_fit import ClockFit
from stitcher.dither import make_dither
from timeline.clock import NS_PER_S, wall_time
from timeline.codec import encode
from timeline.events import SinkTick, StopRequested
from timeline.measures import Turn, TurnMeter

SWITCH_INTERVAL_S = 0.001  # a device callback waits this long at most for a thread that computes in Python
SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE_NS = NS_PER_S  # a clean end takes less; a terminal may send the same Ctrl-C twice within it


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


class Session:
    """One session, recorded under `name`; its rate is what the speaker came to have."""

    def __init__(self, config: Config, parts: Parts, name: str, watchers: list[Watch]) -> None:
        self.clock = parts.clock
        rate_hz = parts.speaker.rate_hz
        self.settings = CoreSettings(
            tts=parts.tts.describe(),
            others=tuple(_in_step(tts, parts.tts, config.tts.asked) for tts in parts.others.values()),
            fallback=tuple(name for name in config.tts.fallback if name in parts.others), voice=config.tts.asked,
            seed=config.tts.seed, rate_hz=rate_hz, mode="low_latency" if parts.speaker.paced else "steady",
            listen=config.listen, judged=parts.turn is not None, wake_word=parts.wake is not None,
            dither_dbfs=config.audio.dither_dbfs, microphone=parts.microphone.name if parts.microphone else "",
            tasks=(config.task.source,) if TASK in parts.tasks else (),
        )  # fmt: skip
        stamp = wall_time()[:19].replace(":", "").replace("-", "")
        folder = new_folder(Path(config.artifacts).expanduser(), stamp, name) if config.artifacts else None
        voices = parts.voices
        adapters = [{"name": name, "options": config.tts.options.get(name, {})} for name in voices]
        parts_by_role = {"stt": parts.stt, "turn": parts.turn, "llm": parts.replies, **parts.tasks}
        others = {role: part.describe() for role, part in parts_by_role.items() if part}
        manifest = describe_manifest(made=wall_time(), command=name, settings=self.settings, tts=adapters, **others)
        self.recording = Recording(folder, manifest, rate_hz)
        self.meter = TurnMeter(rate_hz)
        self.sink_clock = ClockFit(rate_hz) if parts.speaker.paced else None
        self.turns: list[Turn] = []
        self.warnings: list[str] = []
        self._interrupted_ns = -1
        self.on_turn: Callable[[Turn], None] = lambda turn: None
        bus = Bus(rate_hz, dither=make_dither(self.settings.dither_dbfs, self.settings.seed))
        self.shell = Shell(Core(self.settings), bus, parts, [self.recording.watch, self._watch, *watchers])
        self.shell.on_audio = self.recording.on_audio

    def _watch(self, t_ns: int, what: str, fact: Any) -> None:
        if isinstance(fact, Notice):
            self.warnings.append(fact.text)
        if what == "note":
            self.warnings += [fact["warning"]] if "warning" in fact else []
            return
        if isinstance(fact, SinkTick) and self.sink_clock is not None:
            jump = self.sink_clock.feed(fact.position, fact.device_ns)
            if jump is not None:
                self.recording.watch(t_ns, "note", {"clock_jump": encode(jump)})
        turn = self.meter.feed({"t": t_ns, what: encode(fact)})
        if turn is not None:
            self.turns.append(turn)
            self.on_turn(turn)

    async def hold(self, first: list[Any]) -> Outcome:
        """Run until it ends; Ctrl-C ends it cleanly, and at once if that does not come soon enough."""
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            with contextlib.suppress(NotImplementedError):  # no signal handlers on Windows' loop
                loop.add_signal_handler(number, self._interrupt, loop, number)
        try:
            reason = await self.shell.run(first)
        finally:
            for number in SIGNALS:
                with contextlib.suppress(NotImplementedError):
                    loop.remove_signal_handler(number)
            lost = self.shell.losses()
            self.recording.close(self.clock.now_ns(), {**lost, **self._drift()})
        self.warnings += [f"{count} {name.replace('_', ' ')}" for name, count in lost.items() if count]
        if self.recording.problem:
            self.warnings.append(self.recording.problem)
        return Outcome(reason, self.recording.folder, self.recording.digest, self.recording.samples,
                       self.settings.rate_hz, self.meter, self.turns, self.warnings)  # fmt: skip

    def _drift(self) -> dict[str, float]:
        """How much faster than session time the speaker's clock ran; nothing where that cannot be said."""
        drift_ppm = self.sink_clock.drift_ppm if self.sink_clock is not None else None
        return {} if drift_ppm is None else {"sink_drift_ppm": round(drift_ppm, 1)}

    def _interrupt(self, loop: asyncio.AbstractEventLoop, number: int) -> None:
        now_ns = self.clock.now_ns()
        if self._interrupted_ns < 0:
            self._interrupted_ns = now_ns
            self.shell.post(StopRequested())
        elif now_ns - self._interrupted_ns > PATIENCE_NS:
            loop.remove_signal_handler(number)
            signal.raise_signal(number)


def _in_step(tts: Tts, first: Tts, voice: Voice) -> Capability:
    """What an engine says of itself as it will speak beside the first one. Raises AdapterError."""
    own = tts.describe()
    return in_voice(tts, matched(voice, first.describe().natural, own.natural)) if own.natural else own
