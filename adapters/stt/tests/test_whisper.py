"""Window, guard and splitting without weights; words, noise and faults with them."""

from __future__ import annotations

import difflib
import itertools
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import EAR_RATE_HZ, AdapterError, Transcript
from adapters.registry import Context
from adapters.stt import whisper_window
from adapters.stt.whisper import WhisperStt
from adapters.stt.whisper_decoder import Manner, WhisperDecoder
from adapters.stt.whisper_model import FILES
from adapters.stt.whisper_window import Decoded
from adapters.tts.espeak import EspeakTts
from adapters.tts.whole import speak_whole
from adapters.voice import Voice
from adapters.weights import Weights, default_cache
from stitcher.pcm import Float32
from timeline.clock import NS_PER_S, SystemClock, VirtualClock

Speak = Callable[[str], Float32]


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
    cache: Path = field(default_factory=default_cache)


def decoded(text: str = "Good morning.", **facts: float) -> Decoded:
    usual = {"tokens": 4, "token_limit": 40, "logprob": -0.2, "no_speech": 0.05, "end_samples": 10**9}
    return Decoded(text, **{**usual, **facts})


# -- window, bound, guard -----------------------------------------------------------------


@given(st.integers(0, whisper_window.FULL_FRAMES))
def test_the_window_holds_the_speech_and_its_padding_and_never_more_than_whispers(frames: int) -> None:
    window = whisper_window.window_frames(frames)
    assert (
        min(frames + whisper_window.PADDING_FRAMES, whisper_window.FULL_FRAMES) <= window <= whisper_window.FULL_FRAMES
    )
    assert (
        window == whisper_window.FULL_FRAMES
        or window < frames + whisper_window.PADDING_FRAMES + whisper_window.STEP_FRAMES
    )


def test_the_token_bound_grows_with_the_speech_but_for_provisional_answers() -> None:
    second, minute = whisper_window.FRAMES_PER_S, 60 * whisper_window.FRAMES_PER_S
    assert (
        whisper_window.token_limit(2 * second, False) - whisper_window.token_limit(second, False)
        == whisper_window.TOKENS_PER_S
    )
    assert whisper_window.token_limit(second, True) == whisper_window.token_limit(second, False)
    assert whisper_window.token_limit(minute, True) == whisper_window.PROVISIONAL_TOKENS


def test_a_plain_answer_is_believed() -> None:
    for provisional in (False, True):
        assert whisper_window.believable(decoded(), provisional)
        assert whisper_window.believable(decoded("no no no"), provisional)


def test_an_improbable_answer_is_dropped_if_a_better_one_will_come() -> None:
    assert not whisper_window.believable(decoded(logprob=-1.1), True)
    assert whisper_window.believable(decoded(logprob=-1.1), False)


@pytest.mark.parametrize(
    "wrong",
    [
        decoded(tokens=40),
        decoded("I should be streaming. " * 8),
        decoded("Thank you.", logprob=-0.9, no_speech=0.8),
    ],
    ids=["ran into its bound", "repeats itself", "doubtful and perhaps silence"],
)
def test_a_broken_answer_is_not_believed(wrong: Decoded) -> None:
    assert not whisper_window.believable(wrong, False)
    assert not whisper_window.believable(wrong, True)


def test_nobody_spoke_only_where_silence_is_likely_and_the_words_are_not() -> None:
    assert whisper_window.nobody_spoke(decoded(no_speech=0.8, logprob=-1.5))
    assert not whisper_window.nobody_spoke(decoded(no_speech=0.8, logprob=-0.2))
    assert not whisper_window.nobody_spoke(decoded(no_speech=0.1, logprob=-1.5))


# -- pieces -------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 130), st.integers(0, 9))
def test_pieces_are_all_of_the_audio_and_none_is_too_long(seconds: float, seed: int) -> None:
    pcm = np.random.default_rng(seed).standard_normal(int(seconds * EAR_RATE_HZ)).astype(np.float32)
    parts = whisper_window.pieces(pcm)
    np.testing.assert_array_equal(np.concatenate(parts), pcm)
    assert max(part.size for part in parts) <= whisper_window.PIECE_SAMPLES


