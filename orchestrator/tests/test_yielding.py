"""Two stages of an interruption: the voice pauses at the first syllable, and stops or goes on by what it was."""

from __future__ import annotations

import pytest

from orchestrator import actions as act
from orchestrator.backchannels import LANGUAGES, expected, is_backchannel, takes_floor
from orchestrator.barge_in import Evidence, Verdict, by_length, by_words
from orchestrator.settings import ListenSettings
from orchestrator.tests.test_core import WINDOW_MS, Room, asked, speaking
from orchestrator.turns import Cause, State
from timeline import events as ev
from timeline.clock import NS_PER_MS

LIMITS = ListenSettings()


def holds(room: Room) -> list[bool]:
    return [action.held for action in room.all(act.Hold)]


def syllables(room: Room) -> Room:
    """Somebody begins to speak into the answer, and the recognizer has been asked what it is."""
    speaking(room)
    while not [a for a in room.all(act.Transcribe) if not a.final]:
        room.speak(WINDOW_MS)
    return room


# -- the first stage ------------------------------------------------------------------------


def test_the_voice_pauses_within_three_windows_and_nothing_is_lost():
    room = speaking(Room())
    room.speak(96)
    assert room.state is State.YIELDING and holds(room) == [True]
    assert not room.all(act.Flush) and not room.all(act.CancelReply)


@pytest.mark.parametrize("ms", [96, 160, 224])
def test_a_short_sound_lets_it_go_on_where_it_paused(ms):
    room = speaking(Room())
    room.speak(ms)
    room.silence(512)
    if room.all(act.Transcribe)[-1].final is False:
        room.answer("", final=False)
        room.silence(64)
    assert room.state is State.SPEAKING and holds(room) == [True, False]
    assert not room.all(act.Flush)
    assert room.all(act.Remember)[-1].role == "user", "nothing was settled"


def test_a_click_does_not_even_pause_it():
    room = speaking(Room())
    room.speak(64)
    room.silence(320)
    assert not holds(room)


# -- the second stage -----------------------------------------------------------------------


def asked_after_ms(room: Room, render_ms: float) -> float:
    """Somebody hums into the answer; the recognizer takes that long. After how much speech its words were asked for."""
    before, ms = len(room.all(act.Transcribe)), 0
    while len(room.all(act.Transcribe)) == before:
        room.speak(WINDOW_MS)
        ms += WINDOW_MS
    asked = room.all(act.Transcribe)[-1]
    span = (asked.start_position, asked.end_position)
    room.tell(ev.Transcribed(asked.segment, asked.attempt, False, "Mm-hmm.", *span, int(render_ms * NS_PER_MS)))
    room.silence(512)
    if room.all(act.Transcribe)[-1] is not asked:
        room.answer("Mm-hmm.", final=False)
        room.silence(64)
    assert room.state is State.SPEAKING
    return ms


def test_a_slow_recognizer_is_asked_earlier_from_the_second_time_on():
    room = speaking(Room())
    assert [asked_after_ms(room, render_ms) for render_ms in (75, 125, 125, 75, 75)] == [256, 256, 192, 192, 256]


def test_words_take_the_floor_and_are_dated_from_their_first_sample():
    room = speaking(Room())
    begins_ns = room.now_ns
    room.speak(256)
    room.answer("Wait a", final=False)
    assert room.state is State.HEARING and len(room.all(act.Flush)) == 1
    assert room.last(act.ShowTurn).at_ns == begins_ns
    assert holds(room) == [True, False]
    room.play(480, flushed_index=480)
    room.silence(512)
    room.answer("Wait a moment.")
    assert room.said[-1][1].endswith("Wait a moment.") and room.state is State.THINKING


@pytest.mark.parametrize("words", ["Mm-hmm.", "Yeah.", "Okay.", "I see."])
def test_a_backchannel_takes_nothing(words):
    room = syllables(Room())
    room.answer(words, final=False)
    room.speak(128)
    assert room.state is State.YIELDING
    for _ in range(10):  # whatever is asked is answered, a window later
        room.answer(words, final=False)
        room.silence(WINDOW_MS)
    assert room.state is State.SPEAKING and not room.all(act.Flush)
    room.speak(32)
    assert room.state is State.SPEAKING, "what was said before does not count"


def test_the_next_words_are_asked_for_as_soon_as_the_last_are_here():
    room = syllables(Room())
    room.speak(128)
    asked = len(room.all(act.Transcribe))
    room.answer("Mm-hmm.", final=False)
    assert len(room.all(act.Transcribe)) == asked + 1, "not a window later"


