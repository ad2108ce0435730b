"""Endpointing: when a silence means that the user's turn is over.

    speech -> silence of speculate_ms -> JudgeTurn ... TurnJudged, words -> wait_ms -> over, if it lasts that long
                     ^----------------- speech again: it was a pause <---------'

Rules. The surer the model is that the turn is over, the shorter the wait. Words that want others behind them are
stronger than the model. Before there are words, it is taken for unsure: nothing can be answered yet, so it costs no
time. Without a model, or before it has answered, plain silence decides. Whatever anybody thinks, a turn ends: the
longest wait is a bound. Pure; positions are samples of the ear's stream, waits are milliseconds of it.

The model is given what was said since the last pause, not the whole turn: on 72 ends and 78 pauses of synthesized turns
Smart Turn ranked an end above a pause with a probability of 0.71 then, with the whole turn 0.63, with the last pause
shortened to 100 ms 0.66.
"""

from __future__ import annotations

from orchestrator.actions import JudgeTurn
from orchestrator.completeness import Completeness, completeness
from orchestrator.detector import SpeechDetector
from orchestrator.settings import ListenSettings
from timeline.events import TurnJudged


def wait_ms(probability: float | None, words: Completeness, settings: ListenSettings) -> int:
    """Silence after which the turn is over. `probability`: that it is, None where nobody can tell."""
    if words is Completeness.OPEN:
        return settings.endpoint_open_ms
    if probability is None:
        return settings.endpoint_ms
    if words is Completeness.UNKNOWN:
        return settings.endpoint_unsure_ms
    sure = (probability - settings.unsure_below) / (settings.sure_above - settings.unsure_below)
    sure = min(1.0, max(0.0, sure))
    return round(settings.endpoint_unsure_ms + sure * (settings.endpoint_sure_ms - settings.endpoint_unsure_ms))


class Endpoint:
    """Follows one turn through the detector. `judged`: there is a model to ask."""

    def __init__(self, settings: ListenSettings, rate_hz: int, judged: bool) -> None:
        self._settings = settings
        self._per_ms = rate_hz / 1000
        self._judged = judged
        self.begin()

    def begin(self) -> None:
        """What follows is another turn."""
        self._spoken_from = -1  # where speech was last taken up, with its pre-roll; -1: nothing was said yet
        self._asked_at = -1  # position up to which the model was asked in this silence; -1: it was not
        self._probability: float | None = None

    def hear(self, detector: SpeechDetector) -> JudgeTurn | None:
        """Take in what the detector made of the latest window; asks once in each silence."""
        if detector.quiet_ms == 0:
            if self._spoken_from < 0 or self._asked_at >= 0:
                taken_up = detector.run_start if self._spoken_from < 0 else detector.position
                self.begin()
                self._spoken_from = max(0, taken_up - int(self._settings.preroll_ms * self._per_ms))
        elif self._spoken_from >= 0 and self._asked_at < 0 and detector.quiet_ms >= self._settings.speculate_ms:
            self._asked_at = detector.position
            return JudgeTurn(self._spoken_from, self._asked_at) if self._judged else None
        return None

    def judge(self, event: TurnJudged) -> None:
        """An answer; one to an earlier silence is stale."""
        if event.end_position == self._asked_at:
            self._probability = event.probability

    def over(self, detector: SpeechDetector, text: str | None) -> bool:
        """Whether the present silence ends the turn. `text`: all of its words; None: they are not there yet."""
        words = completeness(text or "", self._settings.language)
        return detector.quiet_ms >= wait_ms(self._probability, words, self._settings)