def test_a_piece_ends_in_the_middle_of_a_pause() -> None:
    pcm = np.ones(40 * EAR_RATE_HZ, np.float32)
    pause = slice(25 * EAR_RATE_HZ, 25 * EAR_RATE_HZ + whisper_window.PAUSE_SAMPLES)
    pcm[pause] = 0.0
    first, _ = whisper_window.pieces(pcm)
    assert first.size == (pause.start + pause.stop) // 2


def test_more_audio_moves_no_earlier_cut() -> None:
    pcm = np.random.default_rng(3).standard_normal(100 * EAR_RATE_HZ).astype(np.float32)
    early, late = whisper_window.pieces(pcm[: 70 * EAR_RATE_HZ]), whisper_window.pieces(pcm)
    assert [part.size for part in early[:-1]] == [part.size for part in late[: len(early) - 1]]


# -- the ways through, with a decoder of our own ------------------------------------------


class Scripted(WhisperDecoder):
    """Answers what it is told and counts the plain passes."""

    def __init__(self, *answers: Decoded, full_window: bool = False) -> None:
        super().__init__(None, Manner("en", 1, full_window, True))
        self.answers = list(answers)
        self.plain_passes = 0
        self.expected: list[str] = []
        self.padding_frames: list[int] = []

    def decode(
        self, pcm: Float32, provisional: bool, expected: str = "", padding_frames: int = whisper_window.PADDING_FRAMES
    ) -> Decoded:
        self.expected.append(expected)
        self.padding_frames.append(padding_frames)
        return self.answers.pop(0)

    def plain(self, pcm: Float32, provisional: bool, begin: int = 0) -> Transcript:
        self.plain_passes += 1
        return Transcript("plain", True)


SPEECH = np.full(EAR_RATE_HZ, 0.1, np.float32)


def test_a_broken_final_answer_is_decoded_once_more_on_the_full_window() -> None:
    stt = Scripted(decoded(tokens=40))
    answer = stt.transcript(SPEECH, False)
    assert (answer.text, answer.full_window, stt.plain_passes) == ("plain", True, 1)


@pytest.mark.parametrize(
    ("again", "text"),
    [
        (decoded("Likelier.", logprob=-0.6), "Likelier."),
        (decoded("Unlikelier.", logprob=-1.3), "First."),
        (decoded("Runs on.", logprob=-0.6, tokens=40), "First."),
        (decoded("Perhaps noise.", logprob=-0.9, no_speech=0.6), "First."),
        (decoded("Noise.", logprob=-1.19, no_speech=0.6), "First."),
    ],
)
def test_of_an_improbable_final_answer_and_another_the_likelier_counts(again: Decoded, text: str) -> None:
    stt = Scripted(decoded("First.", logprob=-1.2), again)
    answer = stt.transcript(SPEECH, False)
    assert (answer.text, answer.full_window, stt.plain_passes) == (text, False, 0)
    assert stt.padding_frames == [whisper_window.PADDING_FRAMES, whisper_window.AGAIN_PADDING_FRAMES]


def test_what_is_written_twice_is_looked_at_again_however_probable() -> None:
    stt = Scripted(decoded("Yes, please yes, please", logprob=-0.2), decoded("Yes, please.", logprob=-0.1))
    assert stt.transcript(SPEECH, False).text == "Yes, please."


@pytest.mark.parametrize(("seconds", "decoded_again"), [(25, True), (27, False)])
def test_what_fills_the_full_window_is_not_decoded_on_it_twice(seconds: int, decoded_again: bool) -> None:
    stt = Scripted(decoded("First.", logprob=-0.9), decoded("Likelier.", logprob=-0.8))
    stt.transcript(np.tile(SPEECH, seconds), False)
    assert (not stt.answers) == decoded_again


def test_what_may_be_noise_is_not_decoded_again_until_it_looks_like_words() -> None:
    stt = Scripted(decoded("Thank you.", logprob=-0.9, no_speech=0.8), decoded("Thank you.", logprob=-0.6))
    assert stt.transcript(SPEECH, False).full_window and stt.plain_passes == len(stt.answers) == 1


