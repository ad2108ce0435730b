"""When a word was said. Positions are samples; whoever holds a word says of which stream and at what rate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WordTime:
    """`text`: with its punctuation; `probability`: the recognizer's own, 0 to 1."""

    text: str
    start_sample: int
    end_sample: int
    probability: float
