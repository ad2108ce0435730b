"""Engines in a process of their own: they sound the same, and whatever becomes of the process is a fault at once.

Where a test must know how far the other process is, both meet at a FIFO; none waits for a time to pass, but those that
show what a time limit does.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters import child, host, remote
from adapters.base import AdapterError, AudioChunk, Span
from adapters.host import Recipe
from adapters.host_tts import HostedTts
from adapters.hosted_tts import SYNTHESES_MOST
from adapters.registry import Context, create
from adapters.tests.rogue import MUCH_SAMPLES
from adapters.tts.tests import make
from adapters.voice import Voice, named
from adapters.weights import Weights
from timeline.clock import VirtualClock

TEXT = "Hello there, this is a test of 123 words."
PATIENCE_S = 60  # of a test, for what comes at once: reached only where it fails
ROGUE = "adapters.tests.rogue:RogueTts"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(Weights(tmp_path), VirtualClock(), tmp_path)


@pytest.fixture
def rogue(context: Context) -> Iterator[Callable[..., HostedTts]]:
    """Makes hosts of the engine that misbehaves; all are closed in the end."""
    made: list[HostedTts] = []

    def make_one(python: str = "", target: str = ROGUE, **options: Any) -> HostedTts:
        made.append(HostedTts(Recipe("tts.rogue", target, options, context, python)))
        return made[-1]

    yield make_one
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def tame(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedTts]:
    """One host for all tests that leave its process alive; each of them shows that it is."""
    folder = tmp_path_factory.mktemp("tame")
    tts = HostedTts(Recipe("tts.rogue", ROGUE, {}, Context(Weights(folder), VirtualClock(), folder)))
    process = tts._remote
    yield tts
    assert tts._remote is process and process.fault is None
    tts.close()


@pytest.fixture(scope="module")
def hosted_null(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedTts]:
    tts = make("null", tmp_path_factory.mktemp("null"), isolation="process")
    yield tts
    tts.close()


@pytest.fixture
def few_restarts(monkeypatch: pytest.MonkeyPatch) -> int:
    """More than one, and no more of them than needed: each costs a start."""
    monkeypatch.setattr(host, "RESTARTS_MOST", 2)
    return 2


@pytest.fixture
def fifo(tmp_path: Path) -> Callable[[str], Path]:
    def make_one(name: str) -> Path:
        os.mkfifo(tmp_path / name)
        return tmp_path / name

    return make_one


class Gate:
    """Where another process waits until it is let go."""

    def __init__(self, folder: Path, begun: Path, release: Path) -> None:
        self.order = f"wait {folder}"
        self.begun, self._release = begun, release

    def let_go(self) -> None:
        with self._release.open("w"):
            pass

    def pass_one(self) -> None:
        with self.begun.open():
            self.let_go()


@pytest.fixture
def gate(tmp_path: Path, fifo: Callable[[str], Path]) -> Gate:
    return Gate(tmp_path, fifo("begun"), fifo("release"))


def span(text: str = TEXT, seed: int = 3) -> Span:
    return Span(text, Voice(), seed)


def spoken(tts: Any, text: str = TEXT, seed: int = 3) -> list[AudioChunk]:
    synthesis = tts.open(span(text, seed))
    chunks = [synthesis.pull(8, True)]
    while not chunks[-1].eos:
        chunks.append(synthesis.pull(12, False))
    return chunks


def heard(chunks: list[AudioChunk]) -> tuple[bytes, list[Any]]:
    """All that a chunk holds."""
    facts = [(chunk.units, chunk.pcm.dtype, chunk.pcm.size, chunk.markers, chunk.eos) for chunk in chunks]
    return b"".join(chunk.pcm.tobytes() for chunk in chunks), facts


def fault_of(call: Callable[[], Any]) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        call()
    assert "\n" not in caught.value.detail and caught.value.detail.isprintable()
    return caught.value


def about(tts: HostedTts) -> Any:
    """What the engine that misbehaves tells of its process."""
    return tts.project(Voice()).knobs


def killed(tts: HostedTts) -> None:
    """Its process dies, and our side has seen it."""
    pid, process = about(tts)["pid"], tts._remote
    os.kill(pid, signal.SIGKILL)
    assert process.join(PATIENCE_S)


class Pulling(threading.Thread):
    """Pulls once, elsewhere."""

    def __init__(self, synthesis: Any) -> None:
        super().__init__(daemon=True)
        self._synthesis = synthesis
        self.chunk: AudioChunk | None = None
        self.fault: AdapterError | None = None
        self.start()

    def run(self) -> None:
        try:
            self.chunk = self._synthesis.pull(8, True)
        except AdapterError as fault:
            self.fault = fault

    def done(self) -> Pulling:
        self.join(PATIENCE_S)
        assert not self.is_alive(), "the pull has not returned"
        return self


def assert_ends(reader: int) -> None:
    """Whoever held the other end of the FIFO is gone."""
    assert select.select([reader], [], [], PATIENCE_S)[0], "it lives on"
    assert os.read(reader, 1) == b""


# -- the same as without ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["null", "espeak"])
def test_the_audio_and_the_marks_are_those_of_the_engine_in_our_process(name, tmp_path):
    ours, theirs = make(name, tmp_path), make(name, tmp_path, isolation="process")
    assert heard(spoken(theirs)) == heard(spoken(ours))
    assert theirs.open(span()).units == ours.open(span()).units
    voice = named(name, "", pace=1.3)
    assert theirs.project(voice) == ours.project(voice)
    told = theirs.describe()
    assert (told.isolation, ours.describe().isolation) == ("process", "thread")
    theirs.close()


@pytest.mark.parametrize(
    "options", [{"call_ms": -1}, {"call_sm": 1}, {"isolatoin": "process"}, {"isolation": "planet"}, {"fail_at": "x"}]
)
def test_a_wrong_option_is_refused_in_the_same_words(options, context):
    here = fault_of(lambda: create("tts", "null", options, context))
    there = fault_of(lambda: create("tts", "null", {"isolation": "process", **options}, context))
    assert (there.kind, there.detail) == (here.kind, here.detail)
    assert "tts.null." in here.detail and next(iter(options)) in here.detail


def test_an_unknown_voice_is_refused_in_the_same_words(hosted_null, tmp_path):
    stranger = Span("Hi.", named("null", "nobody"), 1)
    here = fault_of(lambda: make("null", tmp_path).open(stranger))
    there = fault_of(lambda: hosted_null.open(stranger))
    assert (there.kind, there.detail, there.retryable) == (here.kind, here.detail, here.retryable)


def test_two_hosts_at_once_do_not_mix(tmp_path):
    alone = {seed: heard(spoken(make("null", tmp_path), seed=seed)) for seed in (1, 2)}
    hosts = {seed: make("null", tmp_path, isolation="process") for seed in (1, 2)}
    syntheses = {seed: hosts[seed].open(span(seed=seed)) for seed in (1, 2)}
    first = {seed: syntheses[seed].pull(8, True) for seed in (1, 2)}
    hosts[1].close()
    assert heard(spoken(hosts[2], seed=2)) == alone[2]
    for seed in (1, 2):
        assert alone[seed][0].startswith(first[seed].pcm.tobytes())
    hosts[2].close()


def test_two_threads_at_one_host_each_get_their_own(hosted_null, tmp_path):
    """A worker that was given up may still be inside."""
    ours, theirs = make("null", tmp_path), hosted_null
    results: dict[int, Any] = {}

    def speak(seed: int) -> None:
        results[seed] = [heard(spoken(theirs, seed=seed)) for _ in range(5)]

    threads = [threading.Thread(target=speak, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert results == {seed: [heard(spoken(ours, seed=seed))] * 5 for seed in (1, 2)}


def test_a_chunk_larger_than_the_slot_arrives_whole_and_one_beyond_reason_does_not(tame):
    np.testing.assert_array_equal(tame.open(span("much")).pull(8, True).pcm, np.arange(MUCH_SAMPLES, dtype=np.float32))
    assert fault_of(lambda: tame.open(span("too much")).pull(8, True)).kind == "garbage"
    assert heard(spoken(tame, "Hi.")) == heard(spoken(make("null", Path()), "Hi."))


# -- the other interpreter ----------------------------------------------------------------


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An environment that has numpy and pydantic, and nothing else."""
    home = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    packages = next(home.glob("lib/python*/site-packages"))
    needed = "numpy numpy.libs pydantic pydantic_core annotated_types typing_inspection"
    for name in needed.split():
        for folder in sys.path:
            if (found := Path(folder, name)).is_dir():
                (packages / name).symlink_to(found)
                break
    import typing_extensions

    (packages / "typing_extensions.py").symlink_to(typing_extensions.__file__)
    return str(home / "bin" / "python")


