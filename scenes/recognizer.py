"""A recognizer for scenes: what a listener would have written down, hearing it up to five times.

What was said right is heard right in one of them; what was lost or said twice is in none.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from adapters import registry
from adapters.base import EAR_RATE_HZ
from adapters.registry import Context
from scenes.stage import Hear
from stitcher.pcm import Int16, to_float32

BEAM = 5  # as exact as the small model gets; nobody waits
HEARINGS = ((300, 1.0), (100, 1.0), (600, 1.0), (300, 1.06), (300, 0.94))
"""(silence around it in ms, speed): either decides now and then what Whisper makes up or leaves out."""


@cache
def recognizer(context: Context) -> Hear:
    """Whisper. Raises AdapterError where it or its weights are missing."""
    import soxr

    stt: Any = registry.create("stt", "whisper", {"beam": BEAM, "isolation": "thread"}, context)
    stt.warm_up()

    def hear(pcm: Int16, rate_hz: int) -> Iterator[str]:
        for rest_ms, speed in HEARINGS:
            audio = soxr.resample(to_float32(pcm), rate_hz, EAR_RATE_HZ / speed)
            yield stt.transcribe(np.pad(audio, EAR_RATE_HZ * rest_ms // 1000).astype(np.float32), False).text

    return hear
