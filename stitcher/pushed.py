"""A pushed stream: a source that sends in real time by its own clock, on its way to the ring.

    chunk (source's rate) -> resample -> pending -> splice, where the guard wishes it -> gliding ratio -> ring

For a remote speech stream, or a client that relays audio. It begins to write once the target lead is there, and again
after it has run dry. Nothing is held back otherwise but the resamplers' few samples, and 21 ms for the moment before a
splice. Where a sample of the source came to lie, `index_of` says.
"""

from __future__ import annotations

import numpy as np

from stitcher.dither import Dither, quantize
from stitcher.drift import Correction, DriftGuard, Repair, Wish
from stitcher.fractional import FractionalResampler
from stitcher.pcm import Float32
from stitcher.position_map import PositionMap
from stitcher.resample import StreamResampler
from stitcher.ring import Ring
from stitcher.seams import EDGE_MS, fade_in, fade_out
from stitcher.splice import find_alike, find_silence, lengthen, samples_needed, shorten

TARGET_MS = 120  # lead: two chunks of 40 ms, a block, and a network's usual jitter of 20 ms
NO_AUDIO: Float32 = np.zeros(0, np.float32)


class PushedStream:
    """Writes into `ring` (int16) at `rate_hz` what comes at `from_hz`. `overflow_samples` counts what found no room."""

    def __init__(
        self, ring: Ring, rate_hz: int, from_hz: int, target_ms: int = TARGET_MS, dither: Dither | None = None
    ) -> None:
        self.ring = ring
        self.rate_hz = rate_hz
        self.guard = DriftGuard(rate_hz, target_ms * rate_hz // 1000)
        self.overflow_samples = 0
        self._dither = dither
        self._edge = rate_hz * EDGE_MS // 1000
        self._resampler = StreamResampler(from_hz, rate_hz)
        self._fractional = FractionalResampler()
        self._edits = PositionMap()  # resampled source -> after splices
        self._places = PositionMap()  # after splices -> stream index
        self._pending = NO_AUDIO
        self._taken = 0  # resampled samples that have left `pending`
        self._skip = 0  # samples still to leave out
        self._waiting = True  # for the target lead
        self._fade_due = True  # what comes next begins in silence
        self._read_index = ring.written  # where the sink stands; what lies there from before is not ours
        self._ran_dry = False

    @property
    def lead_samples(self) -> int:
        """Audio ahead of the sink, that which is not written yet included."""
        kept = self._fractional.pushed_samples - self._fractional.next_place
        return self.ring.written - self._read_index + self._pending.size + round(kept)

    def tick(self, position: int, read_index: int) -> None:
        """The sink has played `position` samples, silence included, and stands at `read_index`."""
        self._read_index = max(self._read_index, read_index)
        if not self._waiting and self._read_index >= self.ring.written:
            self._waiting = self._ran_dry = True
            self._skip = 0  # nothing is too old any more
        if not self._waiting and not self._skip:
            self.guard.tick(position, self.lead_samples)

    def push(self, pcm: Float32) -> list[Correction]:
        """float32[n] at the source's rate; returns what had to be done to the stream beyond its ratio."""
        self._pending = np.concatenate((self._pending, self._resampler.push(pcm, False)))
        if self._waiting:
            return self._wait(pcm.size * self.rate_hz // self._resampler.from_hz)
        if self._skip or self._fade_due:
            self._leave_out()
            return []
        wish = self.guard.wish(self.lead_samples)
        if wish is not None and wish.repair is Repair.JUMP:
            return [self._jump(wish)]
        correction, held = self._splice(wish) if wish is not None else (None, False)
        if not held:
            self._feed()
        return [correction] if correction is not None else []

    def finish(self) -> None:
        """Nothing follows: give out what is kept."""
        self._pending = np.concatenate((self._pending, self._resampler.push(NO_AUDIO, True)))
        self._drop()
        if self._fade_due:
            self._pending = fade_in(self._pending, self._edge)
        self._feed()
        self._write(self._fractional.finish())
        self.ring.open = False

    def index_of(self, sample: int) -> int:
        """Where the source's sample lies in the stream: of one that is left out, where the stream goes on; of one that
        is not written yet, where it will unless something is spliced before it."""
        return round(self._places.to(self._edits.to(self._resampler.position(sample))))

    def _wait(self, chunk_samples: int) -> list[Correction]:
        """Begin, or begin again, once the target lead is there; a little later if need be, so that it is the target on
        the average from one chunk to the next."""
        target = self.guard.target_samples
        if self._pending.size < target:
            return []
        self._places.add(self._fractional.next_place, self.ring.written)
        self._fractional.restart()  # the last samples before the gap are too few to be worth a sound behind it
        self._write(np.zeros(max(0, target + chunk_samples // 2 - self._pending.size), np.float32))
        waited = Correction(Repair.JUMP, self.lead_samples, self.ring.written, "it ran dry, and waited for its lead")
        self.guard.done(waited)
        again, self._waiting, self._ran_dry, self._fade_due = self._ran_dry, False, False, True
        self._leave_out()
        return [waited] if again else []

    def _jump(self, wish: Wish) -> Correction:
        """Leave out the next samples; what is there fades out first."""
        correction = Correction(Repair.JUMP, wish.samples, self.ring.written, wish.reason)
        self.guard.done(correction)
        rest = self._pending[self._edge :]
        self._pending = fade_out(self._pending[: self._edge], self._edge)
        self._feed()
        self._pending = rest
        self._skip, self._fade_due = -wish.samples, True
        self._leave_out()
        return correction

    def _leave_out(self) -> None:
        """Throw away what is to be left out, and begin anew behind it."""
        self._drop()
        if not self._skip and self._pending.size >= self._edge:
            self._pending = fade_in(self._pending, self._edge)
            self._fade_due = False
            self._feed()

    def _drop(self) -> None:
        gone = min(self._skip, self._pending.size)
        self._edits.add(self._taken, self._fractional.pushed_samples)
        self._skip -= gone
        self._taken += gone
        self._pending = self._pending[gone:]
        self._edits.add(self._taken, self._fractional.pushed_samples)

    def _splice(self, wish: Wish) -> tuple[Correction | None, bool]:
        """Change what is pending; returns what was done, and whether more is needed before it can be."""
        repair, at = Repair.SILENCE, find_silence(self._pending, self.rate_hz, abs(wish.samples))
        if at is None and wish.repair is Repair.SPLICE:
            if self._pending.size < samples_needed(self.rate_hz):
                return None, True
            repair, at = Repair.SPLICE, find_alike(self._pending, self.rate_hz)
        if at is None:
            return None, False
        shorter = wish.samples < 0
        middle = at.overlap // 2 + (at.start if shorter else at.start + at.piece)  # where one gives way to the other
        behind = self._fractional.pushed_samples - self._taken
        self._edits.add(self._taken, self._taken + behind)
        self._edits.add(self._taken + middle, self._taken + middle + behind)
        self._places.add(self._fractional.next_place, self.ring.written)
        index = round(self._places.to(self._taken + middle + behind))
        correction = Correction(repair, -at.piece if shorter else at.piece, index, wish.reason)
        resumes = self._taken + middle + (at.piece if shorter else 0)
        self._edits.add(resumes, resumes + behind + correction.samples)
        size = self._pending.size
        self._pending = (shorten if shorter else lengthen)(self._pending, at)
        self.guard.done(correction)
        self._feed(size)
        return correction, False

    def _feed(self, taken: int | None = None) -> None:
        """All that is pending goes on; `taken`: how many of the source's it was, where it was spliced."""
        self._taken += self._pending.size if taken is None else taken
        audio, self._pending = self._pending, NO_AUDIO
        self._places.add(self._fractional.next_place, self.ring.written)
        self._write(self._fractional.push(audio, 1 + self.guard.ratio_ppm * 1e-6))
        self._edits.add(self._taken, self._fractional.pushed_samples)

    def _write(self, audio: Float32) -> None:
        if not self.ring.write(quantize(audio, self._dither, self.ring.written)):
            self.overflow_samples += audio.size
        elif audio.size:
            self.ring.open = True
