"""The actors of a simulated session: sink, ears, engine, recognizer, reply source. Models, each after its script.

They know the agenda, and the session only as a place to post facts to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from adapters.base import EAR_RATE_HZ, AdapterError, Span, Synthesis, Tts
from orchestrator import actions as act
from orchestrator.bus import Bus, chunk_ready, sink_tick
from scenes.agenda import Agenda
from scenes.world import Speech, World
from stitcher.pcm import Int16
from stitcher.playout import FACTS
from timeline import events as ev
from timeline.clock import NS_PER_MS, NS_PER_S, VirtualClock

EAR_WINDOW = 512  # samples, as Silero's
PPM = 1e-6

Post = Callable[[Any], None]
NowNs = Callable[[], int]
Noise = Callable[[], float]
"""Draws from 0 to 1."""


class SinkActor:
    """Takes a block whenever its clock says so. `played`: all that it took."""

    def __init__(self, world: World, bus: Bus, agenda: Agenda, noise: Noise, now_ns: NowNs, post: Post) -> None:
        self.played: list[Int16] = []
        self._sink = world.sink
        self._bus = bus
        self._agenda = agenda
        self._noise = noise
        self._now_ns = now_ns
        self._post = post
        samples = int(bus.rate_hz * world.block_ms / 1000)
        self._block = np.zeros(samples, np.int16)
        self._period_ns = samples * NS_PER_S / bus.rate_hz * (1 - self._sink.drift_ppm * PPM)
        self._due_ns = float(agenda.clock.now_ns())
        agenda.later(0, self._on_time)
        if self._sink.lost_at_ms >= 0:
            agenda.later(int(self._sink.lost_at_ms * NS_PER_MS), self._lose)

    def _on_time(self) -> None:
        now_ns = self._agenda.clock.now_ns()
        stalled_ns = self._stalled_until(now_ns) - now_ns
        if stalled_ns > 0:
            self._due_ns += 0 if self._sink.catches_up else stalled_ns
            self._agenda.later(stalled_ns, self._on_time)
            return
        self._take()
        self._due_ns += self._period_ns
        late_ns = self._noise() * self._sink.jitter_ms * NS_PER_MS if self._sink.jitter_ms else 0.0
        self._agenda.later(int(self._due_ns + late_ns) - now_ns, self._on_time)

    def _take(self) -> None:
        playout = self._bus.playout
        playout.fill(self._block, self._now_ns())
        self.played.append(self._block.copy())
        facts, tap = playout.facts, playout.tap
        assert facts is not None and tap is not None
        tick = sink_tick(facts.peek(len(FACTS))[0])
        facts.consume(len(FACTS))
        tap.consume(tap.queued)
        self._post(tick)

    def _stalled_until(self, now_ns: int) -> int:
        for at_ms, for_ms in self._sink.stalls:
            if at_ms * NS_PER_MS <= now_ns < (at_ms + for_ms) * NS_PER_MS:
                return int((at_ms + for_ms) * NS_PER_MS)
        return now_ns

    def _lose(self) -> None:
        self._post(ev.AdapterFailed("speaker", "speaker", "missing", "the speaker is gone: plug it in again", False))


class EarActor:
    """Hears the user's script, a window at a time."""

    def __init__(self, world: World, agenda: Agenda, now_ns: NowNs, post: Post) -> None:
        self.said = list(world.user)  # all of it: what the recognizer may hear
        self._coming = deque(sorted(world.user, key=lambda speech: speech.start_ms))
        self._position = 0
        self._agenda = agenda
        self._now_ns = now_ns
        self._post = post
        self._period_ns = EAR_WINDOW * NS_PER_S // EAR_RATE_HZ
        agenda.later(self._period_ns, self._on_window)

    def say(self, speech: Speech) -> None:
        """The user says more, later than all that is scripted so far."""
        self.said.append(speech)
        self._coming.append(speech)

    def heard(self, start_position: int, end_position: int) -> str:
        """What a recognizer makes of a range."""
        start_ms, end_ms = (at * 1000 / EAR_RATE_HZ for at in (start_position, end_position))
        return " ".join(said.text for said in self.said if said.start_ms < end_ms and said.end_ms > start_ms)

    def _on_window(self) -> None:
        self._position += EAR_WINDOW
        middle_ms = (self._position - EAR_WINDOW / 2) / EAR_RATE_HZ * 1000
        while self._coming and self._coming[0].end_ms <= middle_ms:
            self._coming.popleft()
        speaks = bool(self._coming) and self._coming[0].start_ms <= middle_ms
        self._agenda.later(self._period_ns, self._on_window)
        self._post(ev.EarFrame(self._position, EAR_WINDOW, 0.95 if speaks else 0.02, -20.0 if speaks else -70.0,
                               self._now_ns()))  # fmt: skip


