"""The panel of a run: what the sink and the controller did, and who had the floor, over time.

    turns        who speaks, by which engine where there are several; triangles where an interruption cut a reply
    gaps         what each is made of, and which guesses were kept
    lead         audio queued ahead of the sink, underruns marked
    chunks       size of each chunk, and what it cost to render
    levels       the microphone's speech probability and level, where there is one, and what keeps our own voice out
Drawn with matplotlib, without a window, from the journal alone.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from timeline.events import CONVERSATION
from timeline.journal import JOURNAL, read_journal
from timeline.measures import Turn, TurnMeter
from ui.gaps import draw_gaps
from ui.terminal import counted

PANEL = "panel.png"
POINTS_MOST = 6000  # of a curve; a panel is 1,600 pixels wide
CHUNK_LEAST_MS = 1  # what costs less has been rendered with the chunk before
ABOVE: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1.0), "fontsize": 8, "frameon": False}
COLOURS = {
    "listening": "#dfe6e9", "hearing": "#74b9ff", "pausing": "#b2d8ff", "thinking": "#ffeaa7", "speaking": "#55c595",
    "yielding": "#fab1a0",
}  # fmt: skip


@dataclass
class Series:
    """What the panel shows, in seconds and milliseconds."""

    engine: str = ""
    states: list[tuple[float, str]] = field(default_factory=list)  # from when
    engines: dict[int, str] = field(default_factory=dict)  # phrase -> who speaks it
    pieces: list[tuple[int, str]] = field(default_factory=list)  # from which index of the stream who speaks
    voices: list[tuple[float, str]] = field(default_factory=list)  # from when who was heard
    lead: list[tuple[float, float]] = field(default_factory=list)
    underruns: list[float] = field(default_factory=list)
    chunks: list[tuple[float, float, float]] = field(default_factory=list)  # when, audio ms, render ms
    ears: list[tuple[float, float, float]] = field(default_factory=list)  # when, probability, level
    echo: list[tuple[float, str, bool]] = field(default_factory=list)  # from when, by which layer, half duplex
    cuts: list[float] = field(default_factory=list)
    turns: list[tuple[float, Turn]] = field(default_factory=list)
    guesses: list[tuple[float, str]] = field(default_factory=list)  # when one was ruled on, and how
    start: float = -1.0
    end: float = 0.0


def collect(records: Iterable[Mapping[str, Any]]) -> Series:
    """Read a journal's records, the manifest first."""
    iterator = iter(records)
    settings = next(iterator)["manifest"]["settings"]
    rate_hz = settings["rate_hz"]
    series = Series(engine=settings["tts"]["name"], states=[(0.0, "listening")])
    meter = TurnMeter(rate_hz)
    for record in iterator:
        at = record.get("t", 0) / 1e9
        series.start = at if series.start < 0 else series.start
        series.end = max(series.end, at)
        turn = meter.feed(record)
        if turn is not None:
            series.turns.append((at, turn))
        fact = record.get("event") or record.get("action") or {}
        _add(series, at, fact, rate_hz)
    return series


def _add(series: Series, at: float, fact: Mapping[str, Any], rate_hz: int) -> None:
    kind = fact.get("kind")
    if kind == "SinkTick":
        _hear(series, at, fact)
        series.lead.append((at, (fact["written_seen"] - fact["read_index"]) / rate_hz * 1000))
        if fact["underrun_samples"]:
            series.underruns.append(at)
    elif kind == "OpenPhrase":
        series.engines[fact["phrase"]] = fact["engine"]
    elif kind == "ChunkStitched":
        series.pieces.append((fact["start_index"], series.engines[fact["phrase"]]))
    elif kind == "Retracted":
        series.pieces = [piece for piece in series.pieces if piece[0] < fact["end_index"]]
    elif kind == "ChunkReady":
        series.chunks.append((at, fact["samples"] / fact["rate_hz"] * 1000, fact["render_ns"] / 1e6))
    elif kind == "EarFrame":
        series.ears.append((at, fact["speech_prob"], fact["level_dbfs"]))
    elif kind == "EchoState":
        series.echo.append((at, fact["layer"], fact["half_duplex"]))
    elif kind == "Remember" and fact["interrupted"]:
        series.cuts.append(at)
    elif kind == "ShowGuess":
        series.guesses.append((at, fact["ruling"]))
    elif kind == "ShowTurn":
        series.states.append((at, fact["state"]))