def test_another_interpreter_needs_numpy_and_pydantic_only_and_gets_our_packages_only(rogue, bare_python, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/somewhere/of/ours")
    tts = rogue(bare_python)
    told = about(tts)
    assert Path(told["executable"]) == Path(bare_python)
    packages = {name for name in told["modules"] if not name.startswith(("_", "numpy", "pydantic", "mypyc"))}
    assert packages <= {"adapters", "stitcher", "timeline", "annotated_types", "typing_extensions", "typing_inspection"}
    roots = {str(Path(host.__file__).parents[1]), str(Path(host.__file__).parent), "/somewhere/of/ours"}
    assert not roots & set(told["path"])
    assert heard(spoken(tts)) == heard(spoken(make("null", Path())))


def test_an_interpreter_that_is_not_there_is_named_with_its_setting(context):
    options = {"isolation": "process", "python": "/nowhere/python"}
    fault = fault_of(lambda: create("tts", "null", options, context))
    assert fault.kind == "missing" and not fault.retryable
    assert "tts.null.python is /nowhere/python" in fault.detail and "numpy and pydantic" in fault.detail


def test_an_interpreter_that_cannot_begin_says_why_in_its_own_words(rogue, tmp_path):
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho ModuleNotFoundError: No module named numpy >&2\nexit 3\n")
    script.chmod(0o755)
    fault = fault_of(lambda: rogue(str(script)))
    assert fault.kind == "missing"
    assert "exit status 3: ModuleNotFoundError: No module named numpy" in fault.detail
    assert f"tts.rogue.python is {script}" in fault.detail


def test_a_python_without_a_process_is_a_mistake(context):
    fault = fault_of(lambda: create("tts", "null", {"python": sys.executable}, context))
    assert 'tts.null.python needs tts.null.isolation = "process"' in fault.detail


def test_isolation_is_for_voices_and_recognizers_only(context):
    fault = fault_of(lambda: create("ears", "energy", {"isolation": "process"}, context))
    assert "ears.energy.isolation" in fault.detail


def test_an_unknown_adapter_and_one_whose_package_is_not_there_are_missing(context, rogue):
    assert "did you mean null?" in fault_of(lambda: create("tts", "nul", {"isolation": "process"}, context)).detail
    fault = fault_of(lambda: rogue(target="package_that_nobody_has.voice:Voice"))
    assert fault.kind == "missing" and "package_that_nobody_has" in fault.detail


def test_another_version_of_the_wire_is_refused_in_one_line(rogue, monkeypatch):
    monkeypatch.setattr(remote, "VERSION", remote.VERSION + 1)
    fault = fault_of(rogue)
    assert fault.kind == "unsupported" and "version" in fault.detail and "reinstall" in fault.detail


# -- dying, hanging, misbehaving ----------------------------------------------------------


@pytest.mark.parametrize(("text", "how"), [("die", "SIGKILL"), ("exit", "exit status 1")])
def test_a_process_that_dies_in_a_pull_is_a_fault_and_the_next_span_gets_another(rogue, text, how):
    tts = rogue()
    before = about(tts)["pid"]
    other, synthesis = tts.open(span()), tts.open(span(text))
    fault = fault_of(lambda: synthesis.pull(8, True))
    assert (fault.kind, fault.retryable) == ("crashed", True)
    assert "tts.rogue" in fault.detail and how in fault.detail
    for lost in (synthesis, other):
        fault = fault_of(lambda lost=lost: lost.pull(8, True))
        assert (fault.kind, fault.retryable) == ("crashed", False) and "lost" in fault.detail
        lost.close()
    assert heard(spoken(tts)) == heard(spoken(make("null", Path())))
    assert about(tts)["pid"] != before


def test_a_process_that_is_killed_in_a_pull_is_a_fault_at_once(rogue, gate):
    tts = rogue()
    pid = about(tts)["pid"]
    pulling = Pulling(tts.open(span(gate.order)))
    with gate.begun.open():
        os.kill(pid, signal.SIGKILL)
    fault = pulling.done().fault
    assert fault is not None and (fault.kind, fault.retryable) == ("crashed", True)


def test_a_process_that_is_killed_between_pulls_has_lost_its_syntheses(rogue):
    tts = rogue()
    synthesis = tts.open(span())
    synthesis.pull(8, True)
    killed(tts)
    fault = fault_of(lambda: synthesis.pull(8, True))
    assert (fault.kind, fault.retryable) == ("crashed", False) and "lost" in fault.detail
    assert heard(spoken(tts)) == heard(spoken(make("null", Path())))


def test_what_dies_while_it_opens_may_be_asked_again(rogue):
    tts = rogue()
    fault = fault_of(lambda: tts.open(span("open: die")))
    assert (fault.kind, fault.retryable) == ("crashed", True)
    assert spoken(tts)[-1].eos


def test_a_new_process_is_warmed_up_as_the_old_one_was(rogue):
    tts = rogue()
    assert about(tts)["warmed"] == []
    tts.warm_up(Voice(pace=1.5))
    killed(tts)
    assert about(tts)["warmed"] == [1.5]


def test_the_next_process_warms_up_unasked_and_who_asks_meanwhile_waits_for_it(rogue, gate):
    tts = rogue(warm_up=gate.order)
    warming = threading.Thread(target=tts.warm_up)
    warming.start()
    gate.pass_one()
    warming.join(PATIENCE_S)
    lost = tts.open(span())
    killed(tts)
    opened: list[Any] = []
    opening = threading.Thread(target=lambda: opened.append(tts.open(span())))
    with gate.begun.open():  # nobody has asked for anything
        fault = fault_of(lambda: lost.pull(8, True))
        assert "lost" in fault.detail and not fault.retryable
        opening.start()
        assert not opened
        gate.let_go()
    opening.join(PATIENCE_S)
    assert about(tts)["warmed"] == [1.0]
    assert heard([opened[0].pull(8, True)]) == heard([make("null", Path()).open(span()).pull(8, True)])


def test_closing_ends_a_restart_that_is_under_way(rogue, gate):
    tts = rogue(warm_up=gate.order)
    warming = threading.Thread(target=tts.warm_up)
    warming.start()
    gate.pass_one()
    warming.join(PATIENCE_S)
    killed(tts)
    reader = os.open(gate.begun, os.O_RDONLY)
    tts.close()
    assert_ends(reader)
    os.close(reader)
    assert not tts._restarting.is_alive() and "closed" in fault_of(lambda: tts.open(span())).detail


def test_a_new_process_that_cannot_be_warmed_up_is_not_spoken_with(rogue, tmp_path):
    present = tmp_path / "present"
    present.touch()
    tts = rogue(warm_up=f"without {present} bug")
    tts.warm_up()
    present.unlink()
    killed(tts)
    tts._restarting.join(PATIENCE_S)
    assert fault_of(lambda: tts.open(span())).detail == "ZeroDivisionError: one line"
    present.touch()
    assert about(tts)["warmed"] == [1.0]


def test_restarts_that_die_are_bounded_though_nobody_asks_for_them(rogue, few_restarts, tmp_path):
    present = tmp_path / "present"
    present.touch()
    tts = rogue(warm_up=f"without {present} die")
    tts.warm_up()
    present.unlink()
    killed(tts)
    faults = [fault_of(lambda: tts.open(span())) for _ in range(1 + few_restarts)]
    assert (faults[-1].kind, faults[-1].retryable) == ("crashed", False) and "did not help" in faults[-1].detail
    assert tts._restarts == few_restarts


def test_restarts_are_bounded_and_a_warm_up_begins_anew(rogue, few_restarts):
    tts = rogue()
    for _ in range(1 + few_restarts):
        assert fault_of(lambda: tts.open(span("open: die"))).retryable
    fault = fault_of(lambda: tts.open(span()))
    assert (fault.kind, fault.retryable) == ("crashed", False) and "tts.adapter" in fault.detail
    tts.warm_up()
    assert spoken(tts)[-1].eos


def test_a_span_spoken_to_its_end_forgives_the_deaths_before_it(rogue, few_restarts):
    tts = rogue()
    for _ in range(few_restarts + 1):
        killed(tts)
        assert spoken(tts)[-1].eos


def test_a_warm_up_that_kills_is_a_fault_and_so_is_the_next(rogue):
    tts = rogue(warm_up="die")
    for _ in range(2):
        assert fault_of(tts.warm_up).kind == "crashed"


@pytest.mark.parametrize("text", ["hang", "hang with the lock"])
def test_a_call_beyond_its_limit_ends_the_process(rogue, text):
    tts = rogue(timeout_ms=100)
    before = about(tts)["pid"]
    synthesis = tts.open(span(text))
    tts.warm_up()  # from now on calls are limited
    process = tts._remote
    fault = fault_of(lambda: synthesis.pull(8, True))
    assert (fault.kind, fault.retryable) == ("stalled", True)
    assert "no answer to pull within 0.1 s" in fault.detail
    assert process.join(PATIENCE_S)
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)


