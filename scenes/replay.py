"""Replay: a recorded session once more. Same events in, same actions out; same requests, same samples.

Decisions: every event of the journal goes through a new core, and its actions are compared with the journal's.
Audio: every chunk is rendered again by the engine that the manifest names, stitched again, and played again block by
block with what each block saw of the ring. Both are compared as SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from adapters.base import AdapterError, AudioChunk, Capability, Span, Synthesis, Tts
from adapters.tts.trouble import Trouble, Troubled
from orchestrator import actions as act
from orchestrator.bus import RING_SECONDS, Bus
from orchestrator.core import Core
from orchestrator.recording import RECORDING
from orchestrator.settings import CoreSettings
from orchestrator.speech import RETRIES
from stitcher.dither import make_dither
from stitcher.pcm import digest, to_int16
from stitcher.wav import read_wav
from timeline import events as ev
from timeline.clock import VirtualClock
from timeline.codec import decode, encode
from timeline.journal import JOURNAL, read_journal

MakeTts = Callable[[str, Mapping[str, Any]], Tts]
"""(adapter name, its options) -> the engine, warm."""

Fact = tuple[int, str, Any]
"""(session ns, "event" | "action" | "end", what it is)"""


@dataclass
class Verdict:
    """What a replay found. `differences`: the first few, one line each."""

    events: int = 0
    actions: int = 0
    chunks: int = 0
    samples: int = 0
    decisions_recorded: str = ""  # SHA-256 of the actions, one JSON line each
    decisions_replayed: str = ""
    audio_recorded: str = ""  # SHA-256 of the samples played, int16 little-endian
    audio_replayed: str = ""
    whole: bool = False  # the journal reaches its end note
    differences: list[str] = field(default_factory=list)

    @property
    def identical(self) -> bool:
        decisions = self.decisions_recorded == self.decisions_replayed
        return decisions and self.audio_recorded == self.audio_replayed and not self.differences


DIFFERENCES_MOST = 5


def replay(folder: Path, make_tts: MakeTts) -> Verdict:
    """Run the session of `folder` again. Raises OSError, ValueError (no journal), AdapterError (no such engine)."""
    records = read_journal(folder / JOURNAL)
    manifest = next(records)["manifest"]
    settings = settings_of(manifest)
    capabilities = (settings.tts, *settings.others)
    voices = [_engine(made, known, make_tts) for made, known in zip(manifest["tts"], capabilities, strict=True)]
    heard = _recorded(folder / RECORDING)
    end: dict[str, Any] = {}
    verdict = replay_facts(_facts(records, end), settings, voices, heard)
    verdict.whole = bool(end)
    if end and (end["digest"] != verdict.audio_recorded or end["samples"] != heard.size):
        verdict.differences.append(f"{RECORDING} is not what the journal says was played")
    if end.get("lost_ticks") or end.get("lost_samples"):
        verdict.differences.append("the event loop was too slow to record every block")
    return verdict


def _engine(made: Mapping[str, Any], known: Capability, make_tts: MakeTts) -> Tts:
    """One of the run's engines, as it was. Raises AdapterError."""
    tts = make_tts(made["name"], made["options"])
    if "trouble" in made:
        tts = Troubled(tts, Trouble(**made["trouble"]).undying(), VirtualClock())
    recorded, present = known.weights_sha256, tts.describe().weights_sha256
    if recorded != present:
        line = f"the run was spoken with other weights ({recorded[:12]}, here {present[:12]}); fetch those"
        raise AdapterError("unsupported", line)
    return tts


def replay_facts(
    facts: Iterable[Fact], settings: CoreSettings, voices: Sequence[Tts], heard: npt.NDArray[np.int16]
) -> Verdict:
    """The same for facts that need not have been written down; `voices`: the engines, in the order of the settings;
    `heard`: what was played, int16[n]."""
    verdict = Verdict()
    names = [capability.name for capability in (settings.tts, *settings.others)]
    audio = _Audio(settings, dict(zip(names, voices, strict=True)), verdict, heard.size)
    for what, fact in _decide(facts, settings, verdict):
        audio.take(what, fact)
    verdict.audio_replayed = audio.digest.hexdigest()
    # A run that was killed may have left less audio than journal, or more.
    verdict.audio_recorded = hashlib.sha256(heard[: verdict.samples].astype("<i2").tobytes()).hexdigest()
    return verdict


def settings_of(manifest: Mapping[str, Any]) -> CoreSettings:
    settings: CoreSettings = decode({**manifest["settings"], "kind": "CoreSettings"}, {"CoreSettings": CoreSettings})
    return settings


def _facts(records: Iterable[Mapping[str, Any]], end: dict[str, Any]) -> Iterator[Fact]:
    """The journal's records as facts; what its end note says goes into `end`."""
    for record in records:
        if "event" in record:
            yield record["t"], "event", decode(record["event"], ev.EVENTS)
        elif "action" in record:
            yield record["t"], "action", decode(record["action"], act.ACTIONS)
        elif "end" in record.get("note", {}):
            end.update(record["note"]["end"])
            yield record["t"], "end", None


