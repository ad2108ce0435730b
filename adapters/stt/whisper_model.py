"""Whisper's model: where it lies, and how it comes into memory, or a smaller one where there is no room for it.

    model on device -> each of fallback_models there -> the CPU: the fallback models, or the model where there is none

Rules. One that does not fit gives way to the next; any other fault is told as it is. All that might be needed must be
there from the beginning. Nothing is fetched: a folder without its files is an error before the loader could look for
them elsewhere.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from adapters.base import AdapterError
from adapters.stt.arithmetic import ComputeType, Plan, exact_int8, plan, threads
from adapters.stt.gpu_lock import gpu_lock
from adapters.stt.memory import out_of_memory

if TYPE_CHECKING:
    from adapters.registry import Context

FILES = ("model.bin", "config.json", "tokenizer.json")
GPU_LOCK = "gpu.lock"  # in the cache
ROOM = "set stt.whisper.fallback_models to a smaller one, or stt.whisper.device to cpu"


class ModelOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model: str = "whisper-base"  # name in the catalogue of weights
    model_path: Path | None = None  # instead of `model`: a folder converted to CTranslate2
    fallback_models: list[str] = []  # smaller ones, for where memory runs out: names in the catalogue, or folders
    device: Literal["cpu", "cuda", "auto"] = "cpu"  # auto: cuda where there is one
    language: str = "en"
    threads: int = Field(default=0, ge=0, le=64)  # 0: one for int8, two for float32
    compute_type: ComputeType | Literal["auto"] = "auto"  # auto: int8, put so that the processor adds it right


@dataclass(frozen=True, slots=True)
class Candidate:
    folder: Path
    device: str

    @property
    def label(self) -> str:
        return f"{self.folder.name} on {self.device}"


class WhisperLoader:
    def __init__(self, options: ModelOptions, context: Context) -> None:
        self._options = options
        self._context = context
        self._digests: dict[Path, str] = {}
        self._first = 0  # of the candidates; those before it have run out of memory at work
        self.loaded: Candidate | None = None  # the last that was
        self.notice = ""  # where that is not what was wanted

    @property
    def sha256(self) -> str:
        """Of the weights that were loaded; empty: none yet."""
        return self._digests[self.loaded.folder] if self.loaded else ""

    def load(self) -> Any:
        """faster-whisper's WhisperModel. Raises AdapterError."""
        _libraries()
        candidates = self._candidates()
        self._first = min(self._first, len(candidates) - 1)
        for candidate in candidates[self._first :]:
            try:
                model = self._checked(self._open(candidate))
            except Exception as error:  # tokenizers raises plain Exception
                if not out_of_memory(error):
                    raise self._fault(candidate, error) from error
                refused = error
                continue
            self.loaded, self.notice = (
                candidate,
                "" if candidate == candidates[0] else _instead(candidates[0], candidate),
            )
            return model
        raise AdapterError("refused", f"stt.whisper finds no room for its model ({refused}); {ROOM}", retryable=True)

    def step_down(self) -> bool:
        """What is loaded has run out of memory at work: load the next from now on. False: there is none."""
        candidates = self._candidates()
        self._first = candidates.index(self.loaded) + 1 if self.loaded in candidates else self._first
        return self._first < len(candidates)

    def _candidates(self) -> list[Candidate]:
        """From what is wanted to what is possible; each once."""
        options = self._options
        wanted, *smaller = (
            self._folder(name) for name in (options.model_path or options.model, *options.fallback_models)
        )
        device = self._device()
        there = [Candidate(folder, device) for folder in (wanted, *smaller)]
        return list(dict.fromkeys([*there, *(Candidate(folder, "cpu") for folder in smaller or [wanted])]))

    def _device(self) -> str:
        if self._options.device == "cpu":
            return "cpu"
        if _libraries()[1].get_cuda_device_count():
            return "cuda"
        if self._options.device == "auto":
            return "cpu"
        raise AdapterError("unsupported", "stt.whisper.device is cuda, and none is found here: set it to cpu")

    def _open(self, candidate: Candidate) -> Any:
        make = _libraries()[0].WhisperModel
        folder, numbers, by = self._plan(candidate)
        settings = {"compute_type": numbers, "cpu_threads": by, "local_files_only": True}
        if candidate.device == "cpu":
            return make(str(folder), device="cpu", **settings)
        with gpu_lock(self._context.cache / GPU_LOCK):
            return make(str(folder), device=candidate.device, **settings)

    def _plan(self, candidate: Candidate) -> Plan:
        """What the options leave open."""
        options, folder = self._options, candidate.folder
        if options.compute_type != "auto":
            found = Plan(folder, options.compute_type, threads(options.compute_type))
        else:
            exact = candidate.device != "cpu" or exact_int8()
            found = plan(folder, self._digests[folder], self._context.cache, exact)
        return found._replace(threads=options.threads or found.threads)

    def _checked(self, model: Any) -> Any:
        language = self._options.language
        if language not in model.supported_languages:
            known = ", ".join(model.supported_languages)
            raise AdapterError("unsupported", f"stt.whisper.language is {language!r}; this model knows {known}")
        return model

    def _fault(self, candidate: Candidate, error: Exception) -> AdapterError:
        if isinstance(error, AdapterError):
            return error
        if candidate.device != "cpu":
            return AdapterError("unsupported", f"stt.whisper.device is cuda, which fails ({error}): set it to cpu")
        cure = "fetch it again or set stt.whisper.model_path"
        return AdapterError("corrupt", f"{candidate.folder} holds no Whisper model ({error}); {cure}")

    def _folder(self, name: str | Path) -> Path:
        """Where a model lies, all of it; its digest is taken on the way, once."""
        listed = isinstance(name, str) and not Path(name).is_absolute()
        folder = self._context.weights.locate(str(name)) if listed else Path(name)
        if folder not in self._digests:
            for file_name in FILES:
                if not (folder / file_name).is_file():
                    line = f"{folder} has no {file_name}; set stt.whisper.model_path to a CTranslate2 Whisper folder"
                    raise AdapterError("missing", line)
            self._digests[folder] = self._context.weights.sha256(str(name)) if listed else _digest(folder / FILES[0])
        return folder


def _instead(wanted: Candidate, loaded: Candidate) -> str:
    return f"stt.whisper has no room for {wanted.label} and hears with {loaded.label}: free memory, start again"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _libraries() -> tuple[Any, Any]:
    """faster-whisper, and CTranslate2 below it."""
    try:
        import ctranslate2
        import faster_whisper
    except ImportError as error:
        line = "stt.whisper needs faster-whisper: pip install 'duckbill[whisper]'"
        raise AdapterError("missing", line) from error
    return faster_whisper, ctranslate2
