"""Window, guard and splitting without weights; words, noise and faults with them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import EAR_RATE_HZ, AdapterError
from adapters.stt import whisper
from adapters.stt.whisper import Decoded, Options, WhisperStt
from stitcher.pcm import Float32
from timeline.clock import SystemClock, VirtualClock


@dataclass
class OneFolder:
    """A catalogue of weights that knows one folder."""

    folder: Path

    def locate(self, name: str) -> Path:
        return self.folder

    def sha256(self, name: str) -> str:
        return "digest of " + name


@dataclass
class World:
    weights: OneFolder
    clock: SystemClock | VirtualClock = field(default_factory=SystemClock)
    cache: Path = Path()


def decoded(text: str = "Good morning.", **facts: float) -> Decoded:
    return Decoded(text, **{"tokens": 4, "token_limit": 40, "logprob": -0.2, "no_speech": 0.05, **facts})


# -- window, bound, guard -----------------------------------------------------------------


@given(st.integers(0, whisper.FULL_FRAMES))
def test_the_window_holds_the_speech_and_its_padding_and_never_more_than_whispers(frames: int) -> None:
    window = whisper.window_frames(frames)
    assert min(frames + whisper.PADDING_FRAMES, whisper.FULL_FRAMES) <= window <= whisper.FULL_FRAMES
    assert window == whisper.FULL_FRAMES or window < frames + whisper.PADDING_FRAMES + whisper.STEP_FRAMES


def test_the_token_bound_grows_with_the_speech_but_for_provisional_answers() -> None:
    second, minute = whisper.FRAMES_PER_S, 60 * whisper.FRAMES_PER_S
    assert whisper.token_limit(2 * second, False) - whisper.token_limit(second, False) == whisper.TOKENS_PER_S
    assert whisper.token_limit(second, True) == whisper.token_limit(second, False)
    assert whisper.token_limit(minute, True) == whisper.PROVISIONAL_TOKENS


def test_a_plain_answer_is_believed() -> None:
    assert whisper.believable(decoded())
    assert whisper.believable(decoded("no no no"))


@pytest.mark.parametrize(
    "wrong",
    [
        decoded(tokens=40),
        decoded("I should be streaming. " * 8),
        decoded(logprob=-1.2),
    ],
    ids=["ran into its bound", "repeats itself", "improbable"],
)
def test_a_broken_answer_is_not_believed(wrong: Decoded) -> None:
    assert not whisper.believable(wrong)


def test_nobody_spoke_only_where_silence_is_likely_and_the_words_are_not() -> None:
    assert whisper.nobody_spoke(decoded(no_speech=0.8, logprob=-1.5))
    assert not whisper.nobody_spoke(decoded(no_speech=0.8, logprob=-0.2))
    assert not whisper.nobody_spoke(decoded(no_speech=0.1, logprob=-1.5))


# -- pieces -------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 130), st.integers(0, 9))
def test_pieces_are_all_of_the_audio_and_none_is_too_long(seconds: float, seed: int) -> None:
    pcm = np.random.default_rng(seed).standard_normal(int(seconds * EAR_RATE_HZ)).astype(np.float32)
    parts = whisper.pieces(pcm)
    np.testing.assert_array_equal(np.concatenate(parts), pcm)
    assert max(part.size for part in parts) <= whisper.PIECE_SAMPLES


def test_a_piece_ends_in_the_middle_of_a_pause() -> None:
    pcm = np.ones(40 * EAR_RATE_HZ, np.float32)
    pause = slice(25 * EAR_RATE_HZ, 25 * EAR_RATE_HZ + whisper.PAUSE_SAMPLES)
    pcm[pause] = 0.0
    first, _ = whisper.pieces(pcm)
    assert first.size == (pause.start + pause.stop) // 2


def test_more_audio_moves_no_earlier_cut() -> None:
    pcm = np.random.default_rng(3).standard_normal(100 * EAR_RATE_HZ).astype(np.float32)
    early, late = whisper.pieces(pcm[: 70 * EAR_RATE_HZ]), whisper.pieces(pcm)
    assert [part.size for part in early[:-1]] == [part.size for part in late[: len(early) - 1]]


# -- the ways through, with a decoder of our own ------------------------------------------


class Scripted(WhisperStt):
    """Answers what it is told and counts the plain passes."""

    def __init__(self, *answers: Decoded, **options: object) -> None:
        super().__init__(Options(**options), World(OneFolder(Path()), VirtualClock()))
        self.answers = list(answers)
        self.plain_passes = 0

    def _decode(self, pcm: Float32, provisional: bool) -> Decoded:
        return self.answers.pop(0)

    def _plain(self, pcm: Float32, provisional: bool) -> str:
        self.plain_passes += 1
        return "plain"


SPEECH = np.full(EAR_RATE_HZ, 0.1, np.float32)


def test_a_broken_final_answer_is_decoded_once_more_on_the_full_window() -> None:
    stt = Scripted(decoded(logprob=-1.2))
    answer = stt.transcribe(SPEECH, False)
    assert (answer.text, answer.full_window, stt.plain_passes) == ("plain", True, 1)


def test_a_broken_provisional_answer_is_dropped() -> None:
    stt = Scripted(decoded(logprob=-1.2))
    answer = stt.transcribe(SPEECH, True)
    assert (answer.text, answer.full_window, stt.plain_passes) == ("", False, 0)


def test_the_full_window_can_be_chosen() -> None:
    stt = Scripted(window="full")
    assert stt.transcribe(SPEECH, False).full_window
    assert stt.plain_passes == 1


def test_long_audio_is_joined_and_its_empty_pieces_leave_no_trace() -> None:
    stt = Scripted(decoded("One."), decoded("junk", no_speech=0.9, logprob=-2.0), decoded("Three."))
    pcm = np.random.default_rng(0).standard_normal(70 * EAR_RATE_HZ).astype(np.float32)
    assert stt.transcribe(pcm, False).text == "One. Three."


def test_silence_and_a_click_ask_no_decoder() -> None:
    stt = Scripted()
    assert stt.transcribe(np.zeros(5 * EAR_RATE_HZ, np.float32), False).text == ""
    assert stt.transcribe(np.ones(whisper.LEAST_SAMPLES - 1, np.float32), False).text == ""
    assert stt.transcribe(np.zeros(0, np.float32), False).text == ""


# -- faults -------------------------------------------------------------------------------


def test_a_folder_without_the_model_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=r"model\.bin.*stt\.whisper\.model_path") as caught:
        WhisperStt(Options(model_path=tmp_path), World(OneFolder(tmp_path))).warm_up()
    assert caught.value.kind == "missing"


def test_a_missing_tokenizer_is_not_looked_for_elsewhere(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(AdapterError, match=r"no tokenizer\.json"):
        WhisperStt(Options(), World(OneFolder(tmp_path))).warm_up()


def test_a_corrupt_model_is_one_clear_line(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    for name in whisper.FILES:
        (tmp_path / name).write_bytes(b"not a model")
    with pytest.raises(AdapterError, match="no Whisper model that loads") as caught:
        WhisperStt(Options(), World(OneFolder(tmp_path))).warm_up()
    assert caught.value.kind == "corrupt"
    assert "\n" not in caught.value.detail


def test_an_unknown_compute_type_names_what_there_is(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    with pytest.raises(AdapterError, match=r"stt\.whisper\.compute_type is 'int3'.*int8") as caught:
        WhisperStt(Options(compute_type="int3"), World(OneFolder(tmp_path))).warm_up()
    assert caught.value.kind == "unsupported"


def test_faster_whisper_missing_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(AdapterError, match=r"duckbill\[whisper\]"):
        WhisperStt(Options(), World(OneFolder(tmp_path))).warm_up()
