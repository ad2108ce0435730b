"""What a voice costs, found by speaking: the same span twice, the second time with the clock in hand."""

from __future__ import annotations

from adapters.base import Cost, Span, Tts
from timeline.clock import Clock


def measure(tts: Tts, span: Span, few: int, many: int, clock: Clock) -> Cost:
    """Of a pull of `few` units and one of `many`. What the first time takes longer is called loading."""
    start_ns = clock.now_ns()
    first = tts.open(span)
    first.pull(few, True)
    first.close()
    loaded_ns = clock.now_ns()
    synthesis = tts.open(span)
    open_ns = clock.now_ns() - loaded_ns
    pulls = []
    for units in (few, many):
        begin_ns = clock.now_ns()
        chunk = synthesis.pull(units, True)
        pulls.append((chunk.units, clock.now_ns() - begin_ns))
    synthesis.close()
    (fewer, fewer_ns), (more, more_ns) = pulls
    unit_ns = max(0, more_ns - fewer_ns) // max(1, more - fewer)
    call_ns = max(0, fewer_ns - unit_ns * fewer)
    return Cost(max(0, loaded_ns - start_ns - open_ns - fewer_ns), open_ns, 0, call_ns, unit_ns)
