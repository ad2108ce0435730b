"""What a person sees of a conversation: who speaks, and what becomes of what is not said."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from orchestrator import actions as act
from timeline import events as ev
from timeline.measures import Turn
from ui.terminal import LiveView, turn_line


def shown(*facts: Any) -> list[str]:
    out = io.StringIO()
    view = LiveView(Console(file=out, width=200))
    for fact in facts:
        view.watch(0, "action", fact)
    return out.getvalue().splitlines()


def test_each_line_names_who_speaks() -> None:
    assert shown(
        act.Remember(1, "user", "What is it?"),
        act.Remember(1, "assistant", "A goose.", source="llm"),
        act.Remember(2, "assistant", "It is", True, source="task"),
        act.Remember(3, "assistant", "A text.", source=""),
    ) == ["  you   What is it?", "  bill  A goose.", "  task  It is —", "  bill  A text."]


def test_what_becomes_of_a_report_is_seen_with_what_is_not_said() -> None:
    assert shown(
        act.StartReply(1, ()),
        act.StartReply(2, (), "task"),
        act.ShowFloor(2, "task", "waits", "for a breath of silence", ""),
        act.ShowFloor(2, "task", "given", "", ""),
        act.ShowFloor(2, "task", "dropped", "interrupted", "a duck [bold]."),
    ) == [
        "  task  (works on it)",
        "  task  (waits: for a breath of silence)",
        "  task  (dropped: interrupted) a duck [bold].",
    ]


def test_what_keeps_our_voice_out_is_seen_once_it_is_known() -> None:
    assert shown(
        ev.EchoState("none"),
        ev.EchoState("client"),
        ev.EchoState("webrtc", warming_up=True, reason="the room is not known yet"),
        ev.EchoState("webrtc", reason="the echo is cancelled", erle_db=31.2, latency_ms=42.4),
        ev.EchoState("webrtc", half_duplex=True, reason="our own words were heard", erle_db=4.0),
    ) == [
        "  echo  the client cancels it",
        "  echo  webrtc: the echo is cancelled (31 dB, 42 ms late)",
        "  echo  webrtc: half duplex, our own words were heard (4 dB)",
    ]


def test_a_report_is_a_turn_without_a_question() -> None:
    assert turn_line(Turn(2, "task", reply_heard="It is a duck.")) == "  2 task  It is a duck."
    assert turn_line(Turn(1, "llm", "Hi", reply_heard="Hello.")) == "  1 you   Hi\n    bill  Hello."
    assert turn_line(Turn(1, "", "Hi")) == "  1 you   Hi\n    bill  "
