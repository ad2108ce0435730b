"""SNAC's frames from text that is cut anywhere, with tokens lost, strewn in and out of place."""

from __future__ import annotations

import contextlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tts import snac
from adapters.tts.snac import FRAME_SAMPLES, FRAME_TOKENS, FrameReader, Window, levels, window

FRAMES = [tuple((1000 * frame + 7 * place) % snac.CODES for place in range(FRAME_TOKENS)) for frame in range(5)]


def tokens(*frames: tuple[int, ...]) -> list[str]:
    """A frame's tokens as a model writes them."""
    return [
        f"<custom_token_{snac.FIRST_AUDIO_TOKEN + snac.CODES * place + code}>"
        for frame in frames
        for place, code in enumerate(frame)
    ]


def read(*pieces: str) -> list[tuple[int, ...]]:
    reader = FrameReader()
    return [frame for piece in pieces for frame in reader.feed(piece)]


@given(st.lists(st.integers(0, 700)))
def test_frames_do_not_depend_on_how_the_text_arrives(cuts: list[int]) -> None:
    text = "".join(tokens(*FRAMES))
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    assert read(*(text[a:b] for a, b in pairwise(edges))) == FRAMES


@given(st.text(alphabet="<>custom_token0123456789 \n", max_size=300))
def test_any_text_is_frames_or_one_value_error(text: str) -> None:
    frames: list[tuple[int, ...]] = []
    with contextlib.suppress(ValueError):
        frames = read(text)
    assert all(0 <= code < snac.CODES for frame in frames for code in frame)


def test_what_is_no_audio_is_passed_over_and_counted() -> None:
    reader = FrameReader()
    written = ["<custom_token_4>", "well,", *tokens(FRAMES[0]), "\n", *tokens(FRAMES[1])[:3], "<|x|>"]
    frames = [frame for piece in [*written, *tokens(FRAMES[1])[3:]] for frame in reader.feed(piece)]
    assert frames == FRAMES[:2]
    assert reader.strays == 3


@pytest.mark.parametrize("lost", range(FRAME_TOKENS))
def test_a_lost_token_costs_one_frame(lost: int) -> None:
    written = tokens(*FRAMES)
    del written[FRAME_TOKENS + lost]
    assert read("".join(written)) == [FRAMES[0], *FRAMES[2:]]


def test_a_token_beyond_the_last_codebook_is_a_stray() -> None:
    reader = FrameReader()
    assert list(reader.feed(f"<custom_token_{snac.FIRST_AUDIO_TOKEN + FRAME_TOKENS * snac.CODES}>")) == []
    assert reader.strays == 1


def test_a_model_that_has_lost_its_way_is_given_up() -> None:
    reader = FrameReader()
    assert list(reader.feed("word " * snac.STRAYS_MOST)) == []
    with pytest.raises(ValueError, match="no audio"):
        list(reader.feed("word "))


def test_strays_are_forgiven_once_a_frame_has_come() -> None:
    reader = FrameReader()
    for _ in range(5):
        assert list(reader.feed("word " * snac.STRAYS_MOST + "".join(tokens(FRAMES[0])))) == [FRAMES[0]]
    assert reader.strays == 5 * snac.STRAYS_MOST


def test_after_the_end_of_speech_nothing_counts() -> None:
    reader = FrameReader()
    text = "".join(tokens(FRAMES[0])) + "<custom_token_2>" + "".join(tokens(FRAMES[1])) + "word " * 100
    assert list(reader.feed(text)) == [FRAMES[0]]
    assert reader.ended


def test_an_unclosed_token_does_not_grow() -> None:
    reader = FrameReader()
    for _ in range(10):
        assert list(reader.feed("<" + "1" * 20)) == []
        assert len(reader._text) <= snac.TOKEN_CHARS_MOST


def test_codes_go_to_the_levels_in_order_of_time() -> None:
    coarse, middle, fine = levels([(0, 1, 2, 3, 4, 5, 6), (10, 11, 12, 13, 14, 15, 16)])
    np.testing.assert_array_equal(coarse, [[0, 10]])
    np.testing.assert_array_equal(middle, [[1, 4, 11, 14]])
    np.testing.assert_array_equal(fine, [[2, 3, 5, 6, 12, 13, 15, 16]])
    assert coarse.dtype == np.int64


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((5, 6, 10), Window(4, 8, FRAME_SAMPLES, 2 * FRAME_SAMPLES)),  # the middle of 28 tokens
        ((0, 1, 10), Window(0, 3, 0, FRAME_SAMPLES)),
        ((9, 10, 10), Window(8, 10, FRAME_SAMPLES, 2 * FRAME_SAMPLES)),
        ((0, 1, 1), Window(0, 1, 0, FRAME_SAMPLES)),
        ((2, 6, 10), Window(1, 8, FRAME_SAMPLES, 5 * FRAME_SAMPLES)),
    ],
)
def test_a_window_has_context_where_there_is_any(asked: tuple[int, int, int], expected: Window) -> None:
    assert window(*asked, before=1, after=2) == expected
