"""Long Read: five minutes aloud. It never runs dry, chunk sizes converge, and after the first minute the cadence is
stable."""

from __future__ import annotations

from collections import Counter

from adapters.tts.trouble import Trouble
from orchestrator import actions as act
from scenes.script import aloud
from scenes.simulator import Simulator
from scenes.sound import TONES
from scenes.stage import Scene, Stage
from scenes.world import Sink, World
from stitcher.seam_measures import measure_seam
from timeline import events as ev
from timeline.clock import NS_PER_S

READ_S = 300
TEXT_S = 430  # by the script's measure; the fastest voice here needs three quarters of it
JITTER_MOST = 0.06  # three times that is a fifth: what the controller promises to cover (bench controller)
SETTLED_S = 60
WINDOW_S = 10
SEAMS, SEAM_REACH_S = 12, 2  # how many are measured, and against how much speech on each side
LEAD_MOST_S = 5.0  # the ring holds 8 s: a lead near that would lose audio


def play(stage: Stage) -> None:
    draw = stage.random
    trouble = Trouble(open_ms=draw.uniform(0, 40), call_ms=draw.uniform(0, 20), rtf=draw.uniform(0.05, 0.6),
                      jitter=draw.uniform(0, JITTER_MOST))  # fmt: skip
    sink = Sink(drift_ppm=draw.uniform(-200, 200), jitter_ms=draw.uniform(0, 5))
    text = aloud(TEXT_S, draw.randrange(12))
    events = [(100, ev.SpeakRequested(text)), (READ_S * 1000 + 2000, ev.StopRequested())]
    world = World(events=events, sink=sink, block_ms=draw.choice((10, 20, 40)))
    simulator = stage.hold(world, trouble)
    ticks = [tick for _, tick in simulator.of(ev.SinkTick)]
    stage.at_least("read_s", sum(tick.played_samples for tick in ticks) / simulator.settings.rate_hz, READ_S)
    stage.exactly("underrun_samples", simulator.underrun_samples(), 0)
    said = [fact.text for _, fact in simulator.of(act.Remember)]
    stage.exactly("said_something_else", int(not text.startswith(said[-1])), 0)
    leads = [tick.written_seen - tick.read_index for tick in ticks]
    stage.at_most("lead_s_most", max(leads) / simulator.settings.rate_hz, LEAD_MOST_S)
    stage.measure("rtf", trouble.rtf)
    cadence(stage, simulator)
    seams(stage, simulator)


def cadence(stage: Stage, simulator: Simulator) -> None:
    """After the first minute: how much of what is asked for is of one size, and how evenly it is asked for."""
    asked = [(t_ns / NS_PER_S, fact.units) for t_ns, fact in simulator.of(act.RequestChunk)]
    end_s = simulator.now_ns() / NS_PER_S
    late = [units for at, units in asked if at > SETTLED_S]
    stage.measure("units_settled", Counter(late).most_common(1)[0][0])
    stage.at_least("one_size_share", Counter(late).most_common(1)[0][1] / len(late), 0.9)
    windows = Counter(int(at // WINDOW_S) for at, _ in asked if SETTLED_S < at < end_s // WINDOW_S * WINDOW_S)
    mean = sum(windows.values()) / len(windows)
    stage.at_most("cadence_spread", (max(windows.values()) - min(windows.values())) / mean, 0.6)


def seams(stage: Stage, simulator: Simulator) -> None:
    """Where phrases meet: no step sharper than speech itself."""
    audio, rate_hz = simulator.audio(), simulator.settings.rate_hz
    first = next(tick for _, tick in simulator.of(ev.SinkTick) if tick.played_samples)
    begin = first.position + first.first_offset
    places = [begin + stitched.end_index for _, stitched in simulator.of(ev.ChunkStitched) if stitched.eos]
    reach = SEAM_REACH_S * rate_hz
    found = [measure_seam(audio[max(0, at - reach) : at + reach], min(at, reach), rate_hz)
             for at in places[:SEAMS] if at + reach < audio.size]  # fmt: skip
    click_ratio = max(seam.click_ratio for seam in found)
    if stage.adapter == TONES:  # its words begin and end with a click of their own
        stage.measure("click_ratio_most", click_ratio)
    else:
        stage.at_most("click_ratio_most", click_ratio, 1)
    levels = [abs(seam.level_difference_db) for seam in found if seam.level_difference_db is not None]
    stage.measure("level_difference_db_most", max(levels, default=0))


SCENE = Scene("long-read", "five minutes: never dry, one chunk size, an even cadence after the first minute", play,
              seeds_most=200)  # fmt: skip
