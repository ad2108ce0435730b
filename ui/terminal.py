"""The terminal's view of a conversation: one line a thing, as it happens.

you   ... what is being said (grey while it may change)
bill  what is answered, cut where it was interrupted
task  what a second source reports, and what becomes of its reports
      gap 640 ms = endpoint 480 + ...   stop 310 ms
"""

from __future__ import annotations

from typing import Any

from timeline.events import CONVERSATION, EchoState
from timeline.measures import Turn


def stages_text(turn: Turn) -> str:
    """The gap and what it is made of; empty where there is none."""
    if turn.gap_ms is None:
        return ""
    parts = " + ".join(f"{name} {ms:.0f}" for name, ms in turn.stages.items() if ms >= 0.5)
    return f"gap {turn.gap_ms:.0f} ms" + (f" = {parts}" if parts else "")


def stop_text(turn: Turn) -> str:
    """How soon after the user began to speak into the reply it paused, and stopped."""
    paused = f"paused {turn.duck_ms:.0f} ms after a voice" if turn.duck_ms is not None else ""
    stopped = f"stopped {turn.stop_ms:.0f} ms after the user began" if turn.stop_ms is not None else ""
    return ", ".join(part for part in (paused, stopped) if part)


def turn_line(turn: Turn) -> str:
    """One turn in two lines: what was said, and how long it took."""
    heard = turn.reply_heard + (" —" if turn.barge_in else "")
    notes = [stages_text(turn)]
    notes.append(stop_text(turn))
    if turn.underruns:
        notes.append(counted(turn.underruns, "underrun"))
    if not turn.measured:
        notes.append("heard text estimated")
    note = "; ".join(note for note in notes if note)
    you = f"you   {turn.heard}\n    " if turn.heard or turn.source in ("", CONVERSATION) else ""
    return f"{turn.turn:3d} {you}{speaker(turn.source):5} {heard}" + (f"\n          {note}" if note else "")


def speaker(source: str) -> str:
    """How a reply source is called here."""
    return "bill" if source in ("", CONVERSATION) else source


def counted(count: int, thing: str) -> str:
    """1 turn, 2 turns."""
    return f"{count} {thing}" + ("" if count == 1 else "s")


def echo_text(state: EchoState) -> str:
    """What keeps our own voice out, in one line."""
    if state.layer == "client":
        return "the client cancels it"
    duplex = "half duplex, " if state.half_duplex else ""
    late = f", {state.latency_ms:.0f} ms late" if state.latency_ms >= 0 else ""
    return f"{state.layer}: {duplex}{state.reason} ({state.erle_db:.0f} dB{late})"


CLEAR_LINE = "\r\x1b[2K"


class LiveView:
    """A watcher of the shell that prints with rich: transcript, replies, latencies."""

    def __init__(self, console: Any) -> None:
        self._console = console
        self.noticed: list[str] = []  # lines that people have seen

    def watch(self, t_ns: int, what: str, fact: Any) -> None:
        handler = getattr(self, f"_{type(fact).__name__}", None) if what != "note" else None
        if handler is not None:
            handler(fact)

    def _ShowWords(self, fact: Any) -> None:  # noqa: N802 - named as the fact is
        if fact.stable or fact.unstable:
            unstable = f"({fact.unstable} …)" if fact.unstable else "…"
            self._fleeting("you", f"{fact.stable} {unstable}".lstrip())

    def _Remember(self, fact: Any) -> None:  # noqa: N802
        if fact.role == "user":
            self._line("you", fact.text, "bold cyan")
        elif fact.text:
            self._line(speaker(fact.source), fact.text + (" —" if fact.interrupted else ""), "bold green")

    def _StartReply(self, fact: Any) -> None:  # noqa: N802
        if fact.source != CONVERSATION:
            self._line(fact.source, "(works on it)", "dim")

    def _ShowFloor(self, fact: Any) -> None:  # noqa: N802
        if fact.ruling not in ("given", "heard"):
            why = f"({fact.ruling}: {fact.reason})"
            self._line(fact.source, f"{why} {fact.text}".strip(), "yellow" if fact.text else "dim")

    def _ShowSwap(self, fact: Any) -> None:  # noqa: N802
        self._line("voice", f"{fact.engine} goes on for {fact.before} ({fact.reason})", "dim")

    def _ShowTurn(self, fact: Any) -> None:  # noqa: N802
        if fact.cause == "barge_in":
            self._line("you", "(interrupts)", "dim")
        elif fact.cause == "resumed":
            self._line("you", "(was heard, it goes on)", "dim")

    def _OpenPhrase(self, fact: Any) -> None:  # noqa: N802
        self._fleeting("bill", fact.text)

    def _EchoState(self, fact: Any) -> None:  # noqa: N802
        if fact.layer != "none" and not fact.warming_up:  # what is not known yet is soon told
            self._line("echo", echo_text(fact), "yellow" if fact.half_duplex else "dim")

    def _Notice(self, fact: Any) -> None:  # noqa: N802
        self.noticed.append(fact.text)
        self._line("note", fact.text, "yellow")

    def _line(self, who: str, text: str, style: str) -> None:
        clear = CLEAR_LINE if self._console.is_terminal else ""
        self._console.file.write(clear)
        self._console.print(f"  {who:5} {text}", style=style, highlight=False, markup=False)

    def _fleeting(self, who: str, text: str) -> None:
        """A line that the next one replaces; only a terminal can show it."""
        if self._console.is_terminal:
            room = max(10, self._console.width - 10)
            self._console.file.write(f"{CLEAR_LINE}  {who:5} {text[-room:]}\r")
            self._console.file.flush()

    def turn(self, turn: Turn) -> None:
        """A turn is complete: its latencies."""
        parts = [stages_text(turn), stop_text(turn)]
        if turn.underruns:
            parts.append(counted(turn.underruns, "underrun"))
        line = "; ".join(part for part in parts if part)
        if line:
            self._line("", line, "magenta")
