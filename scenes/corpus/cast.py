"""The cast: who speaks in the corpus, and what was spoken, kept on disk so that slow voices speak each text once.

    Speaker, text -> engine -> 16 kHz, level set, quiet ends cut off -> Spoken (samples, words) -> CACHE/corpus/DIGEST

Rules. The digest is of all that the samples depend on: engine, version, weights, voice and text. Nobody is left out
where an engine is missing: the same corpus everywhere, or an error that names the cure.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from adapters.base import EAR_RATE_HZ, Span, Tts
from adapters.registry import Context, create
from adapters.tts.whole import pull_whole
from adapters.voice import Prosody, Timbre, Voice
from scenes.corpus.levels import loud_range, set_active_dbfs
from stitcher.pcm import Float32, to_float32, to_int16

SPOKEN_DBFS = -26.0  # active level of a user half a metre from a microphone
LAYOUT = 1  # of the files
FORMANT = "espeak"  # the engine whose voices are made of formants


@dataclass(frozen=True, slots=True)
class Speaker:
    """`voice` as the engine takes it."""

    engine: str
    voice: Voice

    @property
    def like_people(self) -> bool:
        """Formant voices are understood, but models that were trained on people find neither their words nor tunes."""
        return self.engine != FORMANT


def speaker(engine: str, name: str = "", pace: float = 1.0, semitones: float = 0.0) -> Speaker:
    timbre = Timbre(names={engine: name} if name else {})
    return Speaker(engine, Voice(timbre=timbre, prosody=Prosody(pitch_semitones=semitones), pace=pace))


SPEAKERS = (
    speaker("espeak", "en-us"),
    speaker("kokoro", "af_heart"),
    speaker("espeak", "en-gb", 1.15, -2.0),
    speaker("piper", pace=0.85),
    speaker("kokoro", "am_michael"),
    speaker("espeak", "en-us+f3", 0.9),
    speaker("kokoro", "bf_emma"),
    speaker("espeak", "en-gb+m3", 0.95),
    speaker("piper", pace=1.2),
    speaker("kokoro", "bm_george"),
    speaker("espeak", "en-us+f2", 1.1, 2.0),
    speaker("kokoro", "am_adam"),
)
"""In an order in which engines take turns."""


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """A text as it was said: float32 at EAR_RATE_HZ from its first loud sample to its last. `words`: rows of
    (text_start, text_end, start_sample), in order."""

    text: str
    pcm: Float32
    words: npt.NDArray[np.int64]


class Cast:
    """Speaks texts. `engines`: those that take part; the others' parts are not given to anybody."""

    def __init__(self, context: Context, engines: Sequence[str] = ("espeak", "kokoro", "piper")) -> None:
        self._context = context
        self._folder = context.cache / "corpus"
        self._tts: dict[str, Tts] = {}
        self._spoken: dict[str, Spoken] = {}
        self.speakers = tuple(one for one in SPEAKERS if one.engine in engines)

    def speak(self, who: Speaker, text: str) -> Spoken:
        """Raises AdapterError where the engine is missing."""
        tts = self._engine(who.engine)
        told = tts.describe()
        facts = [LAYOUT, SPOKEN_DBFS, told.name, told.version, told.weights_sha256, asdict(who.voice), text]
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
        if digest not in self._spoken:
            path = self._folder / f"{digest}.npz"
            if path.is_file():
                with np.load(path) as kept:
                    self._spoken[digest] = Spoken(text, to_float32(kept["pcm"]), kept["words"])
            else:
                self._spoken[digest] = self._keep(digest, render(tts, who.voice, text))
        return self._spoken[digest]

    def close(self) -> None:
        for tts in self._tts.values():
            tts.close()

    def _engine(self, name: str) -> Tts:
        if name not in self._tts:
            tts = create("tts", name, {}, self._context)
            tts.warm_up()
            self._tts[name] = tts
        return self._tts[name]

    def _keep(self, digest: str, spoken: Spoken) -> Spoken:
        """On disk, whole or not at all; as it will be read again."""
        self._folder.mkdir(parents=True, exist_ok=True)
        pcm = to_int16(spoken.pcm)
        part = self._folder / f"{digest}.{os.getpid()}.part"
        with part.open("wb") as file:
            np.savez(file, pcm=pcm, words=spoken.words)
        part.replace(self._folder / f"{digest}.npz")
        return Spoken(spoken.text, to_float32(pcm), spoken.words)


def render(tts: Tts, voice: Voice, text: str) -> Spoken:
    """Raises AdapterError."""
    import soxr

    pcm, marks = pull_whole(tts, Span(text, voice, 0))
    rate_hz = tts.describe().rate_hz
    resampled = np.asarray(soxr.resample(pcm, rate_hz, EAR_RATE_HZ), np.float32)
    start, end = loud_range(resampled)
    words = [(m.text_start, m.text_end, round(m.start_sample * EAR_RATE_HZ / rate_hz) - start) for m in marks]
    return Spoken(text, set_active_dbfs(resampled[start:end], SPOKEN_DBFS), np.array(words, np.int64).reshape(-1, 3))