def _decide(facts: Iterable[Fact], settings: CoreSettings, verdict: Verdict) -> Iterator[tuple[str, Any]]:
    """Pass the facts on while a new core decides anew."""
    core = Core(settings)
    recorded, replayed = hashlib.sha256(), hashlib.sha256()
    due: list[bytes] = []  # actions that the new core wants and the journal has not shown yet
    for t_ns, what, fact in facts:
        if what != "action":
            _compare(verdict, due, b"nothing")
            due = []
        if what == "event":
            verdict.events += 1
            due = [orjson.dumps(encode(action)) for action in core.handle(fact, t_ns)]
            for line in due:
                replayed.update(line + b"\n")
        elif what == "action":
            verdict.actions += 1
            line = orjson.dumps(encode(fact))
            recorded.update(line + b"\n")
            _compare(verdict, due[:1] if due[:1] != [line] else [], line)
            due = due[1:]
        yield what, fact
    # A journal cut between an event and its actions lacks those actions; that is no difference of decision.
    verdict.decisions_recorded, verdict.decisions_replayed = recorded.hexdigest(), replayed.hexdigest()
    if due and len(verdict.differences) == 0:
        verdict.decisions_replayed = verdict.decisions_recorded


def _compare(verdict: Verdict, wanted: list[bytes], found: bytes) -> None:
    for line in wanted:
        if len(verdict.differences) < DIFFERENCES_MOST:
            verdict.differences.append(f"now {line.decode()[:160]}, recorded {found.decode()[:160]}")


class _Audio:
    """Renders, stitches and plays what the records say."""

    def __init__(
        self, settings: CoreSettings, voices: Mapping[str, Tts], verdict: Verdict, recorded_samples: int
    ) -> None:
        self._recorded_samples = recorded_samples  # more than these cannot be compared
        self._settings = settings
        self._voices = voices
        self._verdict = verdict
        # Ticks are recorded a little after chunks that they had not seen: room for both.
        dither = make_dither(settings.dither_dbfs, settings.seed)
        self._bus = Bus(settings.rate_hz, record=False, ring_seconds=2 * RING_SECONDS, dither=dither)
        self._open: dict[tuple[int, int], Synthesis] = {}
        self._refused: dict[tuple[int, int], AdapterError] = {}
        self._requests: dict[tuple[int, int, int], act.RequestChunk] = {}
        self.digest = hashlib.sha256()
        self._lost = False  # so unlike the recording that it cannot be followed any further

    def take(self, what: str, fact: Any) -> None:
        if self._lost:
            return
        if what == "action":
            self._act(fact)
        elif what == "event":
            self._event(fact)

    def _act(self, action: Any) -> None:
        if isinstance(action, act.OpenPhrase):
            try:
                span = Span(action.text, action.voice, action.seed)
                self._open[action.generation, action.phrase] = self._voices[action.engine].open(span)
            except AdapterError as error:  # it failed then as well, or its chunks will be missed
                self._refused[action.generation, action.phrase] = error
        elif isinstance(action, act.RequestChunk):
            self._requests[action.generation, action.phrase, action.seq] = action
        elif isinstance(action, act.ClosePhrase | act.Retract):
            pass  # a late chunk of it may still be recorded; whether the sink was too near is recorded too
        else:
            self._bus.apply(action)

    def _event(self, event: Any) -> None:
        if isinstance(event, ev.ChunkReady):
            self._render(event)
        elif isinstance(event, ev.Retracted):
            if event.end_index <= event.index:
                self._bus.apply(act.Retract(event.index))
            else:
                self._bus.stitcher.settle()
        elif isinstance(event, ev.SinkTick):
            # What was taken back before a tick was written down, the sink had not come near.
            if self._bus.ring.written < min(event.written_seen, self._bus.ring.read + event.block_samples):
                self._lose(f"only {self._bus.ring.written} samples were stitched where {event.written_seen} were seen")
                return
            block = np.zeros(event.block_samples, np.int16)
            seen = (event.written_seen, event.flush_seen, event.flushes_seen, event.open_seen, event.held_seen)
            self._bus.playout.play(block, *seen)
            comparable = block[: max(0, self._recorded_samples - self._verdict.samples)]
            self.digest.update(comparable.astype("<i2").tobytes())
            self._verdict.samples += block.size

    def _render(self, event: ev.ChunkReady) -> None:
        key = (event.generation, event.phrase, event.seq)
        if key[:2] in self._refused:
            raise self._refused[key[:2]]
        request, synthesis = self._requests.pop(key, None), self._open.get(key[:2])
        if request is None or synthesis is None:
            self._lose(f"chunk {key} came without having been asked for")
            return
        chunk = _pull(synthesis, request)
        self._verdict.chunks += 1
        if digest(chunk.pcm) != event.digest and len(self._verdict.differences) < DIFFERENCES_MOST:
            self._verdict.differences.append(f"chunk {key} of {event.samples} samples is rendered differently")
        self._bus.arrived(key, chunk, event.rate_hz)
        if event.eos:
            self._open.pop(key[:2]).close()

    def _lose(self, why: str) -> None:
        self._lost = True
        self._verdict.differences.append(f"the audio cannot be followed any further: {why}")


def _pull(synthesis: Synthesis, request: act.RequestChunk) -> AudioChunk:
    """Faults that were recorded come again: a pull that worked in the end does so now."""
    for _ in range(RETRIES):
        try:
            return synthesis.pull(request.units, request.low_latency)
        except AdapterError:
            continue
    return synthesis.pull(request.units, request.low_latency)


def _recorded(path: Path) -> npt.NDArray[np.int16]:
    """The recording, int16 little-endian; empty where there is none."""
    try:
        pcm, _ = read_wav(path.read_bytes())
    except (OSError, ValueError):
        return np.zeros(0, np.int16)
    return to_int16(pcm).astype("<i2")
