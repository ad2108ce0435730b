"""Hearing: the user's turn, from the first sound to the words.

    EarFrame -> detector -> segments of speech -> Transcribe ... Transcribed -> the turn's text

A turn is made of segments: a monologue longer than the recognizer's window is cut into several, and
a user who goes on before the reply is heard adds one to the same turn. A segment may be transcribed
several times (attempts); only the answer to the last final attempt counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.actions import Action, ShowWords, Transcribe
from orchestrator.agreement import Agreement
from orchestrator.backchannels import expected, is_backchannel
from orchestrator.barge_in import FIRST_WORDS_MS, SLOW_WORDS_MS, WORD_LEAST_MS, Evidence, Verdict, casts_doubt
from orchestrator.detector import SpeechDetector
from orchestrator.endpoint import Endpoint
from orchestrator.phrase import speakable
from orchestrator.phrases import Phrases
from orchestrator.self_echo import SLACK_MS, is_echo
from orchestrator.settings import CoreSettings
from orchestrator.waking import Waking
from timeline.clock import NS_PER_MS
from timeline.events import Transcribed
from timeline.ledger import Ledger

TRANSCRIBE_TIMEOUT_MS = 20_000  # 25 s of speech take under 2 s; ten times that is a stall
SAID_CHARS_PER_S = 24.0  # by a voice in a hurry; words count as said from their middle on
LEVEL_SHARE = 0.3  # of a new turn's level in the usual one: three turns and a changed seat is known
SYLLABLE_MS = 96  # more speech may be another word
SILENT_MS = 64  # after so long the word is whole
TAIL_MS = 96  # kept after the last speech: a final consonant is quiet
RETRIES = 1


@dataclass(slots=True)
class Segment:
    number: int
    start: int
    end: int = 0
    attempt: int = 0
    text: str | None = None  # None: not transcribed yet
    asked_ns: int = -1  # when the final attempt was asked for; -1: it was not
    failures: int = 0
    words: str | None = None  # provisional
    words_ms: float = 0.0  # of speech that they are from
    doubted: bool = False  # there were provisional words that are no backchannel
    agreement: Agreement = field(default_factory=Agreement)  # of the provisional texts


class Hearing:
    """Holds the segments of the turn being spoken."""

    def __init__(self, settings: CoreSettings) -> None:
        self.settings = settings.listen
        self._per_ms = settings.ear_rate_hz / 1000
        self.detector = SpeechDetector(settings.listen, settings.ear_rate_hz)
        self.endpoint = Endpoint(settings.listen, settings.ear_rate_hz, settings.judged)
        self.waking = Waking(settings.listen, settings.ear_rate_hz, settings.wake_word)
        self.segments: list[Segment] = []
        self._next_number = 0
        self._provisional_at = 0  # position of the last provisional request
        self._provisional_pending = False
        self._asked_ms = 0.0  # speech in the run when the last provisional text was asked for
        self._first_words_ms = FIRST_WORDS_MS  # of speech into our voice, before its words are asked for
        self._leaning = False  # the provisional text that is awaited is of such speech
        self.usual_dbfs: float | None = None  # how loud the user speaks
        self.said = ""  # what our voice had said when somebody spoke into it
        self.passed: Verdict | None = None  # the speech that goes on takes nothing, and our voice goes on beside it

    def begin_segment(self) -> None:
        """Speech has begun: a segment from a little before it."""
        start = self.detector.run_start - int(self.settings.preroll_ms * self._per_ms)
        previous = self.segments[-1].end if self.segments else 0
        self.segments.append(Segment(self._next_number, max(0, previous, start, self.waking.hear_from)))
        self._next_number += 1
        self._provisional_at = self.detector.position
        self._asked_ms = 0.0
        self.endpoint.begin()

    def add_typed(self, text: str) -> None:
        """A line typed counts like one spoken."""
        at = self.detector.position
        self.segments.append(Segment(self._next_number, at, at, text=" ".join(text.split())))
        self._next_number += 1

    def forget(self) -> None:
        """The turn is answered, or was nothing: what follows is another."""
        self.segments, self.said = [], ""

    def request_final(self, now_ns: int) -> Transcribe:
        """Transcribe the running segment up to the end of speech."""
        segment = self.segments[-1]
        end = min(self.detector.position, self.detector.speech_end + int(TAIL_MS * self._per_ms))
        segment.end = max(segment.start, end)
        return self._ask(segment, now_ns)

    def split(self, now_ns: int) -> Transcribe:
        """Transcribe what was said so far and go on in a new segment that begins where this one ends."""
        segment = self.segments[-1]
        segment.end = self.detector.position
        self.segments.append(Segment(self._next_number, segment.end))
        self._next_number += 1
        return self._ask(segment, now_ns)

    def _ask(self, segment: Segment, now_ns: int) -> Transcribe:
        segment.attempt += 1
        segment.text = None
        segment.asked_ns = now_ns
        return Transcribe(segment.number, segment.attempt, segment.start, segment.end, True)

    def resume(self) -> None:
        """The user goes on: the final attempt is void, the segment stays open."""
        segment = self.segments[-1]
        segment.attempt += 1
        segment.text = None
        segment.asked_ns = -1

    def learn_level(self) -> None:
        """The run that ends was the user's."""
        level_dbfs = self.detector.level_dbfs
        if level_dbfs is not None:
            usual_dbfs = level_dbfs if self.usual_dbfs is None else self.usual_dbfs
            self.usual_dbfs = usual_dbfs + LEVEL_SHARE * (level_dbfs - usual_dbfs)

    def spoken_into(self, script: Phrases, ledger: Ledger, read_index: int) -> None:
        """Somebody speaks into our voice: what sounded of it meanwhile, and just before, may come back. From the
        beginning of a word on, and no more: who repeats us does so after us."""
        said = script.heard(ledger, read_index)[0]
        since_ms = self.detector.speech_ms + self.settings.preroll_ms + SLACK_MS
        begin = max(0, len(said) - round(since_ms / 1000 * SAID_CHARS_PER_S))
        self.said = said[said.rfind(" ", 0, begin) + 1 :]

    def evidence(self) -> Evidence:
        """Of the run of speech into our own voice."""
        detector, segment = self.detector, self.segments[-1] if self.segments else Segment(-1, 0)
        level_dbfs = detector.level_dbfs
        known = level_dbfs is not None and self.usual_dbfs is not None
        level_db = level_dbfs - self.usual_dbfs if known else None  # type: ignore[operator]
        heard = (detector.speech_ms, detector.silence_ms, segment.words, segment.words_ms)
        return Evidence(*heard, level_db, is_echo(segment.words or "", self.said), segment.doubted)

    def request_words(self) -> Transcribe | None:
        """As soon as there may be a word, then with each syllable more, and once it is silent."""
        fresh_ms = self.detector.speech_ms - self._asked_ms
        enough_ms = self._first_words_ms if not self._asked_ms else SYLLABLE_MS
        over = self.detector.silence_ms >= SILENT_MS and fresh_ms > 0 and self.detector.speech_ms >= WORD_LEAST_MS
        may_be = expected(self.settings.language, self.settings.backchannels)
        return self.request_provisional(0, may_be) if fresh_ms >= enough_ms or over else None

    def request_provisional(self, every_ms: int | None = None, may_be: str = "") -> Transcribe | None:
        """Every `every_ms` (None: `provisional_ms`) of a running segment, one at a time."""
        position = self.detector.position
        if self._provisional_pending or not self.segments:
            return None
        every_ms = self.settings.provisional_ms if every_ms is None else every_ms
        if position - self._provisional_at < every_ms * self._per_ms:
            return None
        self._provisional_at, self._provisional_pending, self._leaning = position, True, bool(may_be)
        self._asked_ms = self.detector.speech_ms
        segment = self.segments[-1]
        return Transcribe(segment.number, segment.attempt, segment.start, position, False, may_be)

    @property
    def too_long(self) -> bool:
        """The running segment has reached what the recognizer takes at once."""
        length = self.detector.position - self.segments[-1].start
        return length >= self.settings.segment_most_ms * self._per_ms

    def transcribed(self, event: Transcribed) -> list[Action]:
        """Take in an answer: to the final attempt at a segment, or a provisional one, which is shown."""
        self._provisional_pending = self._provisional_pending and event.final
        if self._leaning and not event.final:
            slow = event.render_ns > SLOW_WORDS_MS * NS_PER_MS
            self._first_words_ms = WORD_LEAST_MS if slow else FIRST_WORDS_MS
        asked = (event.segment, event.attempt)
        segment = next((one for one in self.segments if (one.number, one.attempt) == asked), None)
        if segment is None:
            return []
        if event.final:
            segment.text = event.text.strip()
            return []
        segment.words, segment.words_ms = event.text, self._asked_ms
        segment.doubted = segment.doubted or casts_doubt(event.text, segment.words_ms, self.settings)
        return [ShowWords(segment.number, *segment.agreement.feed(event.text))]

    def failed(self, ticket: int, retryable: bool, now_ns: int) -> list[Action]:
        """An attempt failed: ask again, or take the segment for silent (the failure has been told)."""
        self._provisional_pending = False
        for segment in self.segments:
            if segment.number == ticket and segment.asked_ns >= 0 and segment.text is None:
                segment.failures += 1
                if retryable and segment.failures <= RETRIES:
                    return [self._ask(segment, now_ns)]
                segment.text = ""
        return []

    def give_up(self, now_ns: int) -> bool:
        """Take segments whose transcription is overdue for silent; True where there was one."""
        deadline_ns = self.deadline_ns()
        if deadline_ns is None or deadline_ns > now_ns:
            return False
        for segment in self.segments:
            if segment.text is None and segment.asked_ns >= 0:
                segment.text = ""
        return True

    @property
    def text(self) -> str | None:
        """The turn's words, none where they are our own come back; None while a segment is still being transcribed."""
        if any(segment.text is None for segment in self.segments):
            return None
        text = " ".join(segment.text for segment in self.segments if segment.text)
        return "" if is_echo(text, self.said) else text

    @property
    def asks_nothing(self) -> bool:
        """All of it is here, and it is no more than a cough or a backchannel."""
        return self.text is not None and not self._asks(self.text)

    @property
    def words_known(self) -> bool:
        """There are words already, which ask for something."""
        return bool(self.segments) and self._asks(self.segments[-1].words or "")

    def _asks(self, words: str) -> bool:
        return speakable(words) and not is_backchannel(words, self.settings.language, self.settings.backchannels)

    @property
    def own_words(self) -> bool:
        """What was heard, as far as there are words of it, was our own voice."""
        words = (segment.words if segment.text is None else segment.text for segment in self.segments)
        return is_echo(" ".join(filter(None, words)), self.said)

    def deadline_ns(self) -> int | None:
        asked = [s.asked_ns for s in self.segments if s.text is None and s.asked_ns >= 0]
        return min(asked) + TRANSCRIBE_TIMEOUT_MS * NS_PER_MS if asked else None
