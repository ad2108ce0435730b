"""Endpointing: the surer the model is, the shorter the wait; and every turn ends."""

from __future__ import annotations

from itertools import pairwise, product

import pytest

from orchestrator.completeness import Completeness
from orchestrator.detector import SpeechDetector
from orchestrator.endpoint import Endpoint, JudgeTurn, TurnJudged, wait_ms
from orchestrator.settings import ENDPOINT_MOST_MS, ListenSettings
from timeline.events import EarFrame

SETTINGS = ListenSettings(
    speculate_ms=100, endpoint_ms=500, endpoint_sure_ms=200, endpoint_unsure_ms=1000, endpoint_open_ms=1500,
    unsure_below=0.2, sure_above=0.8,
)  # fmt: skip
OPEN, UNKNOWN, WHOLE = Completeness.OPEN, Completeness.UNKNOWN, Completeness.WHOLE


def test_without_a_model_plain_silence_decides():
    assert wait_ms(None, WHOLE, SETTINGS) == wait_ms(None, UNKNOWN, SETTINGS) == 500


@pytest.mark.parametrize("probability", [None, 0.0, 0.5, 1.0])
def test_words_that_want_others_are_stronger_than_any_model(probability):
    assert wait_ms(probability, OPEN, SETTINGS) == 1500


def test_a_model_is_believed_where_the_words_may_be_all():
    assert [wait_ms(probability, UNKNOWN, SETTINGS) for probability in (0.0, 0.5, 1.0)] == [1000] * 3


@pytest.mark.parametrize(
    ("probability", "expected_ms"), [(0.0, 1000), (0.2, 1000), (0.35, 800), (0.5, 600), (0.8, 200), (1.0, 200)]
)
def test_the_wait_goes_from_the_longest_to_the_shortest(probability, expected_ms):
    assert wait_ms(probability, WHOLE, SETTINGS) == expected_ms


def test_who_is_surer_never_waits_longer():
    waits = [wait_ms(percent / 100, WHOLE, ListenSettings()) for percent in range(101)]
    assert all(later <= earlier for earlier, later in pairwise(waits))
    assert waits[0] > waits[-1]


def test_a_turn_is_never_over_before_it_could_be_judged_and_always_over_in_the_end():
    for settings in (SETTINGS, ListenSettings()):
        for probability, words in product((None, 0.0, 0.5, 1.0), Completeness):
            assert settings.speculate_ms <= wait_ms(probability, words, settings) <= ENDPOINT_MOST_MS


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint_sure_ms": 90},
        {"endpoint_sure_ms": 700, "endpoint_unsure_ms": 600},
        {"endpoint_open_ms": 500},
        {"endpoint_open_ms": ENDPOINT_MOST_MS + 1},
        {"unsure_below": 0.8, "sure_above": 0.8},
        {"sure_above": 1.1},
    ],
)
def test_settings_that_contradict_each_other_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=r"listen\."):
        ListenSettings(speculate_ms=100, **wrong)


RATE_HZ = 16_000
WINDOW = 800  # 50 ms
HEARD = ListenSettings(
    speculate_ms=100, endpoint_ms=500, endpoint_sure_ms=200, endpoint_unsure_ms=1000, endpoint_open_ms=1500,
    preroll_ms=50, unsure_below=0.2, sure_above=0.8,
)  # fmt: skip


class Room:
    """Windows of speech and silence, heard one by one; answers come by hand."""

    def __init__(self, judged=True):
        self.detector = SpeechDetector(HEARD, RATE_HZ)
        self.endpoint = Endpoint(HEARD, RATE_HZ, judged)
        self.asked = []
        self.text = "That is all."

    def hear(self, pattern):
        """`#` is a window of speech, `.` one of silence; True where the turn was over at the last one."""
        for mark in pattern:
            end = self.detector.position + WINDOW
            self.detector.feed(EarFrame(end, WINDOW, 0.9 if mark == "#" else 0.1, -30.0, 0))
            asked = self.endpoint.hear(self.detector)
            self.asked += [asked] if asked is not None else []
        return self.endpoint.over(self.detector, self.text)

    def answer(self, probability, asked=None):
        asked = asked or self.asked[-1]
        self.endpoint.judge(TurnJudged(asked.start_position, asked.end_position, probability, 0))


def test_it_asks_once_in_a_silence_and_of_what_was_said_since_the_last_one():
    room = Room()
    room.hear("..####.....")
    assert room.asked == [JudgeTurn(1 * WINDOW, 8 * WINDOW)]
    room.hear("##.##...")
    assert room.asked[1:] == [JudgeTurn(11 * WINDOW, 18 * WINDOW)]


def test_before_anybody_speaks_nothing_is_asked():
    room = Room()
    room.hear("." * 40)
    assert room.asked == []


def test_a_turn_that_is_surely_over_ends_soon_and_one_that_is_not_ends_late():
    for probability, silent in ((1.0, 4), (0.0, 20)):
        room = Room()
        room.hear("####..")
        room.answer(probability)
        assert not room.hear("." * (silent - 3))
        assert room.hear(".")


def test_before_the_answer_plain_silence_ends_a_turn():
    room = Room()
    assert not room.hear("####.........")
    assert room.hear(".")


@pytest.mark.parametrize(("text", "windows"), [("Set a timer.", 4), ("Set a timer for", 30), (None, 20)])
def test_words_keep_a_turn_open_and_while_there_are_none_the_model_is_unsure(text, windows):
    room = Room()
    room.text = text
    room.hear("####..")
    room.answer(1.0)
    assert not room.hear("." * (windows - 3))
    assert room.hear(".")


def test_an_answer_to_a_pause_is_stale_once_the_user_has_gone_on():
    room = Room()
    room.hear("####..")
    pause = room.asked[-1]
    room.hear("####..")
    room.answer(1.0, pause)
    assert not room.hear("...")
    room.hear("####....")
    assert room.asked[-1] != pause


def test_a_second_turn_knows_nothing_of_the_first():
    room = Room()
    room.hear("####..")
    room.answer(1.0)
    assert room.hear("..")
    room.endpoint.begin()
    room.detector.reset()
    room.hear("...####..")
    assert room.asked[-1] == JudgeTurn(10 * WINDOW, 17 * WINDOW)
    assert not room.hear("......")


def test_without_a_model_nothing_is_asked():
    room = Room(judged=False)
    assert room.hear("####" + "." * 10)
    assert room.asked == []
