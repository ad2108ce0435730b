"""How Whisper's model comes into memory, with faults put in its way: the GPU's path is shown here, a GPU is not."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from adapters.base import AdapterError, Transcript
from adapters.registry import Context
from adapters.stt import whisper_model
from adapters.stt.gpu_lock import gpu_lock
from adapters.stt.whisper import WhisperStt
from adapters.stt.whisper_model import FILES, GPU_LOCK
from adapters.weights import Weights, default_cache
from stitcher.pcm import Float32
from timeline.clock import SystemClock, VirtualClock

GPU_FULL = RuntimeError("CUDA failed with error out of memory")
FULL = RuntimeError("mkl_malloc: failed to allocate memory")
SPEECH = np.full(16_000, 0.1, np.float32)


@dataclass
class Libraries:
    """Stand-ins for faster-whisper and CTranslate2: they open what there is room for, and tell what they were asked."""

    faults: dict[tuple[str, str], Exception] = field(default_factory=dict)  # by (model, device)
    gpus: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)
    on_open: Any = lambda: None

    def open(self, folder: str, device: str, **settings: Any) -> SimpleNamespace:
        name = Path(folder).name
        self.asked.append((name, device))
        self.on_open()
        if (name, device) in self.faults:
            raise self.faults[name, device]
        return SimpleNamespace(supported_languages=["en"], name=name, device=device)


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch) -> Libraries:
    made = Libraries()
    pair = (SimpleNamespace(WhisperModel=made.open), SimpleNamespace(get_cuda_device_count=lambda: made.gpus))
    monkeypatch.setattr(whisper_model, "_libraries", lambda: pair)
    return made


@pytest.fixture
def make(tmp_path: Path):
    """A recognizer whose models are folders."""

    def make_one(model: str, *smaller: str, **options: Any) -> WhisperStt:
        for name in (model, *smaller):
            (tmp_path / name).mkdir()
            for file_name in FILES:
                (tmp_path / name / file_name).write_text(name)
        folders = [str(tmp_path / name) for name in smaller]
        settings = WhisperStt.Options(model_path=tmp_path / model, fallback_models=folders, **options)
        return WhisperStt(settings, Context(Weights(tmp_path), VirtualClock(), tmp_path))

    return make_one


def test_what_is_wanted_is_loaded_where_there_is_room(libraries, make):
    assert make("large", "small").model.name == "large"
    assert libraries.asked == [("large", "cpu")]


def test_a_smaller_one_takes_its_place_where_there_is_none(libraries, make):
    libraries.faults = {("large", "cpu"): FULL, ("small", "cpu"): MemoryError()}
    stt = make("large", "small", "tiny")
    assert stt.model.name == "tiny"
    assert libraries.asked == [("large", "cpu"), ("small", "cpu"), ("tiny", "cpu")]
    assert stt.describe().weights_sha256 == whisper_model._digest(stt.options.model_path.parent / "tiny" / "model.bin")


def test_a_full_gpu_gives_way_to_a_smaller_model_and_then_to_the_cpu(libraries, make):
    libraries.gpus = 1
    libraries.faults = {("large", "cuda"): GPU_FULL, ("small", "cuda"): GPU_FULL}
    model = make("large", "small", device="cuda").model
    assert (model.name, model.device) == ("small", "cpu")
    assert libraries.asked == [("large", "cuda"), ("small", "cuda"), ("small", "cpu")]


def test_without_smaller_models_the_cpu_takes_the_same(libraries, make):
    libraries.gpus = 1
    libraries.faults = {("base", "cuda"): GPU_FULL}
    assert make("base", device="auto").model.device == "cpu"


def test_where_nothing_fits_the_line_names_the_settings(libraries, make):
    libraries.faults = {("large", "cpu"): FULL}
    with pytest.raises(
        AdapterError, match=r"mkl_malloc.*stt\.whisper\.fallback_models.*stt\.whisper\.device"
    ) as caught:
        make("large").warm_up()
    assert (caught.value.kind, caught.value.retryable) == ("refused", True)


def test_another_fault_is_told_and_hides_behind_no_smaller_model(libraries, make):
    libraries.faults = {("large", "cpu"): RuntimeError("unexpected end of file")}
    with pytest.raises(AdapterError, match="holds no Whisper model") as caught:
        make("large", "small").warm_up()
    assert caught.value.kind == "corrupt" and len(libraries.asked) == 1


def test_a_gpu_that_fails_otherwise_names_the_device(libraries, make):
    libraries.gpus = 1
    libraries.faults = {("base", "cuda"): RuntimeError("libcublas.so.12 is not found")}
    with pytest.raises(AdapterError, match=r"stt\.whisper\.device is cuda, which fails \(libcublas"):
        make("base", device="cuda").warm_up()


def test_a_gpu_that_is_asked_for_must_be_there_and_auto_does_without(libraries, make):
    with pytest.raises(AdapterError, match=r"stt\.whisper\.device is cuda"):
        make("large", device="cuda").warm_up()
    assert make("small", device="auto").model.device == "cpu"


def test_a_fallback_that_is_not_there_is_told_before_it_is_needed(libraries, make, tmp_path):
    stt = make("large", "small")
    (tmp_path / "small" / "model.bin").unlink()
    with pytest.raises(AdapterError, match=r"small has no model\.bin"):
        stt.warm_up()
    assert not libraries.asked


def test_only_what_goes_onto_a_gpu_waits_for_the_lock(libraries, make, tmp_path):
    fcntl = pytest.importorskip("fcntl")
    free: list[bool] = []

    def look() -> None:
        with (tmp_path / GPU_LOCK).open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                free.append(False)
            else:
                free.append(True)

    libraries.gpus, libraries.on_open = 1, look
    libraries.faults = {("base", "cuda"): GPU_FULL}
    assert make("base", device="cuda").model.device == "cpu"
    assert free == [False, True]


def test_a_lock_ends_with_the_process_that_holds_it(tmp_path):
    pytest.importorskip("fcntl")
    path = tmp_path / "deep" / GPU_LOCK
    code = "import sys, os; from pathlib import Path; from adapters.stt.gpu_lock import gpu_lock\n"
    code += "with gpu_lock(Path(sys.argv[1])): os.abort()"
    assert subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True).returncode < 0
    with gpu_lock(path):
        assert path.exists()


# -- memory that runs out at work ---------------------------------------------------------


class Decoder:
    """Hears its model's name, if that has room to work."""

    def __init__(self, model: Any, full: dict[str, Exception]) -> None:
        self.model, self._full = model, full

    def transcript(self, pcm: Float32, provisional: bool, expected: str = "") -> Transcript:
        if self.model.name in self._full:
            raise self._full[self.model.name]
        return Transcript(self.model.name)