@pytest.mark.parametrize("text", ["hang", "hang with the lock"])
def test_a_host_is_closed_although_its_engine_hangs(rogue, text):
    tts = rogue()
    pid = about(tts)["pid"]
    pulling = Pulling(tts.open(span(text)))
    tts.close()
    pulling.done()
    assert pulling.fault is not None and "closed" in pulling.fault.detail
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_closing_a_synthesis_returns_at_once_and_nothing_of_it_comes_after(rogue, gate):
    tts = rogue()
    old = tts.open(span(gate.order, seed=1))
    pulling = Pulling(old)
    with gate.begun.open():  # the engine is in the pull, and stays there
        old.close()
        assert pulling.done().chunk is not None
        assert (pulling.chunk.pcm.size, pulling.chunk.eos) == (0, True)
    new: list[Any] = []
    speaking = threading.Thread(target=lambda: new.append(heard(spoken(tts, seed=2))))
    speaking.start()
    gate.let_go()
    speaking.join(PATIENCE_S)
    assert new == [heard(spoken(make("null", Path()), seed=2))]
    after = old.pull(8, True)
    assert (after.pcm.size, after.units, after.eos) == (0, 0, True)


def test_what_an_engine_prints_disturbs_nobody(tame, capfd):
    chunk = tame.open(span("noise")).pull(8, True)
    assert heard([chunk]) == heard([make("null", Path()).open(span("noise")).pull(8, True)])
    assert spoken(tame)[-1].eos
    assert capfd.readouterr() == ("", "")


