"""Checks of markers: they say which words were heard when somebody interrupts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from adapters.conformance.finding import Finding, check, none_of, unclaimed
from adapters.conformance.shape import SOUND_LEAST, of_each_text
from adapters.conformance.subject import Rendering, Subject
from adapters.conformance.texts import WORDS


@check
def markers_as_declared(subject: Subject) -> Finding:
    """Where markers are declared, each word of a plain sentence has one, in order; where none are, none come."""
    declared, one = subject.capability.markers, subject.render(WORDS)
    words = [WORDS[mark.text_start : mark.text_end] for mark in one.markers]
    expected = [] if declared == "none" else WORDS.split()
    wrong = [] if words == expected else [f"markers are {declared}, and these came: {words}"]
    return none_of(wrong, f"markers are {declared}, and {len(words)} came")


@of_each_text("in order")
def markers_ascend(one: Rendering) -> Iterator[str]:
    """Markers come in the order of the text and of the audio, and do not overlap."""
    for a, b in pairwise(one.markers):
        if a.text_end > b.text_start or a.end_sample > b.start_sample:
            yield f"{b} comes after {a}"


@of_each_text("inside their text and their audio")
def markers_lie_inside(one: Rendering) -> Iterator[str]:
    """A marker's characters are in the text, its samples in the audio."""
    for mark in one.markers:
        if not 0 <= mark.text_start < mark.text_end <= len(one.text):
            yield f"{mark} is outside of {len(one.text)} characters"
        if not 0 <= mark.start_sample <= mark.end_sample <= one.samples:
            yield f"{mark} is outside of {one.samples} samples"


@of_each_text("each in the chunk where it begins")
def markers_come_with_their_sound(one: Rendering) -> Iterator[str]:
    """A marker comes with the chunk in which it begins, neither before nor after."""
    start = 0
    for chunk in one.chunks:
        for mark in chunk.markers:
            if not start <= mark.start_sample < start + chunk.pcm.size:
                yield f"{mark} came with samples {start} to {start + chunk.pcm.size}"
        start += chunk.pcm.size


@check
def marked_words_sound(subject: Subject) -> Finding:
    """Between the ends of a marker there is sound."""
    one = subject.render(WORDS)
    if not one.markers:
        return unclaimed("it has no markers")
    peaks = {mark: np.abs(one.pcm[mark.start_sample : mark.end_sample]).max(initial=0.0) for mark in one.markers}
    silent = [WORDS[mark.text_start : mark.text_end] for mark, peak in peaks.items() if peak < SOUND_LEAST]
    return none_of((f"where {word!r} is marked is silence" for word in silent), "where words are marked they sound")