def at_work(stt: WhisperStt, **full: Exception) -> WhisperStt:
    stt._resident._load = lambda: Decoder(stt._loader.load(), full)
    return stt


def test_memory_that_runs_out_at_work_steps_down_and_the_utterance_is_heard(libraries, make):
    stt = at_work(make("large", "small", "tiny"), large=FULL, small=MemoryError())
    assert [stt.transcribe(SPEECH, False).text for _ in range(2)] == ["tiny", "tiny"]
    assert libraries.asked == [("large", "cpu"), ("small", "cpu"), ("tiny", "cpu")]
    assert "no room for large on cpu and hears with tiny on cpu" in stt.transcribe(SPEECH, False).notice


def test_what_is_wanted_needs_no_notice(libraries, make):
    assert at_work(make("large", "small")).transcribe(SPEECH, False).notice == ""


def test_where_no_smaller_one_is_left_it_is_a_fault_that_may_pass(libraries, make):
    full: dict[str, Exception] = {"base": FULL}
    stt = at_work(make("base"), **full)
    with pytest.raises(AdapterError, match="mkl_malloc") as caught:
        stt.transcribe(SPEECH, False)
    assert (caught.value.kind, caught.value.retryable) == ("crashed", True)


def test_a_bug_in_the_engine_loads_nothing_anew(libraries, make):
    stt = at_work(make("large", "small"), large=RuntimeError("index out of range"))
    with pytest.raises(AdapterError, match="index out of range"):
        stt.transcribe(SPEECH, False)
    assert libraries.asked == [("large", "cpu")]


# -- with the real library ----------------------------------------------------------------


@pytest.mark.engines
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="limits of memory are Linux's")
def test_a_real_model_without_room_is_refused_in_one_line():
    """In a process of its own, which is given 40 MB more than it has: the model takes 145."""
    pytest.importorskip("faster_whisper")
    context = Context(Weights(default_cache()), SystemClock(), default_cache())
    try:
        folder = context.weights.locate("whisper-base")
    except AdapterError as error:
        pytest.skip(error.detail)
    done = subprocess.run(
        [sys.executable, "-c", STARVED, str(folder), str(context.cache)], capture_output=True, text=True
    )
    assert done.stdout.startswith("refused True stt.whisper finds no room for its model"), done.stdout + done.stderr


STARVED = """
import resource, sys
from pathlib import Path
from types import SimpleNamespace
import faster_whisper
from adapters.base import AdapterError
from adapters.stt.whisper import WhisperStt
from timeline.clock import SystemClock

context = SimpleNamespace(clock=SystemClock(), cache=Path(sys.argv[2]))
stt = WhisperStt(WhisperStt.Options(model_path=sys.argv[1]), context)
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 40_000_000, resource.RLIM_INFINITY))
try:
    stt.warm_up()
except AdapterError as fault:
    print(fault.kind, fault.retryable, fault.detail)
"""
