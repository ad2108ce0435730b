"""Checks of chunks, on every text that was spoken: units, lengths, ends, samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps

import numpy as np

from adapters.conformance.finding import Check, Finding, at_least, at_most, check, none_of, unclaimed
from adapters.conformance.subject import Rendering, Subject
from adapters.conformance.texts import HELLO, SHORT

PEAK_MOST = 1.0  # full scale: what is beyond would be clipped in the ring, and that is heard
EDGE_MOST = 0.02  # of full scale, -34 dB: a step of this size from silence is not heard as a click
SOUND_LEAST = 0.01  # of full scale, -40 dB: softer is no speech


Look = Callable[[Rendering], Iterator[str]]


def complaints(subject: Subject, look: Look) -> list[str]:
    return [f"text {name!r}: {line}" for name, one in subject.renderings.items() for line in look(one)]


def each(subject: Subject, look: Look, holds: str) -> Finding:
    """Look at every text that was spoken."""
    return none_of(complaints(subject, look), f"{holds}, in {len(subject.renderings)} texts")


def of_each_text(holds: str) -> Callable[[Look], Check]:
    """Make a check of what is wrong with one text's audio."""

    def made(look: Look) -> Check:
        @wraps(look)
        def whole(subject: Subject) -> Finding:
            return each(subject, look, holds)

        return check(whole)

    return made


@check
def units_hold(subject: Subject) -> Finding:
    """A chunk of n units has n times unit_samples samples; the last one may have fewer."""
    size = subject.capability.unit_samples

    def look(one: Rendering) -> Iterator[str]:
        for chunk in one.chunks:
            least = 0 if chunk.eos else chunk.units * size
            if not least <= chunk.pcm.size <= chunk.units * size:
                yield f"{chunk.pcm.size} samples in a chunk of {chunk.units} units"

    return each(subject, look, f"a unit is {size} samples everywhere")


@check
def no_more_than_asked(subject: Subject) -> Finding:
    """A pull gives as many units as asked, or fewer; for each rung."""

    def look(one: Rendering) -> Iterator[str]:
        for asked, chunk in zip(one.asked, one.chunks, strict=True):
            if not 0 <= chunk.units <= asked:
                yield f"{chunk.units} units where {asked} were asked"

    everywhere = [complaint for rung in subject.rungs for complaint in look(subject.render(SHORT, rungs=(rung,)))]
    return none_of([*everywhere, *complaints(subject, look)], "no pull gave more than was asked")


@check
def lengths_add_up(subject: Subject) -> Finding:
    """Where the engine says how many units there will be, there are as many."""
    if all(one.units < 0 for one in subject.renderings.values()):
        return unclaimed("it does not say how many units there will be")

    def look(one: Rendering) -> Iterator[str]:
        units = sum(chunk.units for chunk in one.chunks)
        if one.units >= 0 and one.units != units:
            yield f"{units} units came of {one.units}"

    return each(subject, look, "as many units came as were said")


@of_each_text("each text came to its end")
def eos_once(one: Rendering) -> Iterator[str]:
    """Each text ends: one chunk tells the end, and it is the last."""
    if not one.chunks[-1].eos:
        yield f"no end after {len(one.chunks)} pulls"


@check
def nothing_after_the_end(subject: Subject) -> Finding:
    """After the end, pulls give an empty chunk that tells the end again."""
    synthesis = subject.open(SHORT)
    for _ in range(10 * len(HELLO)):
        if synthesis.pull(subject.rungs[-1], False).eos:
            break
    else:
        return unclaimed("it has no end")
    after = [synthesis.pull(rung, True) for rung in (subject.rungs[0], subject.rungs[-1])]
    synthesis.close()
    found = [(chunk.units, chunk.pcm.size, len(chunk.markers), chunk.eos) for chunk in after]
    wrong = [one for one in found if one != (0, 0, 0, True)]
    line = "{} units, {} samples, {} markers, eos {} came after the end"
    return none_of((line.format(*one) for one in wrong), "nothing came after the end")


@of_each_text("float32, mono")
def pcm_is_float32_mono(one: Rendering) -> Iterator[str]:
    """Samples are float32, in one dimension."""
    for chunk in one.chunks:
        if chunk.pcm.dtype != np.float32 or chunk.pcm.ndim != 1:
            yield f"pcm is {chunk.pcm.dtype} in {chunk.pcm.ndim} dimensions"


@of_each_text("all samples are numbers")
def pcm_is_finite(one: Rendering) -> Iterator[str]:
    """Samples are numbers."""
    for chunk in one.chunks:
        if not np.isfinite(chunk.pcm).all():
            yield "a sample is not a number, or infinite"


@check
def pcm_keeps_full_scale(subject: Subject) -> Finding:
    """No sample is beyond full scale; there is no overshoot that is allowed."""
    peaks = {name: float(np.abs(one.pcm).max(initial=0.0)) for name, one in subject.renderings.items()}
    loudest = max(peaks, key=lambda name: peaks[name])
    return at_most(peaks[loudest], PEAK_MOST, f"the loudest sample, {peaks[loudest]:.2f}, is in the text {loudest!r}")


@check
def edges_do_not_click(subject: Subject) -> Finding:
    """Speech begins and ends near zero: around it is silence."""
    pcm = subject.renderings["plain"].pcm
    first, last = (abs(float(pcm[at])) for at in (0, -1))
    return at_most(max(first, last), EDGE_MOST, f"it begins at {first:.3f} and ends at {last:.3f} of full scale")


@check
def short_text_sounds(subject: Subject) -> Finding:
    """One word is heard."""
    peak = float(np.abs(subject.render(SHORT).pcm).max(initial=0.0))
    return at_least(peak, SOUND_LEAST, f"{SHORT!r} peaks at {peak:.2f} of full scale")