class Machine:
    """An engine on a machine under load: one call at a time, whichever session asks. How far the engine's own clock
    moves is what a call costs; the load makes it cost more, and so does another session's call that comes first."""

    def __init__(self, tts: Tts, engine_clock: VirtualClock, agenda: Agenda, world: World) -> None:
        self.tts = tts
        self.name = tts.describe().name
        self.rate_hz = tts.describe().rate_hz
        self._clock = engine_clock
        self._agenda = agenda
        self._load = world.load
        self._free_ns = 0

    def run(self, begin_ns: int, call: Callable[[], Any], done: Callable[[Any, int], None]) -> int:
        """Call at `begin_ns`; `done(result or AdapterError, cost_ns)` when it is over. Returns when that is."""
        start_ns = self._clock.now_ns()
        try:
            result = call()
        except AdapterError as error:
            result = error
        self._free_ns = self._finish_ns(max(self._free_ns, begin_ns), self._clock.now_ns() - start_ns)
        cost_ns = self._free_ns - begin_ns
        self._agenda.later(self._free_ns - self._agenda.clock.now_ns(), lambda: done(result, cost_ns))
        return self._free_ns

    def _finish_ns(self, begin_ns: int, work_ns: int) -> int:
        """When work that would take `work_ns` is done, under whatever load there is meanwhile."""
        at_ns, left_ns = float(begin_ns), float(work_ns)
        for start_ms, end_ms, factor in self._load:  # in order, without overlap
            start_ns, end_ns = start_ms * NS_PER_MS, end_ms * NS_PER_MS
            if at_ns >= end_ns:
                continue
            free_ns = max(0.0, start_ns - at_ns)
            if left_ns <= free_ns:
                break
            at_ns, left_ns = at_ns + free_ns, left_ns - free_ns
            done_ns = min(left_ns, (end_ns - at_ns) / factor)
            at_ns, left_ns = at_ns + done_ns * factor, left_ns - done_ns
        return int(at_ns + left_ns)


class EngineActor:
    """The text-to-speech engine's worker, and the syntheses that are open."""

    def __init__(self, machine: Machine, bus: Bus, agenda: Agenda, post: Post) -> None:
        self._machine = machine
        self._agenda = agenda
        self._free_ns = 0  # one call after the other, late ones included
        self._bus = bus
        self._post = post
        self.open: dict[tuple[int, int], Synthesis] = {}  # (generation, phrase)

    def carry_out(self, action: act.Action) -> None:
        machine = self._machine
        if isinstance(action, act.OpenPhrase):
            span = Span(action.text, action.voice, action.seed)
            self._call(lambda: machine.tts.open(span), action)
        elif isinstance(action, act.RequestChunk):
            synthesis = self.open[action.generation, action.phrase]
            self._call(lambda: synthesis.pull(action.units, action.low_latency), action)
        elif isinstance(action, act.ClosePhrase):
            self.open.pop((action.generation, action.phrase), None)

    def _call(self, call: Callable[[], Any], action: act.OpenPhrase | act.RequestChunk) -> None:
        begin_ns = max(self._free_ns, self._agenda.clock.now_ns())
        self._free_ns = self._machine.run(begin_ns, call, partial(self._done, action))

    def _done(self, action: act.OpenPhrase | act.RequestChunk, result: Any, cost_ns: int) -> None:
        key = (action.generation, action.phrase, action.seq if isinstance(action, act.RequestChunk) else -1)
        if isinstance(result, AdapterError):
            name = self._machine.name
            self._post(ev.AdapterFailed("tts", name, result.kind, result.detail, result.retryable, *key))
        elif isinstance(action, act.OpenPhrase):
            self.open[action.generation, action.phrase] = result
            self._post(ev.PhraseOpened(action.generation, action.utterance, action.phrase, cost_ns, result.units))
        else:
            self._bus.arrived(key, result, self._machine.rate_hz)
            self._post(chunk_ready(key, action.utterance, result, self._machine.rate_hz, cost_ns))


class RecognizerActor:
    """Hears the script after a while."""

    def __init__(self, world: World, ears: EarActor, agenda: Agenda, post: Post) -> None:
        self._cost_ns = int(world.stt_cost_ms * NS_PER_MS)
        self._ears = ears
        self._agenda = agenda
        self._post = post

    def carry_out(self, action: act.Transcribe) -> None:
        self._agenda.later(self._cost_ns, partial(self._done, action))

    def _done(self, action: act.Transcribe) -> None:
        text = self._ears.heard(action.start_position, action.end_position)
        self._post(ev.Transcribed(action.segment, action.attempt, action.final, text, action.start_position,
                                  action.end_position, self._cost_ns))  # fmt: skip


class ReplyActor:
    """Streams the script's replies, a word at a time: those of the conversational source, and of task sources."""

    def __init__(self, world: World, agenda: Agenda, post: Post) -> None:
        self._world = world
        self._agenda = agenda
        self._post = post
        self._cancelled: set[int] = set()
        self._asked = {False: 0, True: 0}  # replies of the conversational source, of task sources

    def carry_out(self, action: act.StartReply | act.CancelReply) -> None:
        if isinstance(action, act.CancelReply):
            self._cancelled.add(action.reply)
            return
        world, reply, task = self._world, action.reply, action.source != ev.CONVERSATION
        lines = (world.task_replies if task else world.replies) or ("All right.",)
        line = lines[self._asked[task] % len(lines)]
        self._asked[task] += 1
        if line is None:
            return
        delay_ms, word_ms = (world.task_delay_ms, world.task_word_ms) if task else (world.reply_delay_ms, world.word_ms)
        words = line.split()
        fails_at = world.reply_faults.get(reply, len(words) + 1)
        events: list[Any] = [ev.ReplyDelta(reply, word + " ") for word in words[:fails_at]]
        if fails_at > len(words):
            events.append(ev.ReplyEnded(reply))
        else:
            detail = "the reply source broke off: see its log"
            events.append(ev.AdapterFailed("llm", "llm", "crashed", detail, False, ticket=reply))
        for number, event in enumerate(events):
            at_ns = int((delay_ms + number * word_ms) * NS_PER_MS)
            self._agenda.later(at_ns, partial(self._unless_cancelled, event, reply))

    def _unless_cancelled(self, event: Any, reply: int) -> None:
        if reply not in self._cancelled:
            self._post(event)
