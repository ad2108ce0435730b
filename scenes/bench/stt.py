"""Benchmark of the recognizer: our short window against faster-whisper's own `transcribe`.

Same model, beam, threads and audio: utterances of 3 to 4 s, run in turns. `stt_time_ratio` is the median
of the pairs; `word_error_difference` is our word error rate minus theirs, both against the text that was
spoken, in percentage points. Piper speaks, at three paces; eSpeak only where Piper is not installed,
for Whisper mishears it either way, and then the difference is luck.
The sentences hold no numerals, which may be written in figures or in words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from statistics import median

import numpy as np

from adapters.base import EAR_RATE_HZ, AdapterError
from adapters.registry import Context, create
from adapters.stt.whisper import WhisperStt
from adapters.tts.whole import speak_whole
from adapters.voice import Voice, named
from scenes.bench.report import Report, at_most, machine, paired_ratios, shown
from stitcher.pcm import Float32

TIME_RATIO_MAX = 0.35  # what the short window is for
WORD_ERROR_DIFFERENCE_MAX = 0.0  # and what it must not cost
PAIRS = 1  # per utterance; there are enough of those
PIPER_PACES = (1.18, 1.0, 0.83)  # from brisk to slow
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
        at_most("word_error_difference", ours_percent - reference_percent, "points", WORD_ERROR_DIFFERENCE_MAX),
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
    with suppress(AdapterError):
        tts = create("tts", "piper", {}, context)
        tts.warm_up()
        yield from (partial(speak_whole, tts, rate_hz=EAR_RATE_HZ, voice=Voice(pace=pace)) for pace in PIPER_PACES)
        return
    with suppress(AdapterError):
        tts = create("tts", "espeak", {}, context)
        tts.warm_up()
        voices = (named("espeak", name) for name in ESPEAK_VOICES)
        yield from (partial(speak_whole, tts, rate_hz=EAR_RATE_HZ, voice=voice) for voice in voices)