@pytest.mark.parametrize(
    ("second", "stops"),
    [("Mm-hmm.", False), ("Come on.", True), ("...", False), ("Oka", False), ("I want to go to the big red", False)],
)
def test_a_hum_that_was_taken_for_words_before_lasts_no_longer_than_other_speech(second, stops):
    room = syllables(Room())
    for text in ("The wind.", second, "Okay.", "Okay."):
        room.answer(text, final=False)
        room.speak(LIMITS.confirm_ms // 4)
    assert (room.state is State.HEARING) == stops


def test_one_short_word_is_waited_for():
    room = speaking(Room())
    room.speak(192)
    room.silence(288)  # longer than the silence that ends a yielding, but the words are on their way
    assert room.state is State.YIELDING
    room.answer("Stop!", final=False)
    assert room.state is State.HEARING and room.all(act.Flush)


def test_words_that_never_come_are_not_waited_for():
    room = speaking(Room())
    room.speak(192)
    room.silence(480)
    assert room.state is State.SPEAKING


def test_speech_that_lasts_takes_the_floor_without_words():
    room = speaking(Room())
    room.speak(LIMITS.confirm_ms - WINDOW_MS)
    assert room.state is State.YIELDING
    room.speak(WINDOW_MS)
    assert room.state is State.HEARING


def test_an_answer_to_what_was_dropped_changes_nothing():
    room = syllables(Room())
    late = room.last(act.Transcribe)
    room.silence(640)
    assert room.state is State.SPEAKING
    room.tell(ev.Transcribed(late.segment, late.attempt, False, "Stop at once", 0, 1, 1))
    room.speak(96)
    assert room.state is State.YIELDING and not room.all(act.Flush)


def test_a_microphone_that_dies_lets_the_voice_go_on():
    room = syllables(Room())
    room.fail("mic")
    assert room.state is State.SPEAKING and holds(room) == [True, False]


def test_what_ends_while_it_pauses_is_heard_whole_and_the_user_goes_on():
    room = speaking(Room())
    while room.core.replying.speech.in_flight is not None:
        room.render(eos=True)
    room.speak(96)
    room.play(room.core.replying.speech.end_index)
    assert room.state is State.LISTENING and not room.all(act.Flush)
    room.speak(32)
    assert room.state is State.HEARING
    room.silence(512)
    room.answer("And then?")
    assert room.said[-1] == ("user", "And then?")


def test_while_it_thinks_two_syllables_reopen_the_turn():
    room = asked(Room())
    room.speak(256)
    assert room.state is State.HEARING and room.last(act.ShowTurn).cause == Cause.SPEECH_RESUMED


# -- somebody else --------------------------------------------------------------------------


def soft(room: Room, ms: float) -> None:
    for _ in range(round(ms / WINDOW_MS)):
        room.now_ns += WINDOW_MS * 1_000_000
        room.position += 512
        room.tell(ev.EarFrame(room.position, 512, 0.95, -50.0, room.now_ns))


def test_speech_from_afar_pauses_it_for_a_moment_only_and_once():
    room = speaking(Room())  # the user spoke at -30 dB
    soft(room, 1600)
    assert room.state is State.SPEAKING and holds(room) == [True, False]
    room.silence(320)
    room.speak(96)
    assert room.state is State.YIELDING, "the next one is another"


def test_a_user_who_speaks_softly_for_long_is_heard_all_the_same():
    room = speaking(Room())
    soft(room, 2560)
    assert room.state is State.HEARING


# -- detectors ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heard", "verdict"),
    [
        (Evidence(256, 0, None, 0, None), Verdict.WAIT),
        (Evidence(256, 0, "Yeah", 256, None), Verdict.WAIT),
        (Evidence(700, 0, "Yeah yeah", 640, None), Verdict.WAIT),
        (Evidence(1216, 0, "Yeah yeah", 1200, None), Verdict.TAKE),
        (Evidence(700, 0, "Yeah", 640, None, doubted=True), Verdict.TAKE),
        (Evidence(700, 0, "Interesting", 640, None, doubted=True), Verdict.WAIT),
        (Evidence(256, 0, "", 256, None), Verdict.WAIT),
        (Evidence(608, 0, "", 576, None), Verdict.TAKE),
        (Evidence(256, 0, "I don't know you", 256, None), Verdict.WAIT),
        (Evidence(256, 0, "Let us", 256, None), Verdict.TAKE),
        (Evidence(256, 0, "Hold", 256, None), Verdict.TAKE),
        (Evidence(160, 0, "Hold", 160, None), Verdict.WAIT),
        (Evidence(256, 0, "No", 256, None), Verdict.TAKE),
        (Evidence(384, 0, "No way", 384, None), Verdict.WAIT),
        (Evidence(384, 0, "Dinner is", 384, None), Verdict.TAKE),
        (Evidence(384, 0, "Dinner", 384, None), Verdict.WAIT),
        (Evidence(512, 0, "Dinner", 512, None), Verdict.TAKE),
        (Evidence(512, 0, "Real", 512, None), Verdict.WAIT),
        (Evidence(512, 0, "Yeah but it", 512, None), Verdict.TAKE),
        (Evidence(512, 0, "Yeah I see", 512, None), Verdict.WAIT),
        (Evidence(224, 224, "Dinner", 224, None), Verdict.RESUME),
        (Evidence(224, 224, "Stop", 224, None), Verdict.TAKE),
        (Evidence(320, 224, "Yeah", 320, None), Verdict.RESUME),
        (Evidence(600, 0, "Pass the salt", 512, -14.0), Verdict.RESUME),
        (Evidence(2400, 0, "Pass the salt", 512, -14.0), Verdict.TAKE),
        (Evidence(512, 0, "Pass the salt", 512, -8.0), Verdict.TAKE),
    ],
)
def test_words_decide(heard, verdict):
    assert by_words(heard, LIMITS) is verdict


