"""Checks of repetition: a run can be replayed only where the same request gives the same audio."""

from __future__ import annotations

import numpy as np

from adapters.base import AdapterError
from adapters.conformance.finding import Finding, at_most, check, none_of, unclaimed
from adapters.conformance.subject import SEED, Rendering, Subject
from adapters.conformance.texts import HELLO, OTHER, WORDS
from stitcher.pcm import Float32

SAME_DB = -100.0  # of the audio itself: below the noise of 16 bits
UNMIXED_DB = -60.0  # what another voice would never be below
RANDOM = "it does not claim to be deterministic"


@check
def same_seed_same_bytes(subject: Subject) -> Finding:
    """The same span, seed and pulls give the same bytes, whatever was said in between."""
    if not subject.capability.deterministic:
        return unclaimed(RANDOM)
    first = subject.renderings["plain"]
    subject.render(OTHER, seed=SEED + 1)
    again = subject.render(HELLO)
    return none_of(_differences(first.digest, again.digest), f"{again.samples} samples came again to the bit")


@check
def same_bytes_in_another_process(subject: Subject) -> Finding:
    """The same span, seed and pulls give the same bytes in another process."""
    if not subject.capability.deterministic:
        return unclaimed(RANDOM)
    here, there = subject.renderings["plain"].digest, subject.elsewhere.digest
    return none_of(_differences(here, there), "another process gives the same bytes")


@check
def another_seed_is_heard(subject: Subject) -> Finding:
    """An engine that takes a seed speaks otherwise with another one."""
    if not subject.capability.supports_seed:
        return unclaimed("it takes no seed")
    first, *others = (subject.render(WORDS, seed=seed).digest for seed in range(SEED, SEED + 4))
    return none_of([] if any(one != first for one in others) else ["four seeds gave the same bytes"], "seeds differ")


@check
def pull_sizes_do_not_matter(subject: Subject) -> Finding:
    """Small pulls and large ones give the same audio."""
    if not subject.capability.deterministic:
        return unclaimed(RANDOM)
    small, large = (subject.render(HELLO, rungs=(rung,)).pcm for rung in (subject.rungs[0], subject.rungs[-1]))
    noise_db = _noise_db(small, large)
    return at_most(noise_db, SAME_DB, f"smallest and largest pulls differ by {noise_db:.0f} dB")


@check
def interleaved_do_not_mix(subject: Subject) -> Finding:
    """Two syntheses that are pulled in turn give what each gives alone."""
    if not subject.capability.deterministic:
        return unclaimed(RANDOM)
    alone = [subject.render(text, rungs=subject.rungs[:1]).pcm for text in (WORDS, OTHER)]
    synthesis, turns = subject.open(WORDS), (Rendering(WORDS), Rendering(OTHER))
    try:
        both = (synthesis, subject.open(OTHER))
    except AdapterError as error:
        synthesis.close()
        return unclaimed(f"it opens one at a time: {error.detail}")
    for _ in range(max(pcm.size for pcm in alone)):
        for one, turn in zip(both, turns, strict=True):
            if not (turn.chunks and turn.chunks[-1].eos):
                turn.chunks.append(one.pull(subject.rungs[0], True))
        if all(turn.chunks[-1].eos or not turn.chunks[-1].pcm.size for turn in turns):
            break
    for one in both:
        one.close()
    noise_db = max(_noise_db(turn.pcm, pcm) for turn, pcm in zip(turns, alone, strict=True))
    return at_most(noise_db, UNMIXED_DB, f"in turn and alone they differ by {noise_db:.0f} dB")


def _differences(first: bytes, again: bytes) -> list[str]:
    if first == again:
        return []
    if len(first) != len(again):
        return [f"{len(first)} bytes, then {len(again)}"]
    at = next(k for k, (a, b) in enumerate(zip(first, again, strict=True)) if a != b)
    return [f"byte {at} of {len(first)} differs"]


def _noise_db(one: Float32, other: Float32) -> float:
    """The difference of two renderings over the second, in dB; 0 where their lengths differ."""
    if one.size != other.size:
        return 0.0
    noise, power = np.sum(np.square(one - other, dtype=np.float64)), np.sum(np.square(other, dtype=np.float64))
    return float(10 * np.log10(max(noise, 1e-30) / max(power, 1e-12)))
