"""SNAC's audio tokens: what an Orpheus-like model writes -> frames of codes -> windows for the decoder.

    "...<custom_token_4108>..." --FrameReader--> frames --levels--> SNAC's three inputs
                                                        --window--> which frames to decode, which samples to keep

Rules. Pure. A frame is seven tokens and 2,048 samples at 24 kHz; nothing less can be decoded. Token N in place p of
its frame stands for code N - 10 - 4096 p, so a token tells its place, and a lost one costs one frame and not all
that follow. What is no audio token, or is out of its place, is a *stray*: counted, and too many of them without a
frame between are an error. At both ends of the audio a window is shorter: it ends there, as the whole does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 24_000
FRAME_TOKENS = 7
FRAME_SAMPLES = 2048
CODES = 4096  # of each codebook
FIRST_AUDIO_TOKEN = 10  # those below steer the model
END_OF_SPEECH = 2  # the one that ends the audio
END_TOKEN = f"<custom_token_{END_OF_SPEECH}>"
TOKEN_CHARS_MOST = 32  # "<custom_token_28681>", the longest, has 20
STRAYS_MOST = 28  # without a frame between: a third of a second of audio lost, the model has lost its way

LEVELS = ((0,), (1, 4), (2, 3, 5, 6))
"""The places of a frame's tokens on SNAC's three levels, coarse to fine, each level in order of time."""

Frame = tuple[int, ...]
Codes = NDArray[np.int64]

_PIECE = re.compile(r"<custom_token_(?P<token>\d{1,6})>|\S+?(?=<|\s|$)")


class FrameReader:
    """Text, however it is cut into pieces -> whole frames."""

    def __init__(self) -> None:
        self.strays = 0  # in all
        self.ended = False
        self._text = ""  # of a token that has not ended
        self._codes: list[int] = []  # of a frame that is not whole
        self._astray = 0  # strays since the last frame

    def feed(self, text: str) -> Iterator[Frame]:
        """The frames that become whole. Raises ValueError where hardly anything is audio."""
        text = self._text + text
        opened = text.rfind("<")
        whole = opened < 0 or ">" in text[opened:] or len(text) - opened > TOKEN_CHARS_MOST
        cut = len(text) if whole else opened
        self._text = text[cut:]
        for piece in _PIECE.finditer(text[:cut]):
            frame = None if self.ended else self._take(piece["token"])
            if frame is not None:
                yield frame

    def _take(self, digits: str | None) -> Frame | None:
        """One token, or what is none."""
        token = int(digits) if digits else 0
        place, code = divmod(token - FIRST_AUDIO_TOKEN, CODES)
        if token == END_OF_SPEECH:
            self.ended = True
        elif place == len(self._codes):
            self._codes.append(code)
        elif place == 0:  # a frame begins before the last was whole
            self._stray(len(self._codes))
            self._codes = [code]
        else:
            self._stray(1)
        if len(self._codes) < FRAME_TOKENS:
            return None
        frame, self._codes, self._astray = tuple(self._codes), [], 0
        return frame

    def _stray(self, count: int) -> None:
        self.strays += count
        self._astray += count
        if self._astray > STRAYS_MOST:
            raise ValueError(f"{self._astray} tokens in a row that are no audio")


def levels(frames: list[Frame]) -> tuple[Codes, ...]:
    """int64[1, n], [1, 2 n] and [1, 4 n]: what SNAC's decoder reads."""
    codes = np.array(frames, np.int64).reshape(-1, FRAME_TOKENS)
    return tuple(codes[:, places].reshape(1, -1) for places in LEVELS)


@dataclass(frozen=True, slots=True)
class Window:
    """Decode the frames [first, last), keep the samples [start_sample, end_sample) of what comes out."""

    first: int
    last: int
    start_sample: int
    end_sample: int


def window(start: int, end: int, total: int, before: int, after: int) -> Window:
    """For the frames [start, end) of `total`, with so many of context before and after them where there are any."""
    first, last = max(0, start - before), min(total, end + after)
    return Window(first, last, (start - first) * FRAME_SAMPLES, (end - first) * FRAME_SAMPLES)
