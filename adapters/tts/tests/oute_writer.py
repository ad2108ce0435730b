"""A language model for OuteTTS that writes what it is told, spelt by hand, and the adapter around it.

The vocabulary is small: ids of each kind follow one another, and a letter's is its code point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from adapters.tts.outetts import OuteTts
from adapters.tts.outetts_model import CONTEXT_FRAMES, UNIT_SAMPLES
from adapters.tts.outetts_tokens import CODES, FRAMES_PER_S, Vocabulary

WORD_FRAMES = 30
SWELL_CODES, STEP_CODES = 300, 50  # how loud a word of SwellingModel is, and by how much for whom and by which seed

SPECIAL = {"<start>": 1, "<features>": 2, "<end>": 3, "<other>": 4}
C1, C2, TIMES, TEXT = 1000, 3000, 6000, 10_000  # where ids of each kind begin


def text_of(ids: list[int]) -> str:
    def one(id: int) -> str:
        return chr(id - TEXT) if id >= TEXT else f"<|t_0.{id - TIMES:02d}|>" if id >= TIMES else "<|other|>"

    return "".join(one(id) for id in ids)


VOCABULARY = Vocabulary(
    {C1 + code: code for code in range(CODES + 1)}, {C2 + code: code for code in range(CODES + 1)}, 1, 2, 3, text_of
)


def word(text: str, codes: Sequence[int], first: bool = False) -> list[int]:
    """As the model writes it, with these codes for its frames, alike in both books."""
    head = [] if first else [SPECIAL["<start>"]]
    told = TIMES + round(len(codes) / FRAMES_PER_S * 100)
    spelt = [TEXT + ord(char) for char in text]
    frames = [id for code in codes for id in (C1 + code, C2 + code)]
    return [*head, *spelt, SPECIAL["<features>"], told, SPECIAL["<other>"], *frames, 4]


class WritingModel:
    """Writes each word of a chunk as WORD_FRAMES frames, whose codes count up; a frame sounds as its code. Like
    llama.cpp's, its state belongs to the answer that was begun last."""

    streams = True
    vocabulary = VOCABULARY

    def __init__(self) -> None:
        self.written = 0
        self.seeds: list[int] = []
        self.speakers: list[Any] = []
        self.before_token: Callable[[], None] = lambda: None

    def default_speaker(self, name: str) -> dict[str, Any]:
        return {"name": name}

    def speaker(self, path: Path) -> dict[str, Any]:
        return {"name": path.stem}

    def chunks(self, text: str) -> list[str]:
        return [part + "." for part in text.split(".") if part.strip()]

    def tokens(self, chunk: str, speaker: dict[str, Any], seed: int) -> Iterator[int]:
        self.seeds.append(seed)
        self.speakers.append(speaker)
        answer = len(self.seeds)
        for number, text in enumerate(chunk.split()):
            for token in word(text, self.codes(speaker, seed), first=number == 0):
                assert answer == len(self.seeds), "another answer was begun in this one"
                self.before_token()
                self.written += 1
                yield token
        yield VOCABULARY.end
        raise AssertionError("it writes on after the end")

    def codes(self, speaker: dict[str, Any], seed: int) -> Sequence[int]:
        """Of each word."""
        return range(WORD_FRAMES)

    def decode(self, codes: tuple[list[int], list[int]], before: int, frames: int) -> np.ndarray:
        assert len(codes[0]) == len(codes[1]) <= before + frames + CONTEXT_FRAMES
        return np.repeat(np.array(codes[0][before : before + frames], np.float32) / 1024, UNIT_SAMPLES)


class SwellingModel(WritingModel):
    """Its words begin and end in silence, as speech does; speakers and seeds are told apart by their loudness."""

    def codes(self, speaker: dict[str, Any], seed: int) -> Sequence[int]:
        most = SWELL_CODES + STEP_CODES * ((seed + sum(map(ord, speaker["name"]))) % 7)
        return [round(float(most * np.sin(np.pi * frame / (WORD_FRAMES - 1)))) for frame in range(WORD_FRAMES)]


class SwellingOuteTts(OuteTts):
    """OuteTTS, whole but for its package."""

    @cached_property
    def model(self) -> Any:
        return SwellingModel()