def test_a_broken_provisional_answer_is_dropped() -> None:
    stt = Scripted(decoded(logprob=-1.2))
    answer = stt.transcript(SPEECH, True)
    assert (answer.text, answer.full_window, stt.plain_passes) == ("", False, 0)


def test_the_full_window_can_be_chosen() -> None:
    stt = Scripted(full_window=True)
    assert stt.transcript(SPEECH, False).full_window
    assert stt.plain_passes == 1


def test_long_audio_is_joined_and_its_empty_pieces_leave_no_trace() -> None:
    stt = Scripted(decoded("One."), decoded("junk", no_speech=0.9, logprob=-2.0), decoded("Three."))
    pcm = np.random.default_rng(0).standard_normal(70 * EAR_RATE_HZ).astype(np.float32)
    assert stt.transcript(pcm, False).text == "One. Three."


def test_where_the_text_ends_early_the_rest_is_decoded_too() -> None:
    stt = Scripted(decoded("One.", end_samples=2 * EAR_RATE_HZ), decoded("Two."))
    assert stt.transcript(np.tile(SPEECH, 6), False).text == "One. Two."


def test_a_text_that_ends_nowhere_still_comes_to_an_end() -> None:
    stt = Scripted(*[decoded("Again.", end_samples=0)] * 6)
    assert stt.transcript(np.tile(SPEECH, 6), False).text == " ".join(["Again."] * 6)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Yeah. Yeah. Ye", "Yeah."),
        ("I see. I see.", "I see."),
        ("Have you seen it? Have you seen", "Have you seen it?"),
        ("Okay okay stop", "Okay okay stop"),
        ("Can I ask", "Can I ask"),
        ("Wait.", "Wait."),
        ("", ""),
    ],
)
def test_what_is_said_over_and_over_was_said_once(text: str, said: str) -> None:
    assert whisper_window.once(text) == said


def test_a_short_provisional_answer_leans_on_what_is_expected_and_no_other_does() -> None:
    stt = Scripted(*[decoded("Oh. Oh.")] * 4)  # a final one is looked at again
    long = np.tile(SPEECH, 3)
    answers = [stt.transcript(*asked, "Oh.").text for asked in ((SPEECH, True), (SPEECH, False), (long, True))]
    assert answers == ["Oh.", "Oh. Oh.", "Oh. Oh."]
    assert stt.expected == ["Oh.", "", "", ""]


def test_an_improbable_answer_is_none_though_something_was_expected() -> None:
    assert Scripted(decoded("Hell.", logprob=-1.2)).transcript(SPEECH, True, "Oh.").text == ""


def test_silence_and_a_click_ask_no_decoder() -> None:
    stt = Scripted()
    assert stt.transcript(np.zeros(5 * EAR_RATE_HZ, np.float32), False).text == ""
    assert stt.transcript(np.ones(whisper_window.LEAST_SAMPLES - 1, np.float32), False).text == ""
    assert stt.transcript(np.zeros(0, np.float32), False).text == ""


# -- faults -------------------------------------------------------------------------------


def test_a_folder_without_the_model_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=r"model\.bin.*stt\.whisper\.model_path") as caught:
        WhisperStt(WhisperStt.Options(model_path=tmp_path), World(OneFolder(tmp_path))).warm_up()
    assert caught.value.kind == "missing"


