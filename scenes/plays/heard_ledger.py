"""Heard Ledger: what the conversation keeps is what was heard. Interrupted before the first frame, while the user
pauses, twice, between two phrases, at the very end, and by an engine without word times."""

from __future__ import annotations

from adapters.tts.trouble import Trouble
from orchestrator import actions as act
from orchestrator.turns import Cause
from scenes.invariants import played_before
from scenes.script import SENTENCES
from scenes.simulator import Simulator
from scenes.sound import TONES, tones
from scenes.stage import Scene, Stage
from scenes.world import Speech, World
from stitcher.pcm import frame_samples
from timeline import events as ev

QUESTION = Speech(500, 1300, "what is it")
TROUBLE = Trouble(open_ms=15, call_ms=3, rtf=0.15)
ESTIMATE_WORDS_OFF = 5  # a second and a half of speech: voices do not read evenly
HALF_KNOWN_SAMPLES = 700  # 30 ms: a word whose half sounded so nearly may be counted or not


def play(stage: Stage) -> None:
    text = " ".join(stage.random.sample(SENTENCES, 4))
    before_the_first_frame(stage, text)
    while_the_user_pauses(stage, text)
    in_mid_reply(stage, text)
    twice(stage, text)
    between_phrases(stage, text)
    at_the_end(stage)
    without_word_times(stage, text)


def talk(stage: Stage, text: str, *events: tuple[float, object], trouble: Trouble = TROUBLE) -> Simulator:
    return stage.hold(World(user=(QUESTION,), replies=(text, "Understood."), events=events), trouble, 40_000)


def sounding_ms(stage: Stage, text: str) -> float:
    """When the reply's first sample sounds, if nobody interrupts."""
    simulator = talk(stage, text, (3500, ev.StopRequested()))
    return min(t_ns for t_ns, fact in simulator.of(act.ShowTurn) if fact.cause == Cause.AUDIO_STARTED) / 1e6


def before_the_first_frame(stage: Stage, text: str) -> None:
    """Nothing is kept, and the user's two lines are one message."""
    at_ms = sounding_ms(stage, text) - stage.random.uniform(25, 120)
    simulator = talk(stage, text, (at_ms, ev.UserTyped("and why")), (at_ms + 4000, ev.InputEnded()))
    said = [(message.role, message.text) for message in simulator.core.conversation.messages]
    stage.exactly(
        "before_the_first_frame_kept", int(said != [("user", "what is it and why"), ("assistant", "Understood.")]), 0
    )


def while_the_user_pauses(stage: Stage, text: str) -> None:
    """The user's turn is not over yet; a typed line goes into it, and nothing was said by the other side."""
    at_ms = QUESTION.end_ms + stage.random.uniform(200, 450)
    simulator = talk(stage, text, (at_ms, ev.UserTyped("and why")), (at_ms + 600, ev.StopRequested()))
    said = [(message.role, message.text) for message in simulator.core.conversation.messages]
    stage.exactly("while_pausing_kept", int(said[0] != ("user", "what is it and why")), 0)


def in_mid_reply(stage: Stage, text: str) -> None:
    simulator = talk(
        stage, text, (stage.random.uniform(2300, 16_000), ev.UserTyped("stop")), (20_000, ev.StopRequested())
    )
    judge(stage, "mid_reply", simulator, text)


def twice(stage: Stage, text: str) -> None:
    """The second one before the first has been settled, or soon after."""
    first_ms = stage.random.uniform(2300, 12_000)
    again = (first_ms + stage.random.uniform(0, 60), ev.UserTyped("now"))
    simulator = talk(stage, text, (first_ms, ev.UserTyped("stop")), again, (first_ms + 6000, ev.InputEnded()))
    judge(stage, "twice", simulator, text)
    users = [message.text for message in simulator.core.conversation.messages if message.role == "user"]
    stage.exactly("twice_lines_lost", int(" ".join(users) != "what is it stop now"), 0)


def between_phrases(stage: Stage, text: str) -> None:
    """Within a quarter of a second of where two phrases meet."""
    plain = talk(stage, text, (3000, ev.InputEnded()))
    rate_hz = plain.settings.rate_hz
    seams = [s.end_index for _, s in plain.of(ev.ChunkStitched) if s.eos][:-1]
    began = min((t_ns for t_ns, fact in plain.of(act.ShowTurn) if fact.cause == Cause.AUDIO_STARTED), default=0)
    at_ms = began / 1e6 + stage.random.choice(seams) / rate_hz * 1000 + stage.random.uniform(-250, 250)
    simulator = talk(stage, text, (at_ms, ev.UserTyped("stop")), (at_ms + 4000, ev.StopRequested()))
    judge(stage, "between_phrases", simulator, text)


