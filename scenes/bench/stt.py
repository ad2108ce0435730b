"""Benchmark of the recognizer: our short window against faster-whisper's own `transcribe`.

Same model, beam, threads and audio: utterances of 3 to 4 s, run in turns. `stt_time_ratio` is the median
of the pairs; `word_error_difference` is our word error rate minus theirs, both against the text that was
spoken, in percentage points. Piper speaks, at three paces; eSpeak only where Piper is not installed,
for its audio differs from run to run and Whisper mishears it either way: the difference is luck.
The sentences hold no numerals, which may be written in figures or in words.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr

from adapters.base import EAR_RATE_HZ, AdapterError
from adapters.stt.whisper import WhisperStt
from scenes.bench.report import Report, at_most, machine, paired_ratios, shown
from stitcher.pcm import Float32, Int16, to_float32

if TYPE_CHECKING:
    from adapters.registry import Context

TIME_RATIO_MAX = 0.35  # what the short window is for
WORD_ERROR_DIFFERENCE_MAX = 0.0  # and what it must not cost
PAIRS = 1  # per utterance; there are enough of those
PIPER_WEIGHTS = "piper-en_US-joe-medium"
PIPER_LENGTH_SCALES = (0.85, 1.0, 1.2)  # from brisk to slow
ESPEAK_VOICES = ("en-us", "en-gb")

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
)
LEAD_SECONDS, TAIL_SECONDS = 0.2, 0.3  # what an endpointer leaves around an utterance

Speaker = Callable[[str], Float32]


def run(context: Context, options: WhisperStt.Options | None = None, pairs: int = PAIRS) -> Report:
    """Measure, `pairs` of runs for each utterance. Raises AdapterError."""
    ours = WhisperStt(options or WhisperStt.Options(), context)
    ratios: list[float] = []
    spoken: list[str] = []
    heard: list[str] = []
    reference: list[str] = []
    for text, pcm in utterances(context):
        spoken.append(text)
        heard.append(ours.transcribe(pcm, False).text)
        reference.append(_reference(ours, pcm))
        ratios += paired_ratios(
            partial(ours.transcribe, pcm, False), partial(_reference, ours, pcm), pairs, context.clock
        )
    ours_percent, reference_percent = word_error_percent(spoken, heard), word_error_percent(spoken, reference)
    metrics = (
        at_most("stt_time_ratio", median(ratios), "", TIME_RATIO_MAX),
        at_most(
            "word_error_difference", ours_percent - reference_percent, "points", WORD_ERROR_DIFFERENCE_MAX
        ),
        shown("word_error", ours_percent, "%"),
        shown("reference_word_error", reference_percent, "%"),
    )
    return Report("stt", machine(), metrics, len(ratios))


def _reference(stt: WhisperStt, pcm: Float32) -> str:
    options = stt.options
    segments, _ = stt.model.transcribe(pcm, language=options.language, beam_size=options.beam)
    return " ".join(segment.text.strip() for segment in segments)


def word_error_percent(spoken: list[str], heard: list[str]) -> float:
    """Substituted, inserted and missing words per hundred spoken ones; case and punctuation ignored."""
    import jiwer

    return 100.0 * float(jiwer.wer([_words(text) for text in spoken], [_words(text) for text in heard]))


def _words(text: str) -> str:
    return " ".join(re.findall(r"[\w']+", text.lower()))


def utterances(context: Context) -> Iterator[tuple[str, Float32]]:
    """Each sentence in the next of the voices, at EAR_RATE_HZ. Raises AdapterError where there is none."""
    voices = list(speakers(context))
    if not voices:
        raise AdapterError("missing", "the stt benchmark needs a voice: pip install 'duckbill[espeak]'")
    for number, text in enumerate(SENTENCES * len(voices)):
        lead, tail = (np.zeros(int(s * EAR_RATE_HZ), np.float32) for s in (LEAD_SECONDS, TAIL_SECONDS))
        speak = voices[(number + number // len(SENTENCES)) % len(voices)]
        yield text, np.concatenate([lead, speak(text), tail])


def speakers(context: Context) -> Iterator[Speaker]:
    """The voices that can be had here."""
    with suppress(AdapterError, ImportError):
        folder = context.weights.locate(PIPER_WEIGHTS)
        yield from (_piper(folder, length_scale) for length_scale in PIPER_LENGTH_SCALES)
        return
    with suppress(ImportError):
        _espeak_library()
        yield from (partial(espeak, voice=voice) for voice in ESPEAK_VOICES)


def espeak(text: str, voice: str = "en-us", words_per_minute: int = 160) -> Float32:
    """Speak with eSpeak NG, at EAR_RATE_HZ. Raises ImportError where espeakng-loader is not installed."""
    library, rate_hz, chunks = _espeak_library()
    chunks.clear()
    library.espeak_SetVoiceByName(voice.encode())
    library.espeak_SetParameter(1, words_per_minute, 0)  # espeakRATE
    written = text.encode()
    library.espeak_Synth(written, len(written) + 1, 0, 0, 0, 1, None, None)  # espeakCHARS_UTF8
    library.espeak_Synchronize()
    return _resampled(to_float32(np.concatenate(chunks)), rate_hz)


@cache
def _espeak_library() -> tuple[Any, int, list[Int16]]:
    """The library, its rate, and the list that its callback fills. Its state is the process's."""
    import espeakng_loader

    library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
    data = espeakng_loader.get_data_path().encode()
    rate_hz = library.espeak_Initialize(2, 0, data, 0)  # AUDIO_OUTPUT_SYNCHRONOUS
    chunks: list[Int16] = []

    def on_chunk(wave: Any, samples: int, events: int) -> int:
        if samples:
            chunks.append(np.ctypeslib.as_array(wave, (samples,)).copy())
        return 0

    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    library.on_chunk = kind(on_chunk)  # kept alive here; the library holds a bare pointer
    library.espeak_SetSynthCallback(library.on_chunk)
    return library, rate_hz, chunks


def _piper(folder: Path, length_scale: float) -> Speaker:
    from piper import PiperVoice, SynthesisConfig

    voice = PiperVoice.load(next(folder.glob("*.onnx")))

    # Without its noise every run hears the same speech.
    still = SynthesisConfig(length_scale=length_scale, noise_scale=0.0, noise_w_scale=0.0)

    def speak(text: str) -> Float32:
        chunks = [chunk.audio_float_array for chunk in voice.synthesize(text, still)]
        return _resampled(np.concatenate(chunks), voice.config.sample_rate)

    return speak


def _resampled(pcm: Float32, rate_hz: int) -> Float32:
    return np.asarray(soxr.resample(pcm, rate_hz, EAR_RATE_HZ), np.float32)
