"""How sharp a change of voices is, all along its crossfade, against what the voices do by themselves.

The sharpest of speech is a moment in a vowel or an s: of two thousand samples of a loud word many a one lies above the
99.9th percentile of a text, stitched or not. So a seam is laid beside the same words as each of the two speaks them
alone: a step that they have there too is no click, and would hide one no larger than itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scenes.spoken import AFTER_MS, NEAR_MS, Spoken
from stitcher.pcm import FULL_SCALE, frame_samples
from stitcher.seam_measures import CLICK_MS, STEP_PERCENTILE, speech_mask


def click_ratio(here: Spoken, index: int, alone: Sequence[Spoken] = ()) -> float:
    """The largest step of the crossfade that ends at `index` over the usual ones of speech, or those that the word has
    that begins there in the readings `alone`, if one is larger. Up to 1 it is no sharper than they are."""
    words = [one.index(here.place(index)) for one in alone]
    own = [_largest(one, word, word, NEAR_MS, AFTER_MS) for one, word in zip(alone, words, strict=True)]
    at = index - frame_samples(here.rate_hz)
    return _largest(here, at, index, CLICK_MS, CLICK_MS) / max(_usual(here), *own, 1.0)


def _largest(one: Spoken, begin: int, end: int, before_ms: int, after_ms: int) -> float:
    before, after = (one.rate_hz * ms // 1000 for ms in (before_ms, after_ms))
    return float(_steps(one)[max(0, begin - before) : end + after].max(initial=0))


def _usual(one: Spoken) -> float:
    mask = speech_mask(one.audio / FULL_SCALE, one.rate_hz)
    inside = mask[:-1] & mask[1:]
    return float(np.percentile(_steps(one)[inside], STEP_PERCENTILE)) if inside.any() else 0.0


def _steps(one: Spoken) -> npt.NDArray[np.int32]:
    return np.abs(np.diff(one.audio.astype(np.int32)))
