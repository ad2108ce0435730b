"""They fall over texts."""

from __future__ import annotations

import numpy as np

from adapters.base import Span
from adapters.conformance.elsewhere import MEMORY_MOST_BYTES
from adapters.conformance.tests.saboteurs.honest import Saboteur, Synthesis
from adapters.conformance.texts import TEXTS


class OddTexts(Saboteur):
    def open(self, span: Span) -> Synthesis:
        span.text.encode("ascii" if span.text == TEXTS["half a character"] else "utf-8", "surrogatepass")
        return super().open(span)


class TextLimit(Saboteur):
    """It wants memory for a text that is far too long: more than the kit lets it have, and none of it is touched."""

    def open(self, span: Span) -> Synthesis:
        if len(span.text) > self.describe().limits.text_chars:
            np.empty(2 * MEMORY_MOST_BYTES, np.uint8)
        return super().open(span)
