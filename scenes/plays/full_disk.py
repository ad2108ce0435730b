"""Full Disk: the journal cannot be written any further. The talk goes on unharmed, it is said in one line, and what was
written reads, and replays, up to its last whole line."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from adapters.tts.trouble import Trouble
from orchestrator import actions as act
from orchestrator.recording import Recording, describe_manifest
from scenes.replay import replay
from scenes.script import REPLY
from scenes.simulator import Simulator
from scenes.stage import Scene, Stage
from scenes.world import Speech, World
from timeline import events as ev
from timeline.journal import JOURNAL, read_journal

ROOM_BYTES = (20_000, 400_000)  # what fits on the disk; the session would take about 900,000


def play(stage: Stage) -> None:
    trouble = Trouble(open_ms=10, call_ms=2, rtf=stage.random.uniform(0.05, 0.4))
    with tempfile.TemporaryDirectory() as folder, full_disk(int(stage.random.uniform(*ROOM_BYTES))):
        simulator, recording = recorded(stage, trouble, Path(folder) / "run")
        judge(stage, simulator, recording, Path(folder) / "run")
    unrecorded = talk(stage, trouble)
    unrecorded.run()
    same = np.array_equal(simulator.audio(), unrecorded.audio())
    stage.exactly("audio_changed", int(not same), 0)
    remembered = [[fact for _, fact in one.of(act.Remember)] for one in (simulator, unrecorded)]
    stage.exactly("words_changed", int(remembered[0] != remembered[1]), 0)


def talk(stage: Stage, trouble: Trouble) -> Simulator:
    user = (Speech(500, 1300, "what is it"), Speech(9000, 9900, "and why"))
    return stage.session(World(user=user, replies=(REPLY, REPLY), events=[(30_000, ev.StopRequested())]), trouble)


def recorded(stage: Stage, trouble: Trouble, folder: Path) -> tuple[Simulator, Recording]:
    """A session that is written down while it goes on, as in production."""
    simulator = talk(stage, trouble)
    engine = {"name": stage.adapter, "options": {}, "trouble": trouble.model_dump()}
    manifest = describe_manifest(settings=simulator.settings, tts=[engine])
    recording = Recording(folder, manifest, simulator.settings.rate_hz)
    heard = 0

    def watch(fact: object) -> None:
        nonlocal heard
        recording.watch(simulator.now_ns(), "event" if type(fact).__name__ in ev.EVENTS else "action", fact)
        for block in simulator.sink.played[heard:]:
            recording.on_audio(block.astype("<i2").tobytes())
        heard = len(simulator.sink.played)

    simulator.watchers.append(watch)
    simulator.run()
    recording.close(simulator.now_ns(), {})
    return simulator, recording


def judge(stage: Stage, simulator: Simulator, recording: Recording, folder: Path) -> None:
    stage.exactly("said_so", int("entries" in recording.problem), 1)
    records = sum(1 for _ in read_journal(folder / JOURNAL))
    stage.at_least("records_that_read", records, 2)
    stage.at_most("records_share", records / len(simulator.records), 0.999)
    verdict = replay(folder, lambda name, options: stage.make_tts(name))
    for line in verdict.differences:
        stage.note(line)
    stage.exactly("replays_as_far_as_it_goes", int(verdict.identical and not verdict.whole), 1)
    stage.exactly("samples_recorded_less", simulator.audio().size - recording.samples, 0)


@contextlib.contextmanager
def full_disk(room_bytes: int) -> Iterator[None]:
    """No file of this process can grow past `room_bytes`: the kernel refuses, as a full disk does."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


SCENE = Scene("full-disk", "the journal cannot write: the talk goes on, and what was written replays", play,
              seeds_most=300)  # fmt: skip