def test_its_last_words_are_quoted_on_one_bounded_line(rogue):
    fault = fault_of(lambda: rogue().open(span("open: last words")))
    assert "exit status 7: it broke," in fault.detail
    assert len(fault.detail) < 2 * child.QUOTED_CHARS_MOST


def test_an_engines_bug_is_a_fault_and_its_process_goes_on(tame):
    before = about(tame)["pid"]
    fault = fault_of(lambda: tame.open(span("bug")).pull(8, True))
    assert (fault.kind, fault.detail, fault.retryable) == ("crashed", "ZeroDivisionError: one line", True)
    assert about(tame)["pid"] == before


def test_an_answer_that_cannot_be_sent_is_a_fault_and_its_process_goes_on(tame):
    before = about(tame)["pid"]
    assert fault_of(lambda: tame.project(Voice(name="unspeakable"))).kind == "garbage"
    assert about(tame)["pid"] == before


def test_syntheses_that_nobody_closes_are_bounded(rogue):
    tts = rogue()
    opened = [tts.open(span()) for _ in range(SYNTHESES_MOST)]
    assert fault_of(lambda: tts.open(span())).kind == "refused"
    opened[0].close()
    assert spoken(tts)[-1].eos


def test_a_text_too_long_for_the_wire_is_refused_and_the_next_is_spoken(tame):
    assert fault_of(lambda: tame.open(span("a" * (1 << 20)))).kind == "unsupported"
    assert spoken(tame)[-1].eos


