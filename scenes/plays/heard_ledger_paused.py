"""Heard Ledger, paused: somebody speaks into the answer and it pauses. A backchannel lets it go on with the next
sample; a line that takes the floor, spoken or typed, leaves in the conversation what was heard before the pause. A
laugh that lasts stops it, and it goes on with the next word; a cough before it sounds costs neither question nor
answer."""

from __future__ import annotations

import numpy as np

from orchestrator import actions as act
from orchestrator.settings import ListenSettings
from orchestrator.turns import Cause
from scenes.plays.heard_ledger import QUESTION, TROUBLE, judge, sounding_ms, talk
from scenes.script import SENTENCES
from scenes.simulator import Simulator
from scenes.stage import Scene, Stage
from scenes.world import STT_COST_MS, Speech, World
from stitcher.pcm import Int16
from stitcher.playout import EDGE_MS, FADE_MS
from timeline import events as ev
from timeline.clock import NS_PER_MS

MUMBLES = 3
MUMBLE_LEAST_MS, MUMBLE_MOST_MS = 90, 480
APART_MS = 2000
TALK_MS = 15_000  # of four sentences
WINDOWS_MS = 4 * 32  # to tell speech from silence and back, and to see that a word is whole
LAUGHS = (("", (800, 1200)), ("yeah yeah", (1350, 1800)))  # words, and how long they must last to stop it
COUGH_MS = (160, 900)
ENDS = ((40_000, ev.InputEnded()),)
PAUSE_MORE_MS = ListenSettings().resume_ms + STT_COST_MS + WINDOWS_MS  # beyond what was said into it


def play(stage: Stage) -> None:
    text = " ".join(stage.random.sample(SENTENCES, 4))
    goes_on(stage, text)
    typed_into_the_pause(stage, text)
    spoken_into_it(stage, text)
    at_the_first_sample(stage, text)
    laughed_at(stage, text)
    coughed_before_it(stage, text)


def mumbles(stage: Stage, from_ms: float) -> list[Speech]:
    """Backchannels, well apart."""
    draw, found = stage.random, []
    for number in range(MUMBLES):
        at_ms = from_ms + number * TALK_MS / MUMBLES + draw.uniform(0, TALK_MS / MUMBLES - APART_MS)
        line = draw.choice(("mm-hmm", "yeah", "okay", "I see"))
        found.append(Speech(at_ms, at_ms + draw.uniform(MUMBLE_LEAST_MS, MUMBLE_MOST_MS), line))
    return found


def goes_on(stage: Stage, text: str) -> None:
    """Every sample of the answer is played once, and in order."""
    plain = talk(stage, text, (3500, ev.InputEnded()))
    said = mumbles(stage, sounding_ms(stage, text) + 300)
    world = World(user=(QUESTION, *said), replies=(text,), events=((40_000, ev.InputEnded()),))
    paused = stage.hold(world, TROUBLE, 60_000)
    stage.exactly("flushes", len(paused.of(act.Flush)), 0)
    stage.exactly("not_kept", int([fact.text for _, fact in paused.of(act.Remember)] != ["what is it", text]), 0)
    stage.exactly("pauses_missed", len(said) - len(pauses_ms(paused)), 0)
    longest_ms = max(one.end_ms - one.start_ms for one in said)
    stage.at_most("pause_ms_most", max(pauses_ms(paused), default=0), longest_ms + PAUSE_MORE_MS)
    ours, whole = stream(paused), stream(plain)
    stage.exactly("samples_lost_or_twice", abs(ours.size - whole.size), 0)
    fades = len(said) * (FADE_MS + EDGE_MS) * paused.settings.rate_hz // 1000
    differ = int(np.count_nonzero(ours[: whole.size] != whole[: ours.size]))
    stage.at_most("samples_changed", differ, fades)


def typed_into_the_pause(stage: Stage, text: str) -> None:
    draw = stage.random
    at_ms = sounding_ms(stage, text) + draw.uniform(300, TALK_MS - APART_MS)
    said = (QUESTION, Speech(at_ms, at_ms + 300, "mm-hmm"))
    events = ((at_ms + draw.uniform(120, 400), ev.UserTyped("stop")), (at_ms + 3000, ev.StopRequested()))
    simulator = stage.hold(World(user=said, replies=(text, "Understood."), events=events), TROUBLE, 40_000)
    judge(stage, "typed_into_the_pause", simulator, text)


