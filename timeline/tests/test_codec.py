"""Every event survives the journey through JSON; what another version wrote is told apart."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline import events
from timeline.codec import UnknownKind, decode, encode
from timeline.events import EVENTS, ChunkStitched, EarFrame, UserTyped, WordMark

PLAIN = {
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(st.characters(exclude_categories=["Cs"])),
}
for plain, strategy in PLAIN.items():
    st.register_type_strategy(plain, strategy)


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Nested:
    mark: WordMark | None
    pair: tuple[int, str]
    many: tuple[WordMark, ...]
    colour: Colour


def journey(fact: object, kinds: dict[str, type] = EVENTS) -> object:
    return decode(orjson.loads(orjson.dumps(encode(fact))), kinds)


@given(st.one_of([st.builds(kind) for kind in EVENTS.values()]))
def test_every_event_comes_back(event):
    back = journey(event)
    assert back == event
    assert type(back) is type(event)
    assert hash(back) == hash(event)  # tuples are tuples again


@given(st.builds(Nested))
def test_nested_values_come_back(fact):
    back = journey(fact, {"Nested": Nested})
    assert back == fact
    assert isinstance(back.colour, Colour)


def test_every_event_can_be_read_back():
    written = {kind for kind in vars(events).values() if getattr(kind, "__module__", "") == events.__name__}
    assert written - set(EVENTS.values()) == {WordMark}, "a journal that holds it could not be replayed"


@pytest.mark.parametrize("kind", EVENTS.values())
def test_an_event_is_frozen_and_plain(kind):
    assert EVENTS[kind.__name__] is kind
    assert kind.__dataclass_params__.frozen
    allowed = {"int", "float", "str", "bool", "tuple[WordMark, ...]", "tuple[WordTime, ...]"}
    assert "kind" not in {field.name for field in dataclasses.fields(kind)}  # the record's own
    assert {field.type for field in dataclasses.fields(kind)} <= allowed


@pytest.mark.parametrize("record", [{"kind": "Nobody"}, {}, {"kind": None}, {"kind": ["UserTyped"]}])
def test_an_unknown_kind_is_said_to_be_unknown(record):
    with pytest.raises(UnknownKind):
        decode(record, EVENTS)


def test_a_field_of_a_later_version_is_passed_over_and_one_with_a_default_may_lack():
    assert decode({"kind": "UserTyped", "text": "hi", "mood": 3}, EVENTS) == UserTyped("hi")
    record = encode(ChunkStitched(1, 2, 3, 4, 5, 6, True, 7))
    del record["marks"]
    assert decode(record, EVENTS).marks == ()


def test_a_window_of_a_journal_that_did_not_look_at_the_microphone_is_read():
    record = {"kind": "EarFrame", "end_position": 512, "window_samples": 512, "speech_prob": 0.5, "level_dbfs": -20.0,
              "device_ns": 3}  # fmt: skip
    assert decode(record, EVENTS) == EarFrame(512, 512, 0.5, -20.0, 3, swing=-1, clipped_share=0.0)
