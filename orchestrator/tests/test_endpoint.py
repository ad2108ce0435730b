"""Endpointing: the surer the model is, the shorter the wait; and every turn ends."""

from __future__ import annotations

from itertools import pairwise

import pytest

from orchestrator.endpoint import wait_ms
from orchestrator.settings import ENDPOINT_MOST_MS, ListenSettings

SETTINGS = ListenSettings(
    speculate_ms=100, endpoint_ms=500, endpoint_sure_ms=200, endpoint_unsure_ms=1000, unsure_below=0.2, sure_above=0.8
)


def test_without_a_model_plain_silence_decides():
    assert wait_ms(None, SETTINGS) == 500


@pytest.mark.parametrize(
    ("probability", "expected_ms"), [(0.0, 1000), (0.2, 1000), (0.35, 800), (0.5, 600), (0.8, 200), (1.0, 200)]
)
def test_the_wait_goes_from_the_longest_to_the_shortest(probability, expected_ms):
    assert wait_ms(probability, SETTINGS) == expected_ms


def test_who_is_surer_never_waits_longer():
    waits = [wait_ms(percent / 100, ListenSettings()) for percent in range(101)]
    assert all(later <= earlier for earlier, later in pairwise(waits))
    assert waits[0] > waits[-1]


def test_a_turn_is_never_over_before_it_could_be_judged_and_always_over_in_the_end():
    for settings in (SETTINGS, ListenSettings()):
        for probability in (None, 0.0, 0.5, 1.0):
            assert settings.speculate_ms <= wait_ms(probability, settings) <= ENDPOINT_MOST_MS


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint_sure_ms": 90},
        {"endpoint_sure_ms": 700, "endpoint_unsure_ms": 600},
        {"endpoint_unsure_ms": ENDPOINT_MOST_MS + 1},
        {"unsure_below": 0.8, "sure_above": 0.8},
        {"sure_above": 1.1},
    ],
)
def test_settings_that_contradict_each_other_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=r"listen\."):
        ListenSettings(speculate_ms=100, **wrong)