def spoken_into_it(stage: Stage, text: str) -> None:
    at_ms = sounding_ms(stage, text) + stage.random.uniform(300, TALK_MS - APART_MS)
    said = (QUESTION, Speech(at_ms, at_ms + 900, "no wait a moment"))
    world = World(user=said, replies=(text, "Understood."), events=((at_ms + 5000, ev.InputEnded()),))
    simulator = stage.hold(world, TROUBLE, 40_000)
    judge(stage, "spoken_into_it", simulator, text)
    users = [message.text for message in simulator.core.conversation.messages if message.role == "user"]
    stage.exactly("lines_lost", int(" ".join(users) != "what is it no wait a moment"), 0)


def at_the_first_sample(stage: Stage, text: str) -> None:
    """The user begins as the answer does: nothing of it is kept that was not heard."""
    at_ms = sounding_ms(stage, text) + stage.random.uniform(-60, 60)
    said = (QUESTION, Speech(at_ms, at_ms + 900, "and one more thing"))
    world = World(user=said, replies=(text, "Understood."), events=((at_ms + 5000, ev.InputEnded()),))
    simulator = stage.hold(world, TROUBLE, 40_000)
    if not (flushes := simulator.of(act.Flush)):
        return
    kept = [fact.text for _, fact in simulator.of(act.Remember) if fact.role == "assistant"]
    sounded = [t_ns for t_ns, fact in simulator.of(act.ShowTurn) if fact.cause == Cause.AUDIO_STARTED]
    heard = sounded[0] < flushes[0][0]  # else the turn went on before anything of the answer was audible
    *of_it, last = kept
    one_word = [text.startswith(part) and len(part.split()) <= 1 for part in of_it]
    stage.exactly("kept_unheard", int(one_word != [True] * heard or last != "Understood."), 0)


def laughed_at(stage: Stage, text: str) -> None:
    """Long enough to stop it, and no words, or none that ask for anything: all of it is heard in the end."""
    draw = stage.random
    at_ms = sounding_ms(stage, text) + draw.uniform(300, TALK_MS - APART_MS)
    words, lasts_ms = draw.choice(LAUGHS)
    laugh = Speech(at_ms, at_ms + draw.uniform(*lasts_ms), words)
    simulator = stage.hold(World(user=(QUESTION, laugh), replies=(text,), events=ENDS), TROUBLE, 60_000)
    judge_whole(stage, "laughed_at", simulator, text)
    stage.exactly("laughed_at_never_stopped", int(not simulator.of(act.Flush)), 0)


def coughed_before_it(stage: Stage, text: str) -> None:
    """From the question's end until the first words sound."""
    at_ms = stage.random.uniform(QUESTION.end_ms + 50, sounding_ms(stage, text) + 200)
    cough = Speech(at_ms, at_ms + stage.random.uniform(*COUGH_MS), "")
    simulator = stage.hold(World(user=(QUESTION, cough), replies=(text, text), events=ENDS), TROUBLE, 60_000)
    judge_whole(stage, "coughed_before_it", simulator, text)


def judge_whole(stage: Stage, case: str, simulator: Simulator, text: str) -> None:
    """The question is kept once, and all of its answer once."""
    said = [message.text for message in simulator.core.conversation.messages]
    stage.exactly(f"{case}_kept", int(said != ["what is it", text]), 0)


def pauses_ms(simulator: Simulator) -> list[float]:
    """How long the voice paused, each time."""
    holds = [(t_ns, fact.held) for t_ns, fact in simulator.of(act.Hold)]
    begun = [t_ns for t_ns, held in holds if held]
    ended = [t_ns for t_ns, held in holds if not held]
    return [(end - begin) / NS_PER_MS for begin, end in zip(begun, ended, strict=True)]


def stream(simulator: Simulator) -> Int16:
    """What was played of the stitched stream, int16[n], without the silence between."""
    audio = simulator.audio()
    blocks = [audio[tick.position + tick.first_offset :][: tick.played_samples]
              for _, tick in simulator.of(ev.SinkTick) if tick.played_samples]  # fmt: skip
    return np.concatenate(blocks)


SCENE = Scene("heard-ledger-paused", "paused by a voice, it goes on with the next sample or keeps what was heard",
              play, seeds_most=60)  # fmt: skip
