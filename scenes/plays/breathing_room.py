"""Breathing Room: short utterances, first audio before the silence has decayed, and nothing is written anywhere."""

from __future__ import annotations

from adapters.tts.trouble import Trouble
from scenes.script import SHORT
from scenes.simulator import Simulator
from scenes.stage import Scene, Stage
from scenes.watching import watch_writes
from scenes.world import Sink, World
from timeline import events as ev
from timeline.clock import NS_PER_MS, NS_PER_S

EVERY_MS = 4000  # longer than any of the utterances sounds
JITTER_MOST = 0.06  # three times that is a fifth: what the controller promises to cover (bench controller)
HELD_SHARE = 0.5  # of what the first chunk costs
FIRST_CHUNK_MS = 80
SILENCE_MS = 200  # after which people expect an answer (Stivers et al. 2009: the median of ten languages)


def play(stage: Stage) -> None:
    draw = stage.random
    texts = draw.sample(SHORT, 6)
    block_ms, jitter_ms = draw.choice((5, 10, 20, 40)), draw.uniform(0, 5)
    trouble = Trouble(open_ms=draw.uniform(0, 40), call_ms=draw.uniform(0, 15), rtf=draw.uniform(0.02, 0.5),
                      jitter=draw.uniform(0, JITTER_MOST))  # fmt: skip
    events: list[tuple[float, object]] = [(300 + number * EVERY_MS + draw.uniform(0, 50), ev.SpeakRequested(text))
              for number, text in enumerate(texts)]  # fmt: skip
    events.append((300 + len(texts) * EVERY_MS, ev.InputEnded()))
    world = World(events=events, block_ms=block_ms, sink=Sink(jitter_ms=jitter_ms))
    simulator = stage.session(world, trouble)
    with watch_writes() as writes:
        simulator.run()
    delays, overheads = first_samples_ms(simulator)
    stage.exactly("utterances_heard", len(delays), len(texts))
    stage.measure("first_sample_ms_mean", sum(delays) / max(1, len(delays)))
    stage.at_most("first_sample_ms_most", max(delays, default=float("inf")), SILENCE_MS)
    # What the engine did not cost: the wait for the sink to come round, which may be late, and for what is held back
    # of a first chunk until the second is safe.
    held_ms = HELD_SHARE * (trouble.call_ms + trouble.rtf * FIRST_CHUNK_MS)
    stage.at_most("own_ms_most", max(overheads, default=float("inf")), block_ms + jitter_ms + held_ms + 0.1)
    stage.exactly("underrun_samples", simulator.underrun_samples(), 0)
    stage.exactly("files_opened", len(writes.files), 0)
    for line in writes.files:
        stage.note(line)
    if writes.written_bytes >= 0:
        stage.exactly("bytes_written", writes.written_bytes, 0)


def first_samples_ms(simulator: Simulator) -> tuple[list[float], list[float]]:
    """For each request to speak: when its first sample sounds, and how much of that the engine did not cost."""
    delays, own = [], []
    asked_ns, cost_ns = -1, 0
    for t_ns, _, fact in simulator.records:
        if isinstance(fact, ev.SpeakRequested):
            asked_ns, cost_ns = t_ns, 0
        elif isinstance(fact, ev.PhraseOpened | ev.ChunkReady):
            cost_ns += fact.render_ns
        elif isinstance(fact, ev.SinkTick) and fact.played_samples and asked_ns >= 0:
            at_ns = fact.device_ns + fact.first_offset * NS_PER_S // simulator.settings.rate_hz
            delays.append((at_ns - asked_ns) / NS_PER_MS)
            own.append((at_ns - asked_ns - cost_ns) / NS_PER_MS)
            asked_ns = -1
    return delays, own


SCENE = Scene("breathing-room", "short utterances sound before the silence has decayed; nothing is written", play,
              seeds_most=2000)  # fmt: skip
