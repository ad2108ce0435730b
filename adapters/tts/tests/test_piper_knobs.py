"""Piper's knobs: what was asked, against what is measured in the sound."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.tts import calibrate
from adapters.tts.piper_pace import SCALES, measure
from adapters.tts.tests import make
from adapters.tts.whole import speak_whole
from adapters.voice import PLAIN, Prosody, Timbre, Voice, named

TEXT = "The platypus hunts under water with both of its eyes firmly closed."


@pytest.fixture(scope="module")
def piper(cut_voice):
    tts = make("piper", cut_voice.context.cache)
    tts.warm_up()
    return tts


def heard(tts, voice=PLAIN):
    rate_hz = tts.describe().rate_hz
    return calibrate.measured(speak_whole(tts, TEXT, rate_hz, voice, 1), rate_hz, len(TEXT))


def length_s(tts, voice):
    """From the first to the last sample that sounds."""
    rate_hz = tts.describe().rate_hz
    pcm = np.abs(speak_whole(tts, TEXT, rate_hz, voice, 1))
    sounding = np.flatnonzero(pcm > 0.01 * pcm.max())
    return (sounding[-1] - sounding[0]) / rate_hz


def came(tts, voice):
    return {one.field: one.how for one in tts.project(voice).report}


@pytest.mark.parametrize("pace", [0.6, 0.8, 1.25, 1.8])
def test_a_pace_is_heard_as_it_was_asked(piper, pace):
    voice = Voice(pace=pace)
    assert came(piper, voice) == {"pace": "honoured"}
    assert length_s(piper, PLAIN) / length_s(piper, voice) == pytest.approx(pace, rel=0.1)


@pytest.mark.parametrize("level_db", [-9.0, -3.0, 6.0])
def test_a_level_is_heard_as_it_was_asked(piper, level_db):
    voice = Voice(prosody=Prosody(level_db=level_db))
    assert came(piper, voice) == {"prosody.level_db": "honoured"}
    assert heard(piper, voice).loudness_lufs - heard(piper).loudness_lufs == pytest.approx(level_db, abs=0.5)


def test_what_it_has_no_knob_for_is_said_to_be_ignored_and_is(piper):
    voice = Voice(timbre=Timbre(pitch_hz=200.0), prosody=Prosody(pitch_semitones=4, range=0.5, pauses=2.0))
    assert set(came(piper, voice).values()) == {"ignored"}
    assert heard(piper, voice) == heard(piper)


def test_an_emotion_is_pace_and_level_and_said_to_be_no_more(piper):
    voice = Voice(emotion_priors={"sadness": 1.0})
    assert came(piper, voice) == {"emotion_priors": "approximated"}
    sad, plain = heard(piper, voice), heard(piper)
    assert sad.chars_per_s < 0.95 * plain.chars_per_s and sad.loudness_lufs < plain.loudness_lufs - 1


def test_an_accent_is_the_voices_own(piper):
    assert came(piper, Voice(accent="en-US")) == {"accent": "honoured"}
    assert came(piper, Voice(accent="en-GB")) == {"accent": "ignored"}


def test_who_it_is_is_left_to_who_was_cast(piper):
    voice = Voice(timbre=Timbre(names={"piper": "en_US-joe-medium"}, gender="male"))
    assert came(piper, voice) == {"timbre.names": "honoured", "timbre.gender": "approximated"}
    assert came(piper, Voice(timbre=Timbre(gender="male"))) == {"timbre.gender": "ignored"}


def test_warm_up_says_how_it_speaks_and_the_level_stays_whoever_warms_it_up(piper):
    before = speak_whole(piper, TEXT, 22_050)
    piper.warm_up(Voice(pace=1.5, prosody=Prosody(level_db=-6.0)))
    natural = piper.describe().natural
    piper.warm_up(named("piper", "en_US-joe-medium"))
    plain = piper.describe().natural
    assert natural.chars_per_s == pytest.approx(plain.chars_per_s, rel=0.01)
    assert natural.loudness_lufs - plain.loudness_lufs == pytest.approx(-6, abs=0.2)
    assert 60 < plain.pitch_hz < 130  # Joe's
    assert (speak_whole(piper, TEXT, 22_050) == before).all()


def test_the_curve_of_pace_meets_the_scales_that_were_measured_and_knows_its_ends():
    def frames(scale):
        return round(20 + 80 * scale)  # twenty that no scale shortens

    curve = measure(frames)
    for scale in SCALES[1:-1]:
        assert curve.scale(100 / frames(scale)) == (pytest.approx(scale, rel=0.02), True)
    assert curve.scale(4.9) == (SCALES[-1], False)
    assert curve.scale(1.3)[0] < 1 / 1.3