def test_length_alone_decides_where_it_is_asked_for():
    assert by_length(Evidence(607, 0, "Stop", 300, None), LIMITS) is Verdict.WAIT
    assert by_length(Evidence(608, 0, "Yeah", 300, None), LIMITS) is Verdict.TAKE
    assert by_length(Evidence(100, 224, None, 0, None), LIMITS) is Verdict.RESUME
    room = speaking(Room(detector="length", confirm_ms=256))
    room.speak(256)
    assert room.state is State.HEARING


@pytest.mark.parametrize(
    "text", ["Mm-hmm.", "Mmmm!", "yeah, yeah", "I see.", "Okay, right.", "Oh, I see.", "uh-huh", "M.M.", "MMH"]
)
def test_backchannels_are_known_in_the_spellings_of_recognizers(text):
    assert is_backchannel(text, "en")


@pytest.mark.parametrize("text", ["", "...", "No.", "Wait.", "Yeah but no", "Right, and what about it", "stop"])
def test_what_wants_the_floor_is_none(text):
    assert not is_backchannel(text, "en")


def test_each_language_has_its_own_and_the_user_may_add_some():
    assert is_backchannel("Genau.", "de") and not is_backchannel("Genau.", "en")
    assert is_backchannel("d'accord", "fr") and is_backchannel("vale, claro", "es")
    assert is_backchannel("quack", "en", ("quack",)) and not is_backchannel("quack", "en")
    assert {"en", "de", "fr", "es", "it"} <= LANGUAGES


def test_the_recognizer_is_told_what_may_be_said_while_the_voice_pauses_and_no_longer():
    room = syllables(Room(language="de", backchannels=("quack",)))
    assert room.last(act.Transcribe).expected == (
        "Warte. Entschuldigung. Eigentlich. Moment. "
        "Mm-hmm. Uh-huh. Ja. Genau. Klar. Stimmt. Ach so. Achso. Aha. Quack. Mm. Wow."
    )
    room.answer("Stopp mal", final=False)
    assert room.state is State.HEARING
    room.speak(640)
    assert room.last(act.Transcribe).expected == ""


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_what_is_expected_is_of_one_kind_or_the_other_in_each_language(language):
    lines = [line for line in expected(language).split(".") if line]
    takers = [line for line in lines if takes_floor(line, language)]
    assert len(takers) == 4 and all(is_backchannel(line, language) for line in lines if line not in takers)


# -- our own echo ---------------------------------------------------------------------------


def repeating(room: Room) -> Room:
    """The answer's first two words have sounded, and something speaks into it."""
    asked(room)
    room.reply("Alpha bravo charlie delta echo")
    for _ in range(3):
        room.render()
    room.play(room.core.replying.speech.end_index - 480)
    while not [a for a in room.all(act.Transcribe) if not a.final]:
        room.speak(WINDOW_MS)
    assert room.core.hearing.said.startswith("Alpha")
    return room


def test_our_own_words_take_nothing_and_are_talked_over():
    room = repeating(Room())
    room.answer(room.core.hearing.said, final=False)
    room.speak(960)
    assert room.state is State.SPEAKING and holds(room) == [True, False]
    assert room.all(act.OwnWords) == [act.OwnWords()]


def test_words_of_the_users_own_do_though_our_voice_is_in_the_room():
    room = repeating(Room())
    room.answer("Please stop", final=False)
    room.speak(256)
    assert room.state is State.HEARING and not room.all(act.OwnWords)


def test_a_turn_that_was_our_own_echo_is_not_answered_and_costs_nothing_of_the_answer():
    room = repeating(Room())
    said = room.core.hearing.said
    room.answer("", final=False)
    room.speak(800)
    assert room.state is State.HEARING
    room.play(room.read_index, flushed_index=room.read_index)
    room.silence(512)
    asks = len(room.all(act.StartReply))
    room.answer(said)
    assert len(room.all(act.StartReply)) == asks and room.all(act.OwnWords) == [act.OwnWords()]
    assert room.state is State.THINKING and len(room.all(act.ShowRest)) == 1


def test_half_duplex_is_said_once_with_its_cure():
    room = Room()
    for half_duplex in (False, True, False, True):
        room.tell(ev.EchoState("webrtc", half_duplex=half_duplex, reason="most of our voice comes back"))
    (notice,) = room.all(act.Notice)
    assert "most of our voice comes back; use headphones" in notice.text


def test_only_what_sounded_just_before_may_come_back():
    room = asked(Room())
    room.reply("Alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa.")
    for _ in range(14):
        room.render()
        room.play(room.core.replying.speech.end_index - 480)
    heard = room.core.replying.speech.script.heard(room.core.replying.ledger, room.read_index)[0]
    while room.state is not State.YIELDING:
        room.speak(WINDOW_MS)
    said = room.core.hearing.said
    assert heard.endswith(said) and 12 < len(said) < len(heard) / 2
    assert said.split()[0] in heard.split(), "from the beginning of a word on"