def at_the_end(stage: Stage) -> None:
    """As the last word dies away, or just after: heard whole, and never forgotten."""
    text = "That is all there is to say."
    plain = talk(stage, text, (3000, ev.InputEnded()))
    end_ms = next(t_ns for t_ns, fact in plain.of(act.Remember) if fact.role == "assistant") / 1e6
    at_ms = end_ms + stage.random.uniform(-100, 100)
    simulator = talk(stage, text, (at_ms, ev.UserTyped("stop")), (at_ms + 600, ev.StopRequested()))
    kept = [fact.text for _, fact in simulator.of(act.Remember) if fact.role == "assistant"]
    stage.exactly("at_the_end_kept", int(not kept or not text.startswith(kept[0]) or len(kept[0].split()) < 6), 0)


def without_word_times(stage: Stage, text: str) -> None:
    """By the share of samples that were played, in whole words, and it says that this is an estimate."""
    at_ms = stage.random.uniform(3000, 16_000)
    events = ((at_ms, ev.UserTyped("stop")), (at_ms + 4000, ev.StopRequested()))
    simulator = talk(stage, text, *events, trouble=TROUBLE.model_copy(update={"markers": False}))
    kept = next(fact for _, fact in simulator.of(act.Remember) if fact.role == "assistant")
    exact = next(f for _, f in talk(stage, text, *events).of(act.Remember) if f.role == "assistant")
    # Where the cut falls between two phrases, or the reply was over, nothing had to be estimated.
    stage.exactly("estimate_taken_for_measured", int(kept.measured and kept.text != exact.text), 0)
    stage.exactly("estimate_never_said", int(not text.startswith(kept.text)), 0)
    stage.at_most("estimate_words_off", abs(len(kept.text.split()) - len(exact.text.split())), ESTIMATE_WORDS_OFF)


def judge(stage: Stage, case: str, simulator: Simulator, text: str) -> None:
    """Compare what was kept with the text, and, where the engine's sound tells its words, with the sound."""
    flushes = [flush for _, flush in simulator.of(act.Flush)]
    kept = next((fact for _, fact in simulator.of(act.Remember) if fact.role == "assistant"), None)
    if kept is None or not flushes:
        stage.exactly(f"{case}_kept_nothing", 1, 0)
        return
    wrong = [] if text.startswith(kept.text) else [f"{case}: kept {kept.text!r}, which was never said"]
    if stage.adapter == TONES:
        wrong += against_the_sound(case, simulator, flushes[0], kept.text, text, phrase_seams(simulator))
    for line in wrong:
        stage.note(line)
    stage.exactly(f"{case}_words_off", len(wrong), 0)


def phrase_seams(simulator: Simulator) -> list[int]:
    """Where phrases end, in samples that the sink played; of the first utterance, which never ran dry."""
    first = next(tick for _, tick in simulator.of(ev.SinkTick) if tick.played_samples)
    base = first.position + first.first_offset - (first.read_index - first.played_samples)
    return [base + s.end_index for _, s in simulator.of(ev.ChunkStitched) if s.eos and s.generation == 0]


def against_the_sound(
    case: str, simulator: Simulator, flush: act.Flush, kept: str, text: str, seams: list[int]
) -> list[str]:
    """What is wrong with what was kept. `seams`: where phrases end, in samples that the sink played."""
    end = played_before(simulator, flush) + frame_samples(simulator.settings.rate_hz)
    heard = tones(simulator.audio()[:end], [seam for seam in seams if seam < end])
    words = len(kept.split())
    if not heard:
        return [f"{case}: {words} words kept, no word sounded"] if words else []
    whole = len(text.split()[len(heard) - 1]) / 15 * simulator.settings.rate_hz
    sounded = heard[-1][1] - heard[-1][0]
    least = len(heard) - (sounded < whole / 2 + HALF_KNOWN_SAMPLES)
    most = len(heard) - (sounded < whole / 2 - HALF_KNOWN_SAMPLES)
    return [] if least <= words <= most else [f"{case}: {words} words kept, {least} to {most} sounded"]


SCENE = Scene("heard-ledger", "the conversation keeps what was heard, wherever it is interrupted", play,
              seeds_most=300)  # fmt: skip
