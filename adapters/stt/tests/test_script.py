"""The scripted recognizer answers line by line."""

from __future__ import annotations

import numpy as np

from adapters.stt.script import ScriptStt

SILENCE = np.zeros(16, np.float32)


def script(*lines: str) -> ScriptStt:
    return ScriptStt(ScriptStt.Options(lines=list(lines)), None)


def test_final_answers_come_in_order_and_then_run_dry() -> None:
    stt = script("What time is it?", "Thank you.")
    assert [stt.transcribe(SILENCE, False).text for _ in range(3)] == ["What time is it?", "Thank you.", ""]


def test_a_provisional_answer_is_a_prefix_and_uses_nothing_up() -> None:
    stt = script("What time is it now?", "Stop.")
    assert stt.transcribe(SILENCE, True).text == "What time is"
    assert stt.transcribe(SILENCE, False).text == "What time is it now?"
    assert stt.transcribe(SILENCE, True).text == "Stop."


def test_it_says_what_it_is() -> None:
    described = script().describe()
    assert (described.name, described.role, described.egress) == ("script", "stt", ())
