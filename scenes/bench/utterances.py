"""What recognizers are measured on: sentences said by several voices, clean and in noise.

eSpeak, Kokoro, and Piper at other paces than its own speak. Which voice and which noise a sentence gets is fixed, and
the noise is the same every time. Where a voice is not installed the others say their own part only. The sentences hold
no numerals and no abbreviations, which may be written in several ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import count

import numpy as np

from adapters.base import EAR_RATE_HZ, AdapterError, Tts
from adapters.registry import Context, create
from adapters.tts.whole import speak_whole
from adapters.voice import Voice, named
from stitcher.pcm import Float32

SENTENCES = (
    "Please turn off all the lights in the kitchen and the hall.",
    "I would like to book a ticket to Lisbon for next Friday.",
    "Could you tell me when the last train to the city leaves?",
    "Remind me to call Maria tomorrow morning before breakfast.",
    "My sister lives in Manchester with her husband and a dog.",
    "What did the doctor say about the results of the test?",
    "In the garden there were roses, tulips and a lemon tree.",
    "He told the children a story about a bear and a fox.",
    "Nobody knew why the old clock had stopped at noon.",
    "Rain fell on the roof and the wind shook the windows.",
    "The farmer sold his horse and bought a yellow tractor.",
    "They found the lost dog sleeping under the kitchen table.",
    "Yes, please.",
    "No, wait, that is not what I meant at all.",
    "How long does it take to walk from the station to the river?",
    "Our neighbor plays the violin every Sunday afternoon, and when the windows are open the whole street can hear it.",
    "Play something slow by a piano trio.",
    "Is the shop on the corner still open at this hour?",
    "The bridge was closed because of the flood last winter.",
    "Where did you put the keys to the cellar?",
    "She reads the newspaper on the train and forgets it there.",
    "Add butter, flour and a dozen eggs to the shopping list.",
    "Both brothers became teachers, one of music and one of sports.",
    "Wake me up an hour earlier than usual.",
    "The soup needs a little more salt and some fresh pepper.",
    "Why does the moon look larger when it is near the horizon?",
    "Stop reading and start again from the second chapter.",
    "A stranger asked us for the way to the museum.",
    "The boat left the harbor before the storm began.",
    "Thank you, that is enough for today.",
    "Did anyone feed the cat while we were away?",
    "Open the curtains in the bedroom and close the window.",
    "It takes three people to carry that table upstairs.",
    "My phone fell into the river when I leaned over the rail.",
    "What is the difference between a crow and a raven?",
    "The children built a castle of sand close to the water.",
    "Move my appointment with the dentist to the end of the month.",
    "Half of the letters were written in green ink.",
    "Say that again, but a bit slower please.",
    "Her office is on the left, behind the glass door.",
    "Snow covered the fields, and nothing moved for days.",
    "How many cups are there in a liter of milk?",
    "The team lost every game but kept its cheerful mood.",
    "Read me the last message from my daughter.",
    "The old road follows the coast as far as the lighthouse.",
    "He forgot his umbrella at the bakery again.",
    "Who painted the ceiling of that famous chapel?",
    "Nothing grows under the big oak except for moss and mushrooms.",
)
LEAD_SECONDS, TAIL_SECONDS = 0.2, 0.3  # what an endpointer leaves around an utterance


@dataclass(frozen=True, slots=True)
class Cast:
    """One engine's part: its voices take turns from sentence to sentence, each sentence is said `times`."""

    adapter: str
    voices: tuple[Voice, ...]
    times: int


CASTS = (
    Cast("espeak", tuple(named("espeak", name) for name in ("en-us", "en-gb", "en-gb-scotland")), 2),
    Cast("piper", (Voice(pace=1.18), Voice(pace=0.83)), 2),
    Cast("kokoro", tuple(named("kokoro", name) for name in ("af_heart", "bm_george", "am_michael", "bf_emma")), 1),
)
KINDS = (("", 0.0), ("pink", 20.0), ("white", 14.0), ("pink", 8.0))
"""Noise, and the signal above it in dB: a quiet room has 20 and more, a kitchen or a car 8."""
PINK_FROM_HZ = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """`pcm` at EAR_RATE_HZ; `kind`: who said it in what noise."""

    text: str
    pcm: Float32
    kind: str


def utterances(context: Context) -> Iterator[Utterance]:
    """All of them. Raises AdapterError where there is no voice."""
    numbers = count()
    for cast in CASTS:
        with ExitStack() as closing, suppress(AdapterError):
            tts = create("tts", cast.adapter, {}, context)
            closing.callback(tts.close)
            tts.warm_up()
            for round_ in range(cast.times):
                for place, text in enumerate(SENTENCES):
                    voice = cast.voices[(place + round_) % len(cast.voices)]
                    yield _said(tts, text, voice, cast.adapter, next(numbers))
    if not next(numbers):
        raise AdapterError("missing", "the stt benchmark needs a voice: pip install 'duckbill[espeak]'")


def _said(tts: Tts, text: str, voice: Voice, adapter: str, number: int) -> Utterance:
    """The `number` decides on the noise: every sentence meets several of them."""
    lead, tail = (np.zeros(int(s * EAR_RATE_HZ), np.float32) for s in (LEAD_SECONDS, TAIL_SECONDS))
    pcm = np.concatenate([lead, speak_whole(tts, text, EAR_RATE_HZ, voice), tail])
    kind = (number + number // len(SENTENCES)) % len(KINDS)
    name, snr_db = KINDS[kind]
    if name:
        pcm = in_noise(pcm, NOISES[name](np.random.default_rng(number), pcm.size), snr_db)
    return Utterance(text, pcm, f"{adapter} {name} {snr_db:g} dB" if name else f"{adapter} clean")


def in_noise(speech: Float32, noise: Float32, snr_db: float) -> Float32:
    """Both together, so that the power of the one is `snr_db` above the other's; full scale is not exceeded."""
    gain = np.sqrt(np.mean(np.square(speech)) / np.mean(np.square(noise)) / 10 ** (snr_db / 10))
    mixed = speech + gain * noise
    return np.asarray(mixed / max(1.0, float(np.abs(mixed).max())), np.float32)


def white(rng: np.random.Generator, samples: int) -> Float32:
    return rng.standard_normal(samples, np.float32)


def pink(rng: np.random.Generator, samples: int) -> Float32:
    """As much power in every octave from 20 Hz on: rooms and engines sound more like this."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    at_hz = np.fft.rfftfreq(samples, 1 / EAR_RATE_HZ)
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(at_hz, PINK_FROM_HZ)), samples).astype(np.float32)


NOISES: dict[str, Callable[[np.random.Generator, int], Float32]] = {"white": white, "pink": pink}