def test_a_missing_tokenizer_is_not_looked_for_elsewhere(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(AdapterError, match=r"no tokenizer\.json"):
        WhisperStt(WhisperStt.Options(), World(OneFolder(tmp_path))).warm_up()


def test_no_model_is_loaded_for_word_times(tmp_path: Path) -> None:
    assert WhisperStt(WhisperStt.Options(), World(OneFolder(tmp_path))).word_times() == ()


def test_a_corrupt_model_is_one_clear_line(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    for name in FILES:
        (tmp_path / name).write_bytes(b"not a model")
    with pytest.raises(AdapterError, match="no Whisper model") as caught:
        WhisperStt(WhisperStt.Options(), World(OneFolder(tmp_path))).warm_up()
    assert caught.value.kind == "corrupt"
    assert "\n" not in caught.value.detail


def test_faster_whisper_missing_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(AdapterError, match=r"duckbill\[whisper\]"):
        WhisperStt(WhisperStt.Options(), World(OneFolder(tmp_path))).warm_up()


# -- with real weights --------------------------------------------------------------------


@pytest.fixture(scope="module")
def world() -> World:
    pytest.importorskip("faster_whisper")
    weights = pytest.importorskip("adapters.weights")
    catalogue = weights.Weights(weights.default_cache())
    try:
        catalogue.locate("whisper-base")
    except AdapterError as error:
        pytest.skip(error.detail)
    return World(catalogue)


@pytest.fixture(scope="module")
def stt(world: World) -> WhisperStt:
    made = WhisperStt(WhisperStt.Options(), world)
    made.warm_up()
    return made


@pytest.fixture(scope="module")
def speak(tmp_path_factory: pytest.TempPathFactory) -> Speak:
    pytest.importorskip("espeakng_loader")
    cache = tmp_path_factory.mktemp("cache")
    voice = EspeakTts(EspeakTts.Options(), Context(Weights(cache), SystemClock(), cache))
    silence = np.zeros(EAR_RATE_HZ // 4, np.float32)
    pace = Voice(pace=0.92)
    return lambda text: np.concatenate([silence, speak_whole(voice, text, EAR_RATE_HZ, pace), silence])


STORY = (
    "The train to the coast leaves early in the morning.",
    "My sister packed two bags and a basket of apples.",
    "Nobody knew why the old clock had stopped at noon.",
    "Please turn off all the lights before you go to bed.",
    "A small boat was waiting for us beside the bridge.",
    "He told the children a story about a bear and a fox.",
    "We had bread, cheese and tomatoes for dinner that day.",
    "The doctor came at seven and stayed until midnight.",
    "Rain fell on the roof and the wind shook the windows.",
    "She opened the letter slowly and read it three times.",
    "In the garden there were roses, tulips and a lemon tree.",
    "The teacher asked a question that nobody could answer.",
    "After breakfast they walked along the beach for an hour.",
    "I would like to hear that song again tomorrow evening.",
    "The farmer sold his horse and bought a yellow tractor.",
    "When winter came the lake was covered with thick ice.",
    "Our neighbor plays the violin every Sunday afternoon.",
    "The museum closes at five, so we should hurry a little.",
    "They found the lost dog sleeping under the kitchen table.",
    "Finally the sun came out and everybody went home happy.",
)


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


@pytest.mark.engines
@pytest.mark.parametrize("text", ["Thank you very much.", "We will meet at the station tomorrow morning."])
def test_what_was_said_is_written_on_the_short_window(stt: WhisperStt, speak: Speak, text: str) -> None:
    answer = stt.transcribe(speak(text), False)
    assert words(answer.text) == words(text)
    assert not answer.full_window


@pytest.mark.engines
def test_an_utterance_still_going_on_gives_its_first_words(stt: WhisperStt, speak: Speak) -> None:
    pcm = speak("Please turn off all the lights in the kitchen.")
    answer = stt.transcribe(pcm[: int(1.6 * EAR_RATE_HZ)], True)
    assert words(answer.text)[:3] == ["please", "turn", "off"]


EXPECTED = "Mm-hmm. Uh-huh. Yeah. Right. Oh. I see. Okay. Sure. Mm. Wow."


@pytest.mark.engines
@pytest.mark.parametrize("text", ["Uh-huh.", "Right.", "Okay.", "Wait, stop!", "Please be quiet."])
def test_what_is_expected_is_known_and_what_is_not_is_heard_all_the_same(
    stt: WhisperStt, speak: Speak, text: str
) -> None:
    assert words(stt.transcribe(speak(text), True, EXPECTED).text) == words(text)


@pytest.mark.engines
def test_the_same_audio_gives_the_same_words(stt: WhisperStt, speak: Speak) -> None:
    pcm = speak("What did the doctor say about the results of the test?")
    assert stt.transcribe(pcm, False) == stt.transcribe(pcm, False)


@pytest.mark.engines
@pytest.mark.parametrize("seconds", [0.3, 1.0, 3.0, 8.0])
@pytest.mark.parametrize("level", [1e-3, 1e-1])
@pytest.mark.parametrize("kind", ["white", "brown", "hum"])
def test_noise_is_no_words(stt: WhisperStt, seconds: float, level: float, kind: str) -> None:
    white = np.random.default_rng(7).standard_normal(int(seconds * EAR_RATE_HZ))
    time = np.arange(white.size) / EAR_RATE_HZ
    brown = np.cumsum(white) - np.linspace(0, white.sum(), white.size)
    noise = {"white": white, "brown": brown / brown.std(), "hum": np.sin(2 * np.pi * 100 * time) + white / 20}
    assert stt.transcribe((noise[kind] * level).astype(np.float32), False).text == ""


NOTHING = {
    "nothing at all": np.zeros(0, np.float32),
    "10 ms": np.full(EAR_RATE_HZ // 100, 0.5, np.float32),
    "100 ms": np.full(EAR_RATE_HZ // 10, 0.5, np.float32),
    "no numbers": np.full(EAR_RATE_HZ, np.nan, np.float32),
    "infinite": np.full(EAR_RATE_HZ, np.inf, np.float32),
    "a minute of silence": np.zeros(60 * EAR_RATE_HZ, np.float32),
    "all but silence": np.full(EAR_RATE_HZ, 1e-40, np.float32),
    "direct current": np.ones(EAR_RATE_HZ, np.float32),
    "full scale noise": np.random.default_rng(1).uniform(-1, 1, 2 * EAR_RATE_HZ).astype(np.float32),
}


@pytest.mark.engines
@pytest.mark.parametrize("provisional", [False, True])
@pytest.mark.parametrize("kind", NOTHING)
def test_what_holds_no_speech_is_no_words(stt: WhisperStt, kind: str, provisional: bool) -> None:
    answer = stt.transcribe(NOTHING[kind], provisional)
    assert (answer.text, stt.word_times()) == ("", ())


@pytest.mark.engines
def test_speech_with_holes_in_it_is_still_understood(stt: WhisperStt, speak: Speak) -> None:
    text = "We will meet at the station tomorrow morning."
    pcm = speak(text)
    pcm[::4001] = np.nan
    pcm[100], pcm[EAR_RATE_HZ] = np.inf, -np.inf
    assert words(stt.transcribe(pcm, False).text) == words(text)


@pytest.mark.engines
def test_clipped_speech_is_heard_as_speech(stt: WhisperStt, speak: Speak) -> None:
    text = "We will meet at the station tomorrow morning."
    heard = stt.transcribe(np.clip(30 * speak(text), -1, 1), False).text
    assert difflib.SequenceMatcher(None, words(text), words(heard)).ratio() > 0.8


# -- when it was said ---------------------------------------------------------------------


@pytest.mark.engines
def test_each_word_lies_where_it_was_said(stt: WhisperStt, speak: Speak) -> None:
    """Two sayings with a second and a half between them: every word lies in its own."""
    first, second = speak("Please turn off the lights."), speak("Thank you very much.")
    begins = first.size + 3 * EAR_RATE_HZ // 2
    pcm = np.concatenate([first, np.zeros(begins - first.size, np.float32), second])
    text = stt.transcribe(pcm, False).text
    timed = stt.word_times()
    assert " ".join(word.text for word in timed) == text
    assert words(text) == words("Please turn off the lights. Thank you very much.")
    ends = [word.end_sample for word in timed]
    assert all(word.start_sample < word.end_sample <= pcm.size for word in timed)
    assert all(a.end_sample <= b.start_sample for a, b in itertools.pairwise(timed))
    assert ends[4] <= first.size and timed[6].start_sample >= begins
    assert all(0 < word.probability <= 1 for word in timed)
    assert stt.word_times() == ()


@pytest.mark.engines
def test_in_long_audio_words_lie_behind_the_cuts_too(stt: WhisperStt, speak: Speak) -> None:
    parts = [speak(sentence) for sentence in STORY[:12]]
    pcm = np.concatenate(parts)
    assert pcm.size > whisper_window.PIECE_SAMPLES
    stt.transcribe(pcm, False)
    last = stt.word_times()[-1]
    assert words(last.text) == ["answer"]
    assert pcm.size - parts[-1].size < last.start_sample < last.end_sample <= pcm.size


@pytest.mark.engines
def test_provisional_answers_have_no_word_times_and_others_only_if_wanted(
    stt: WhisperStt, world: World, speak: Speak
) -> None:
    pcm = speak("Thank you very much.")
    heard = stt.transcribe(pcm, False).text
    stt.transcribe(pcm, True)
    assert stt.word_times() == ()
    without = WhisperStt(WhisperStt.Options(word_times=False), world)
    assert (without.transcribe(pcm, False).text, without.word_times()) == (heard, ())


@pytest.mark.engines
def test_no_word_is_lost_where_long_audio_is_cut(stt: WhisperStt, speak: Speak) -> None:
    pcm = np.concatenate([speak(sentence) for sentence in STORY])
    assert pcm.size > 2 * whisper_window.PIECE_SAMPLES
    spoken, heard = words(" ".join(STORY)), words(stt.transcribe(pcm, False).text)
    assert difflib.SequenceMatcher(None, spoken, heard, autojunk=False).ratio() > 0.9
    assert abs(len(heard) - len(spoken)) < 8


@pytest.mark.engines
def test_the_full_window_writes_the_same(world: World, speak: Speak) -> None:
    text = "We will meet at the station tomorrow morning."
    answer = WhisperStt(WhisperStt.Options(window="full"), world).transcribe(speak(text), False)
    assert (words(answer.text), answer.full_window) == (words(text), True)


@pytest.mark.engines
def test_it_says_what_it_costs_and_which_weights_it_uses(stt: WhisperStt, world: World) -> None:
    described = stt.describe()
    assert described.cost is not None
    assert min(described.cost.load_ns, described.cost.call_ns) > 0
    assert described.weights_sha256 == world.weights.sha256("whisper-base")
    assert described.egress == ()


@pytest.mark.engines
def test_an_unknown_language_names_the_setting(world: World) -> None:
    with pytest.raises(AdapterError, match=r"stt\.whisper\.language is 'xx'"):
        WhisperStt(WhisperStt.Options(language="xx"), world).warm_up()


@pytest.mark.engines
def test_nothing_leaves_the_machine(world: World) -> None:
    """In a process of its own: an audit hook cannot be taken off again."""
    folder = world.weights.locate("whisper-base")
    watched = subprocess.run(
        [sys.executable, "-c", WATCHED, str(folder), str(world.cache)], capture_output=True, text=True
    )
    assert watched.returncode == 0, watched.stderr


WATCHED = """
import sys
import numpy as np
from pathlib import Path
from types import SimpleNamespace

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise SystemExit(f"{event} {arguments}")

sys.addaudithook(refuse)
from adapters.stt.whisper import WhisperStt
from timeline.clock import SystemClock
context = SimpleNamespace(clock=SystemClock(), cache=Path(sys.argv[2]))
stt = WhisperStt(WhisperStt.Options(model_path=sys.argv[1]), context)
stt.warm_up()
stt.transcribe(np.random.default_rng(0).standard_normal(16000).astype(np.float32), False)
"""


# -- in memory while it is needed ---------------------------------------------------------


@pytest.mark.engines
def test_let_go_of_when_idle_it_hears_the_same_again(world: World, speak: Speak) -> None:
    clock = VirtualClock()
    stt = WhisperStt(WhisperStt.Options(idle_unload_s=60), World(world.weights, clock))
    pcm = speak("Thank you very much.")
    before = stt.transcribe(pcm, False)
    clock.sleep_until(60 * NS_PER_S)
    assert stt._resident.look(), "it was not let go of"
    stt.prepare()
    assert stt.transcribe(pcm, False) == before
    stt.close()
