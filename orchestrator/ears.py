"""The ears: from what the microphone captured to judged windows, and the audio kept for the recognizer.

    capture ring -> resample to 16 kHz -> echo cancelled -> history (rolling) -> windows -> voice activity -> EarFrame

Positions are samples at EAR_RATE_HZ since the session began. A microphone that was lost and is back begins a stream of
its own: positions go on, and between the two lies some silence, so that no utterance reaches from one into the other.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from adapters.base import EAR_RATE_HZ
from adapters.ears.base import Vad, WakeWord
from orchestrator.echo import EchoPath
from orchestrator.waking import Spotter
from stitcher.arrivals import Arrivals
from stitcher.capture import CAPTURE_FACTS, Capture
from stitcher.input_meter import InputMeter
from stitcher.pcm import Float32, Int16, dbfs, to_float32, to_int16
from stitcher.resample import StreamResampler
from timeline.events import EarFrame, EchoState, MicrophoneBack, WakeWordHeard

HISTORY_SECONDS = 60  # twice the longest segment: a recognizer that died can be asked again
BREAK_SAMPLES = EAR_RATE_HZ  # between two streams: more than is kept of what was before the first word


class Ears:
    """Listens to `capture` with `vad`. `echo`: None where nothing of our own voice comes back, or others cancel it;
    `wake`: None where no word has to be said first."""

    def __init__(self, capture: Capture, vad: Vad, echo: EchoPath | None = None, wake: WakeWord | None = None) -> None:
        self.capture = capture
        self.vad = vad
        self.echo = echo
        self._spotter = Spotter(wake) if wake is not None else None
        self.position = 0  # samples in the history
        self._history = np.zeros(EAR_RATE_HZ * HISTORY_SECONDS, np.int16)
        self._judged = 0  # samples that the windows have covered
        self._meter = InputMeter()
        self._arrivals = Arrivals(capture.rate_hz)
        self._stream = capture.stream
        self._began = 0  # position at which it did
        self._captured = 0  # samples taken of it, at its rate
        self._resampler = StreamResampler(capture.rate_hz, EAR_RATE_HZ)

    def listen(self) -> Iterator[EarFrame | MicrophoneBack | WakeWordHeard | EchoState]:
        """Take in every block that was captured; yields the windows that they complete, where the word was spotted
        before them, and what has changed with the echo."""
        while (row := self.capture.facts.peek(len(CAPTURE_FACTS))[0]).size:
            size, device_ns, stream, rate_hz = (int(field) for field in row)
            self.capture.facts.consume(row.size)
            if stream != self._stream:
                self._stream = stream
                yield self._begin_anew(rate_hz)
            block = self._take(size)
            self._arrivals.feed(self._captured, device_ns)
            if self.echo is not None:
                block = self.echo.clean(block, self._captured * EAR_RATE_HZ // rate_hz, device_ns)
            self._keep(block)
            yield from map(WakeWordHeard, self._spotter.feed(block) if self._spotter is not None else ())
            yield from self._judge()
            if self.echo is not None and (news := self.echo.news()) is not None:
                yield news

    def slice(self, start: int, end: int) -> Float32:
        """The audio in [start, end), float32 at EAR_RATE_HZ, as far as it is still kept."""
        start = max(start, self.position - self._history.size, 0)
        at = np.arange(start, max(start, min(end, self.position))) % self._history.size
        return to_float32(self._history[at])

    def _begin_anew(self, rate_hz: int) -> MicrophoneBack:
        """Another stream: what was learned of the last one does not hold."""
        silence = np.zeros(BREAK_SAMPLES, np.int16)
        self._keep(silence)
        if self._spotter is not None:
            tuple(self._spotter.feed(silence))  # it counts its own positions
        self._began = self._judged = self.position
        self._captured = 0
        self._resampler = StreamResampler(rate_hz, EAR_RATE_HZ)
        self._meter = InputMeter()
        self._arrivals = Arrivals(rate_hz)
        self.vad.reset()
        if self.echo is not None:
            self.echo = self.echo.anew()
        return MicrophoneBack(self.position, self.capture.name)

    def _take(self, size: int) -> Int16:
        first, second = self.capture.ring.peek(size)
        block = np.concatenate((first, second)).astype(np.int16)
        self.capture.ring.consume(size)
        self._captured += size
        self._meter.feed(block)
        if self._resampler.from_hz == EAR_RATE_HZ:
            return block
        return to_int16(self._resampler.push(to_float32(block), last=False))

    def _keep(self, block: Int16) -> None:
        at = np.arange(self.position, self.position + block.size) % self._history.size
        self._history[at] = block
        self.position += block.size

    def _judge(self) -> Iterator[EarFrame]:
        size = self.vad.window_samples
        while self._judged + size <= self.position:
            at = np.arange(self._judged, self._judged + size) % self._history.size
            window = self._history[at]
            self._judged += size
            heard_ns = self._arrivals.time_of((self._judged - self._began) * self._resampler.from_hz / EAR_RATE_HZ)
            probability = float(self.vad.probability(window))
            if self.echo is not None:
                probability = self.echo.judge(probability, size)
            swing, clipped_share = self._meter.read()
            facts = (round(probability, 4), round(dbfs(window), 1), heard_ns)
            yield EarFrame(self._judged, size, *facts, swing, round(clipped_share, 4))
