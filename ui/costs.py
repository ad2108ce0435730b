"""What an adapter costs on this machine, for people: from what its warm-up measured."""

from __future__ import annotations

from typing import Any

SENTENCE_CHARS = 40  # what the first chunk is waited for: preparing a span costs by its text


def cost_line(capability: Any) -> str:
    cost = capability.cost
    if cost is None:
        return f"{capability.rate_hz} Hz, not measured"
    text = f"loads in {cost.load_ns / 1e9:.1f} s"
    if capability.role == "tts" and capability.unit_samples:
        audio_ns = capability.granularity[-1] * capability.unit_samples * 1e9 / capability.rate_hz
        rtf = (cost.call_ns + cost.unit_ns * capability.granularity[-1]) / audio_ns
        open_ns = cost.open_ns + cost.open_char_ns * SENTENCE_CHARS
        first_ns = open_ns + cost.call_ns + cost.unit_ns * capability.granularity[0]
        text += f"; first chunk of a sentence after {first_ns / 1e6:.0f} ms, real-time factor {rtf:.2f}"
    elif cost.call_ns:
        text += f"; {cost.call_ns / 1e6:.0f} ms a call"
    return text