# -- the network --------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def test_an_engine_that_declares_no_host_is_kept_from_the_network(tame, server, tmp_path):
    port = server.getsockname()[1]
    for order, host_name in ((f"connect {port}", "127.0.0.1"), (f"send {port}", "127.0.0.1"), ("resolve a.b", "a.b")):
        fault = fault_of(lambda order=order: tame.open(span(order)).pull(8, True))
        assert (fault.kind, fault.retryable) == ("refused", False)
        assert f"tts.rogue wants to talk to {host_name}" in fault.detail and "egress" in fault.detail
    with pytest.raises(BlockingIOError):
        server.accept()
    with socket.socket(socket.AF_UNIX) as here:
        here.bind(str(tmp_path / "here"))
        here.listen()
        assert tame.open(span(f"knock {tmp_path / 'here'}")).pull(8, True).pcm.size


def test_an_engine_that_declares_one_is_not(rogue, server):
    tts = rogue(egress=("127.0.0.1",))
    assert tts.open(span(f"connect {server.getsockname()[1]}")).pull(8, True).pcm.size
    server.accept()[0].close()


# -- the end ------------------------------------------------------------------------------


def held() -> set[object]:
    """Threads that run, and what open descriptors lead to; others may end what they hold in the meantime."""
    gc.collect()
    links = list(Path("/dev/fd").iterdir())  # that of the listing itself is gone by now
    return {*threading.enumerate(), *(link.readlink() for link in links if link.is_symlink())}


