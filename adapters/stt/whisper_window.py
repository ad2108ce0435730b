"""How much of Whisper's window an utterance needs, and whether what came out is to be believed. Numbers only.

Whisper's encoder works on 30 s whatever was said; CTranslate2 takes fewer frames. Features: 100 frames a second.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from adapters.base import EAR_RATE_HZ
from stitcher.pcm import Float32
from timeline.words import WordTime

FRAMES_PER_S = 100
FULL_FRAMES = 3000  # what Whisper was trained on
# Word error rate of base, int8, beam 1, without the guard: 144 clips of 48 sentences, 1.0 to 11.6 s, 1,719
# words, with names and digits; eSpeak in four voices and three rates, Piper joe at three paces, clean and
# with noise at 20 to 8 dB. In brackets the clips that ran on by three words or more. The window's rest is
# silence, or zeros as in faster-whisper. Times are of two busy cores.
#   padding, steps   timestamps: silence  zeros      none: zeros   encoder + decoder
#   full window                           6.6 % (2)   6.9 % (2)      442 + 165 ms
#   3 s, 0.5 s         6.8 % (0)                                      63 + 155
#   2 s, 0.1 s         6.9 % (0)                                      63 + 160
#   2 s, 0.5 s         7.0 % (0)          8.9 % (2)  20.1 % (18)      46 + 132
#   1.5 s, 0.5 s       8.3 % (1)                     26.8 % (26)      48 + 153
#   1 s, 0.5 s        10.4 % (4)                     28.3 % (26)      47 + 152
#   0.5 s, 0.5 s      18.3 % (13)                    35.1 % (33)      39 + 157
# Timestamps say where the speech ends, silence that no more comes; with none of it the decoder runs on. Of speech that
# is hard to hear 2 s lose more than that: 144 other clips, eSpeak's in 14 and 8 dB of noise among them, 1,584 words, of
# which faster-whisper got 10.5 % wrong. In brackets the clips decoded again on the full window.
#   padding    no guard    with it     processor time of the short window alone
#   2 s        12.8 %      11.7 % (16)       100 %
#   3 s        12.6 %                        113
#   4 s        11.7 %      10.8 % (15)       118
# The full window takes four times as long as a second short one and writes hardly better. Word errors in noise, of
# 320 clips (16 sentences, seven voices) 14 to 8 dB above it, and of the 75 of 240 that were doubtful at 8 to 3 dB:
#   not again   again, the likelier text counts: 2 s    9 s (230 ms)   full window instead (840 ms)
#     16.6 %                                   16.4 %     16.2 %         15.7 %
#     63.3                                     62.6       62.4           80.1
PADDING_FRAMES, STEP_FRAMES = 400, 50
AGAIN_PADDING_FRAMES = 900

PIECE_SAMPLES = 28 * EAR_RATE_HZ  # with its padding it still fits the full window
CUT_SAMPLES = 8 * EAR_RATE_HZ  # a piece may end this much earlier, at a pause: people breathe more often
PAUSE_SAMPLES = EAR_RATE_HZ // 5  # a pause between words; a stop consonant is silent for half of it
REST_SAMPLES = EAR_RATE_HZ  # less after the last word is its end and the endpointer's silence
TIMESTAMP_SAMPLES = EAR_RATE_HZ // 50  # what Whisper counts time in
LEAST_SAMPLES = EAR_RATE_HZ // 10  # less holds no word, and the features need 15 ms

TOKENS_PER_S, TOKENS_SPARE = 8, 8  # the clips had at most 8 and 4.1 a second; what ran on had 7 and more
TOKENS_MAX = 448  # of Whisper, with its prompt
COMPRESSION_MAX = 2.4  # this and the next are Whisper's own thresholds
LOGPROB_MIN = -1.0
LOGPROB_SURE = -0.7  # a final text below it is doubtful: another may be likelier; no text is where silence is likely
# White and brown noise, hum and clicks (72 clips) had a no-speech probability of 0.51 or more and were
# taken for words at -0.84 or less; of the clips above, speech with such a probability stayed above -1.1.
NO_SPEECH_MAX = 0.5
LOGPROB_NOBODY = -1.2  # where silence is likely and a text less likely than this, nothing more is tried
PROVISIONAL_TOKENS = 120  # of a provisional answer: 1 s to decode on two cores, 14 s of fast speech

# A decoder that is told what is expected no longer makes "Amen" of a hum; it says a short thing over and over, though.
# Of 50 backchannels and 60 interruptions (seven voices, in noise), after 208 ms and after 512 ms of speech:
#                  backchannels taken for others      interruptions known
#   not told, 4 s           9            8               36        53
#   told, 3 s               2            2               44        47
# With 1.5 s likewise: 2, 2, 43 and 44 after 256 ms and 448 ms, where 3 s had 2, 3, 44 and 43.
LEANING_MOST_SAMPLES = 2 * EAR_RATE_HZ  # what is longer speaks for itself
LEANING_PADDING_FRAMES = 150  # a tenth faster than 300, and as good on what is short and near
LEANING_TOKENS = 4  # two words


@dataclass(frozen=True, slots=True)
class Decoded:
    """One answer of the decoder, and what speaks for it."""

    text: str
    tokens: int
    token_limit: int
    logprob: float  # mean of its tokens
    no_speech: float  # probability that there was none
    end_samples: int  # where the last word ended
    words: Callable[[], tuple[WordTime, ...]] = tuple  # of a final answer: when they were said, for whoever asks


def window_frames(spoken_frames: int, padding_frames: int = PADDING_FRAMES) -> int:
    """The shortest window that keeps the words, in frames: see PADDING_FRAMES."""
    padded = spoken_frames + padding_frames
    stepped = -(-padded // STEP_FRAMES) * STEP_FRAMES
    return min(FULL_FRAMES, stepped)


def has_another(samples: int) -> bool:
    """Whether a second answer, with more silence behind the speech, would be given on another window."""
    frames = samples * FRAMES_PER_S // EAR_RATE_HZ
    return window_frames(frames) < window_frames(frames, AGAIN_PADDING_FRAMES)


def token_limit(spoken_frames: int, provisional: bool) -> int:
    """How many tokens so much speech can have; more is running on."""
    limit = TOKENS_SPARE + TOKENS_PER_S * spoken_frames // FRAMES_PER_S
    return min(limit, PROVISIONAL_TOKENS) if provisional else limit


def nobody_spoke(decoded: Decoded) -> bool:
    """Noise that the decoder made words of."""
    return decoded.no_speech > NO_SPEECH_MAX and decoded.logprob < LOGPROB_NOBODY


def runs_on(decoded: Decoded) -> bool:
    """Cut off at its bound, or repeating itself."""
    written = decoded.text.encode()
    repeats = len(written) > COMPRESSION_MAX * len(zlib.compress(written))
    return decoded.tokens >= decoded.token_limit or repeats


def doubtful(decoded: Decoded) -> bool:
    """Improbable, or one thing said twice: what is short is written so where its end was missed."""
    return decoded.logprob < LOGPROB_SURE or once(decoded.text) != decoded.text


def believable(decoded: Decoded, provisional: bool) -> bool:
    """Neither running on, nor doubtful where there may be silence, nor, if it will be had better, improbable."""
    if decoded.no_speech > NO_SPEECH_MAX and doubtful(decoded):
        return False
    return not runs_on(decoded) and not (provisional and decoded.logprob < LOGPROB_MIN)


def leaning(decoded: Decoded) -> str:
    """What was said, from a decoder that leans on what was expected; said once."""
    return once(decoded.text) if decoded.logprob >= LOGPROB_MIN else ""


def once(text: str) -> str:
    """What is said over and over, once: "Yeah. Yeah. Ye" is "Yeah."; the last word may be cut off."""
    words = text.split()
    bare = [word.strip(".,!?-").casefold() for word in words]
    for size in range(1, len(words)):
        whole = all(bare[at] == bare[at - size] for at in range(size, len(words) - 1))
        if whole and bare[-1 - size].startswith(bare[-1]):
            return " ".join(words[:size])
    return text


def pieces(pcm: Float32) -> list[Float32]:
    """The audio in pieces of at most PIECE_SAMPLES, cut at pauses; together they are all of it. Where a
    piece ends depends on what lies before, so more audio at the end moves no earlier cut."""
    cuts = [0]
    while pcm.size - cuts[-1] > PIECE_SAMPLES:
        latest = cuts[-1] + PIECE_SAMPLES
        cuts.append(_quietest(pcm, latest - CUT_SAMPLES, latest))
    return [pcm[start:end] for start, end in pairwise([*cuts, pcm.size])]


def _quietest(pcm: Float32, start: int, end: int) -> int:
    """Middle of the quietest pause of pcm[start:end]."""
    energy = np.cumsum(np.square(np.pad(pcm[start:end], (1, 0)), dtype=np.float64))
    return start + int(np.argmin(energy[PAUSE_SAMPLES:] - energy[:-PAUSE_SAMPLES])) + PAUSE_SAMPLES // 2
