"""A span whose audio tokens are on their way: read on as far as a pull needs, decoded frame by frame.

A frame is ready once those of its context are there, or the end: so the first and the last are heard too, however short
the text. What was read before a fault is heard, then the fault is raised.
"""

from __future__ import annotations

import logging

import numpy as np

from adapters.base import AdapterError, AudioChunk
from adapters.endpoint import Peer
from adapters.tts.read_by_threads import ThreadedStream
from adapters.tts.snac import FRAME_TOKENS, Frame, FrameReader
from adapters.tts.snac_decoder import SnacDecoder


class SnacSynthesis:
    """`tokens`: the model's text, None where there is nothing to say; `most`: how many it may write. Raises
    AdapterError where no frame comes."""

    def __init__(
        self, tokens: ThreadedStream | None, seed: int, decoder: SnacDecoder, peer: Peer, section: str, most: int
    ) -> None:
        self._tokens = tokens
        self._seed = seed
        self._decoder = decoder
        self._peer = peer
        self._section = section
        self._frames_most = most // FRAME_TOKENS
        self._reader = FrameReader()
        self._frames: list[Frame] = []
        self._ended = tokens is None
        self._closed = False
        self._fault: AdapterError | None = None
        self._done = 0
        try:
            self._read(1 + decoder.after)
        except AdapterError:
            self.close()
            raise

    @property
    def units(self) -> int:
        return len(self._frames) if self._ended else -1

    def pull(self, units: int, low_latency: bool) -> AudioChunk:
        if self._fault is None:
            try:
                self._read(self._done + units + self._decoder.after)
            except AdapterError as error:  # another try might say other words
                self._fault = AdapterError(error.kind, error.detail)
        ready = len(self._frames) - (0 if self._ended else self._decoder.after)
        start, end = self._done, min(self._done + units, ready)
        if self._closed or (end <= start and self._fault is None):
            return AudioChunk(np.zeros(0, np.float32), 0, (), True)
        if end <= start:
            assert self._fault is not None
            raise self._fault
        self._done = end
        pcm = self._decoder.decode(self._frames, start, end, self._seed)
        return AudioChunk(pcm, end - start, (), self._ended and end == len(self._frames))

    def close(self) -> None:
        self._closed = True
        if self._tokens is not None:
            self._tokens.close()

    def _read(self, frames: int) -> None:
        """Read on until there are so many, or the end."""
        while self._tokens is not None and not self._ended and len(self._frames) < frames:
            text = self._tokens.read()
            if self._closed:
                return
            try:
                self._frames += self._reader.feed(text)
            except ValueError as error:
                raise self._garbage(str(error)) from None
            if not text or self._reader.ended or len(self._frames) >= self._frames_most:
                self._finish(self._tokens)

    def _finish(self, tokens: ThreadedStream) -> None:
        self._ended = True
        tokens.close()
        if not self._frames:
            raise self._garbage(f"no audio and {self._reader.strays} other tokens")
        if len(self._frames) >= self._frames_most:
            line = "%s did not come to its end in %d frames: raise %s.max_tokens"
            logging.getLogger("duckbill").warning(line, self._section, len(self._frames), self._section)

    def _garbage(self, what: str) -> AdapterError:
        cure = "let it serve an Orpheus model, and start it with --special where it hides such tokens"
        return self._peer.fault("garbage", f"sent {what}: {cure}")
