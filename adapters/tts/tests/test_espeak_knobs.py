"""eSpeak NG's knobs: what was asked, against what is measured in the sound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from adapters.base import AdapterError, Span
from adapters.tts import calibrate
from adapters.tts.tests import make
from adapters.voice import PLAIN, Prosody, Timbre, Voice, named
from stitcher.pauses import SILENT, pauses
from stitcher.pitch import median_hz, pitch_contour_hz, semitones

TEXT = "The old mill by the river turns slowly all day long, and nobody remembers who built it."
RATE_HZ = 22_050


@pytest.fixture(scope="module")
def espeak(tmp_path_factory):
    pytest.importorskip("espeakng_loader")
    return make("espeak", tmp_path_factory.mktemp("cache"))


def chunk(tts, voice=PLAIN, text=TEXT):
    return tts.open(Span(text, voice, 1)).pull(100_000, False)


def heard(tts, voice=PLAIN):
    return calibrate.measured(chunk(tts, voice).pcm, RATE_HZ, len(TEXT))


def swing(tts, voice):
    """Standard deviation of the pitch, semitones."""
    contour = pitch_contour_hz(chunk(tts, voice).pcm, RATE_HZ)
    return float(np.nanstd(semitones(contour, median_hz(contour))))


def came(tts, voice):
    return {one.field: one.how for one in tts.project(voice).report}


@pytest.mark.parametrize("shift", [-5.0, -2.0, 2.0, 4.0, 7.0])
def test_a_shift_of_pitch_is_heard_as_it_was_asked(espeak, shift):
    voice = Voice(prosody=Prosody(pitch_semitones=shift))
    assert came(espeak, voice) == {"prosody.pitch_semitones": "honoured"}
    heard_shift = 12 * np.log2(heard(espeak, voice).pitch_hz / heard(espeak).pitch_hz)
    assert heard_shift == pytest.approx(shift, abs=0.6)


@pytest.mark.parametrize(("gender", "hz"), [("male", 85.0), ("male", 130.0), ("female", 170.0), ("female", 240.0)])
def test_a_pitch_in_hertz_is_heard_as_it_was_asked(espeak, gender, hz):
    voice = Voice(timbre=Timbre(gender=gender, pitch_hz=hz))
    assert came(espeak, voice) == {"timbre.gender": "approximated", "timbre.pitch_hz": "honoured"}
    assert heard(espeak, voice).pitch_hz == pytest.approx(hz, rel=0.05)


def test_a_pitch_beyond_the_knob_is_reported_and_is_as_far_as_it_goes(espeak):
    voice = Voice(timbre=Timbre(gender="male", pitch_hz=400.0))
    assert came(espeak, voice)["timbre.pitch_hz"] == "approximated"
    assert 180 < heard(espeak, voice).pitch_hz < 390


@pytest.mark.parametrize("factor", [0.25, 0.5, 1.4])
def test_the_swing_of_pitch_follows_and_the_median_stays(espeak, factor):
    voice = Voice(prosody=Prosody(range=factor))
    assert came(espeak, voice) == {"prosody.range": "honoured"}
    assert swing(espeak, voice) == pytest.approx(factor * swing(espeak, PLAIN), rel=0.25)
    assert heard(espeak, voice).pitch_hz == pytest.approx(heard(espeak).pitch_hz, rel=0.05)


def test_a_shift_keeps_the_swing_in_semitones(espeak):
    assert swing(espeak, Voice(prosody=Prosody(pitch_semitones=5))) == pytest.approx(swing(espeak, PLAIN), rel=0.2)


@pytest.mark.parametrize(("level_db", "how"), [(-9.0, "honoured"), (-3.0, "honoured"), (6.0, "honoured")])
def test_a_level_is_heard_as_it_was_asked(espeak, level_db, how):
    voice = Voice(prosody=Prosody(level_db=level_db))
    assert came(espeak, voice) == {"prosody.level_db": how}
    assert heard(espeak, voice).loudness_lufs - heard(espeak).loudness_lufs == pytest.approx(level_db, abs=0.5)


def test_a_level_that_cannot_be_had_is_reported(espeak):
    assert came(espeak, Voice(prosody=Prosody(level_db=12.0))) == {"prosody.level_db": "approximated"}


@pytest.mark.parametrize("pace", [0.6, 0.8, 1.25, 1.8])
def test_a_pace_is_heard_as_it_was_asked(espeak, pace):
    ratio = heard(espeak, Voice(pace=pace)).chars_per_s / heard(espeak).chars_per_s
    assert ratio == pytest.approx(pace, rel=0.1)


@pytest.mark.parametrize("factor", [0.3, 2.0])
def test_pauses_are_scaled_and_words_are_where_they_sound(espeak, factor):
    plain, scaled = chunk(espeak), chunk(espeak, Voice(prosody=Prosody(pauses=factor)))

    def paused(pcm):
        return sum(end - start for start, end in pauses(pcm, RATE_HZ))

    def sound(one, mark):
        pcm = one.pcm[mark.start_sample : mark.end_sample]
        return pcm[np.abs(pcm) > SILENT]

    assert paused(plain.pcm) > 0.2 * RATE_HZ
    assert plain.pcm.size - scaled.pcm.size == pytest.approx((1 - factor) * paused(plain.pcm), rel=0.1)
    for before, after in zip(plain.markers, scaled.markers, strict=True):
        np.testing.assert_array_equal(sound(plain, before), sound(scaled, after))


@pytest.mark.parametrize(
    ("voice", "knob", "how"),
    [(Voice(accent="en-GB"), "en", "honoured"), (Voice(accent="en-us"), "en-US", "honoured"),
     (Voice(accent="de-AT"), "de", "approximated"), (Voice(accent="tlh"), "en-US", "ignored"),
     (Voice(accent="en-GB", timbre=Timbre(names={"espeak": "+f3"})), "en+f3", "honoured"),
     (Voice(accent="en-GB", timbre=Timbre(names={"espeak": "en-us+f3"})), "en-US+f3", "ignored")],
)  # fmt: skip
def test_an_accent_chooses_the_language_unless_the_cast_voice_has_one(espeak, voice, knob, how):
    assert espeak.project(voice).knobs["voice"] == knob
    assert came(espeak, voice)["accent"] == how
    assert chunk(espeak, voice).pcm.size


def test_a_language_goes_by_its_tag(espeak):
    british, american = (chunk(espeak, named("espeak", name)).pcm for name in ("en-gb", "en-us"))
    assert british.size != american.size


@pytest.mark.parametrize("name", ["nobody", "en-us+nobody", "+nobody", "+../en_dict"])
def test_a_voice_that_is_not_there_is_named(espeak, name):
    with pytest.raises(AdapterError, match=r"tts\.voice"):
        espeak.project(named("espeak", name))


def test_who_it_is_makes_the_speaker_and_neutral_is_reported(espeak):
    woman, nobody = Voice(timbre=Timbre(gender="female", age="old")), Voice(timbre=Timbre(gender="neutral"))
    assert espeak.project(woman).knobs["voice"] == "en-US+grandma"
    assert came(espeak, nobody) == {"timbre.gender": "ignored"}


def test_a_joyful_voice_is_higher_faster_and_says_so(espeak):
    voice = Voice(emotion_priors={"joy": 1.0})
    assert came(espeak, voice) == {"emotion_priors": "approximated"}
    plain, joyful = heard(espeak), heard(espeak, voice)
    assert 12 * np.log2(joyful.pitch_hz / plain.pitch_hz) == pytest.approx(2.0, abs=0.6)
    assert joyful.chars_per_s > 1.04 * plain.chars_per_s


def test_knobs_left_alone_change_no_sample(espeak):
    np.testing.assert_array_equal(chunk(espeak, Voice(pace=1.0, name="x")).pcm, chunk(espeak).pcm)


def test_warm_up_says_how_it_speaks_in_the_voice_at_pace_1(espeak):
    voice = Voice(timbre=Timbre(gender="female", pitch_hz=200.0), pace=1.5)
    espeak.warm_up(voice)
    natural = espeak.describe().natural
    assert natural == calibrate.natural(espeak, replace(voice, pace=1.0))
    assert natural.pitch_hz == pytest.approx(200, rel=0.05)
    assert 14 < natural.chars_per_s < 22 and -30 < natural.loudness_lufs < -12