def test_closing_leaves_nothing_behind_and_may_be_done_twice(rogue):
    rogue().close()  # what is opened once for all
    before = held()
    tts = rogue()
    pid = about(tts)["pid"]
    spoken(tts)
    assert held() - before
    for _ in range(2):
        tts.close()
    assert "closed" in fault_of(lambda: tts.open(span())).detail
    assert not held() - before
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_host_that_is_forgotten_ends_its_process(context):
    tts = HostedTts(Recipe("tts.rogue", ROGUE, {}, context))
    process = tts._remote
    del tts
    gc.collect()
    assert process.join(PATIENCE_S)


def test_a_process_is_beyond_the_reach_of_the_terminal(tame):
    told = about(tame)
    assert told["session"] == told["pid"] != os.getsid(0)


@pytest.mark.parametrize("then", ["nothing", "hang", "die", "exit"])
def test_what_the_engine_started_ends_with_it(rogue, fifo, then):
    path = fifo("held")
    tts = rogue()
    pulling = Pulling(tts.open(span(f"helper {path} {then}")))
    reader = os.open(path, os.O_RDONLY)
    if then == "nothing":
        pulling.done()
    if then in ("nothing", "hang"):
        tts.close()
    pulling.done()
    assert_ends(reader)
    os.close(reader)


PARENT = """
import signal, sys
from pathlib import Path
from adapters.base import Span
from adapters.host import Recipe
from adapters.host_tts import HostedTts
from adapters.registry import Context
from adapters.voice import Voice
from adapters.weights import Weights
from timeline.clock import SystemClock

folder = Path(sys.argv[1])
context = Context(Weights(folder), SystemClock(), folder)
options = {"timeout_ms": int(sys.argv[3])}
tts = HostedTts(Recipe("tts.rogue", "adapters.tests.rogue:RogueTts", options, context))
synthesis = tts.open(Span(sys.argv[2], Voice(), 1))
tts.warm_up()
synthesis.pull(8, True)
signal.pause()
"""


ORDERS = {"hold {} nothing": 1_000_000, "helper {} nothing": 1_000_000, "hold {} hang": 1_000_000,
          "hold {} hang with the lock": 100}  # fmt: skip
"""What the engine is at when we are killed, and its timeout in ms."""


def test_it_ends_when_we_are_killed(fifo):
    """An engine that holds the interpreter's lock cannot hear of it, and ends when its call should have. Side by side,
    for each takes seconds."""
    with ThreadPoolExecutor() as threads:
        ends = [
            threads.submit(ends_with_its_parent, fifo(f"held{number}"), order, timeout_ms)
            for number, (order, timeout_ms) in enumerate(ORDERS.items())
        ]
        for end in ends:
            end.result()


def ends_with_its_parent(path: Path, order: str, timeout_ms: int) -> None:
    root = Path(host.__file__).parents[1]
    arguments = [str(path.parent), order.format(path), str(timeout_ms)]
    parent = subprocess.Popen([sys.executable, "-c", PARENT, *arguments], cwd=root)
    reader = os.open(path, os.O_RDONLY)
    parent.kill()
    parent.wait(PATIENCE_S)
    assert_ends(reader)
    os.close(reader)