def _hear(series: Series, at: float, tick: Mapping[str, Any]) -> None:
    """Whose sound the sink has come to."""
    while len(series.pieces) > 1 and series.pieces[1][0] < tick["read_index"]:
        series.pieces.pop(0)
    speaks = series.pieces[0][1] if series.pieces and tick["played_samples"] else ""
    if speaks and speaks != (series.voices[-1][1] if series.voices else ""):
        series.voices.append((at, speaks))


def draw_panel(folder: Path) -> str:
    """Write folder/panel.png; returns why not, in one line, or an empty string."""
    try:
        import matplotlib
    except ImportError:
        return "no panel: matplotlib is missing; pip install 'duckbill[plot]'"
    matplotlib.use("Agg")
    from matplotlib import pyplot

    try:
        series = collect(read_journal(folder / JOURNAL))
        rows = [(_draw_turns, 1.1), *([(_draw_gaps, 1.2)] if _answered(series) else []), (_draw_lead, 1.8)]
        rows += [(_draw_chunks, 1.8), *([(_draw_ears, 1.4)] if series.ears else [])]
        draw, heights = zip(*rows, strict=True)
        figure, axes = pyplot.subplots(len(draw), 1, figsize=(16, 9), sharex=True, height_ratios=heights)
        axes[0].set_xlim(max(0.0, series.start), max(series.end, series.start + 0.1))
        for drawn, axis in zip(draw, axes, strict=True):
            drawn(axis, series)
        axes[-1].set_xlabel("seconds of session time, loading included")
        figure.suptitle(f"{folder.name}   voice: {_names(series)}   {_summary(series)}", x=0.01, ha="left", fontsize=11)
        figure.tight_layout()
        figure.savefig(folder / PANEL, dpi=100)
        pyplot.close(figure)
    except (OSError, ValueError, KeyError, StopIteration) as error:
        return f"no panel: {folder} cannot be drawn ({error})"
    return ""


def _names(series: Series) -> str:
    return ", ".join(dict.fromkeys([name for _, name in series.voices] or [series.engine]))


def _summary(series: Series) -> str:
    gaps = [turn.gap_ms for _, turn in series.turns if turn.gap_ms is not None]
    gap = f"   gap median {statistics.median(gaps):.0f} ms" if gaps else ""
    counts = (
        counted(len(series.turns), "turn"), counted(len(series.cuts), "interruption"),
        counted(len(series.underruns), "block") + " dry",
    )  # fmt: skip
    return ", ".join(counts) + gap


def _draw_turns(axis: Any, series: Series) -> None:
    seen = set()
    for (start, state), (end, _) in zip(series.states, [*series.states[1:], (series.end, "")], strict=True):
        label = state if state not in seen else None
        seen.add(state)
        axis.axvspan(start, end, color=COLOURS.get(state, "#cccccc"), label=label)
    _draw_voices(axis, series)
    axis.plot(series.cuts, [0.12] * len(series.cuts), "v", color="#d63031", markersize=8, label="interruption")
    for at, turn in series.turns:
        if turn.gap_ms is not None:
            axis.text(at, 0.55, f"turn {turn.turn} \ngap {turn.gap_ms:.0f} ms ", ha="right", va="center", fontsize=8)
        elif turn.source not in ("", CONVERSATION):
            axis.text(at, 0.55, f"turn {turn.turn} \n{turn.source} ", ha="right", va="center", fontsize=8)
    axis.set_ylim(0, 1)
    axis.set_yticks([])
    axis.set_ylabel("floor")
    axis.legend(ncols=7, **ABOVE)


def _draw_voices(axis: Any, series: Series) -> None:
    """Who spoke, where several engines did: a strip at the foot, each change named."""
    names = list(dict.fromkeys(name for _, name in series.voices))
    if len(names) < 2:
        return
    for (start, name), (end, _) in zip(series.voices, [*series.voices[1:], (series.end, "")], strict=True):
        axis.axvspan(start, end, ymax=0.22, color=f"C{names.index(name)}", alpha=0.85, linewidth=0)
        axis.text(start, 0.11, f" {name}", va="center", fontsize=8, color="white", clip_on=True)


def _answered(series: Series) -> list[tuple[float, Turn]]:
    """The turns that have a gap, and when their answers became audible."""
    spoken = [at for at, state in series.states if state == "speaking"]
    ended = ((max((at for at in spoken if at <= end), default=end), turn) for end, turn in series.turns)
    return [(at, turn) for at, turn in ended if turn.stages]


def _draw_gaps(axis: Any, series: Series) -> None:
    draw_gaps(axis, _answered(series), series.guesses, ABOVE)


def _draw_lead(axis: Any, series: Series) -> None:
    step = max(1, len(series.lead) // POINTS_MOST)
    points = series.lead[::step]
    axis.fill_between([t for t, _ in points], [ms for _, ms in points], color="#a29bfe", alpha=0.6, linewidth=0)
    for number, at in enumerate(series.underruns):
        axis.axvline(at, color="#d63031", linewidth=1, label=None if number else "ran dry")
    if series.underruns:
        axis.legend(**ABOVE)
    axis.set_ylabel("lead, ms")
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)


def _draw_chunks(axis: Any, series: Series) -> None:
    times = [at for at, _, _ in series.chunks]
    axis.vlines(
        times, 0, [ms for _, ms, _ in series.chunks], color="#0984e3", linewidth=1.2, label="audio in the chunk"
    )
    axis.plot(times, [ms for _, ms, _ in series.chunks], ".", color="#0984e3", markersize=5)
    axis.plot(times, [ms for _, _, ms in series.chunks], ".", color="#e17055", markersize=5, label="time to render it")
    axis.set_ylabel("chunk, ms")
    axis.set_yscale("log")
    axis.set_ylim(bottom=CHUNK_LEAST_MS)
    axis.grid(alpha=0.3)
    if times:
        axis.legend(ncols=2, **ABOVE)


def _draw_ears(axis: Any, series: Series) -> None:
    step = max(1, len(series.ears) // POINTS_MOST)
    points = series.ears[::step]
    axis.plot([p[0] for p in points], [p[2] for p in points], color="#b2bec3", linewidth=0.8)
    axis.set_ylabel("microphone, dBFS (grey)")
    axis.set_ylim(-100, 0)
    right = axis.twinx()
    right.plot([p[0] for p in points], [p[1] for p in points], color="#0984e3", linewidth=0.9)
    right.set_ylabel("speech probability (blue)")
    right.set_ylim(-0.02, 1.02)
    _draw_echo(axis, series)


def _draw_echo(axis: Any, series: Series) -> None:
    """What keeps our own voice out, where it changes."""
    for number, (start, layer, half_duplex) in enumerate(series.echo):
        end = series.echo[number + 1][0] if number + 1 < len(series.echo) else series.end
        name = f"{layer}, half duplex" if half_duplex else layer
        if number == 0 or series.echo[number - 1][1:] != (layer, half_duplex):
            axis.text(start, -4, f" echo: {name}", va="top", fontsize=8, clip_on=True)
        if half_duplex:
            axis.axvspan(start, end, color="#fab1a0", alpha=0.4, linewidth=0)
