"""Configuration: a TOML file, then the environment, then flags; each overrides the one before.

    [tts]                      DUCKBILL_TTS__ADAPTER=espeak       --adapter espeak
    adapter = "piper"
    [tts.piper]                options of one adapter, checked by that adapter
    threads = 2

An unknown key is an error that names the nearest known one. Secrets are never here: `llm.openai.api_key_env` names the
environment variable that holds one.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from adapters import personas
from adapters.voice import PACE_MAX, PACE_MIN, PLAIN, Voice
from orchestrator.phrase import PHRASE_CHARS_MOST
from orchestrator.settings import ListenSettings, SourceSettings
from stitcher.dither import DITHER_LEAST_DBFS, DITHER_MOST_DBFS
from stitcher.pcm import BUS_RATE_HZ

ENV_PREFIX = "DUCKBILL_"
ROLES = ("tts", "stt", "ears", "echo", "llm", "task")

TASK = "task"  # the name of the task source, which is its section here
_TASK = SourceSettings(TASK)


class ConfigError(ValueError):
    """One line for the person: the setting and the cure."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)  # a device may be a number


class Audio(_Section):
    microphone: str = Field("", description="device name or number, or a WAV file; empty: the default device")
    speaker: str = Field("", description="device name or number, or a WAV file; empty: the default device")
    rate_hz: int = Field(BUS_RATE_HZ, ge=8000, le=48000, multiple_of=50, description="of the stitched stream")
    block_ms: int = Field(20, ge=5, le=100, description="what a device asks for at once")
    dither_dbfs: float | None = Field(
        None,
        ge=DITHER_LEAST_DBFS,
        le=DITHER_MOST_DBFS,
        description="level of pauses inside speech; none: digital black",
    )


class _Role(_Section):
    options: dict[str, dict[str, Any]] = Field({}, description="by adapter name; in TOML the table [ROLE.NAME]")


def _persona(asked: Any) -> Voice:
    """A persona by its name or file; what is a voice already stays one."""
    if isinstance(asked, Voice):
        return asked
    try:
        return personas.load(str(asked)) if asked != "" else PLAIN
    except personas.PersonaError as error:
        raise PydanticCustomError("persona", "{line}", {"line": str(error)}) from error


def _names(asked: Any) -> Any:
    """A list of names, or one of them, or several between commas."""
    return [name.strip() for name in asked.split(",") if name.strip()] if isinstance(asked, str) else asked


class TtsConfig(_Role):
    adapter: str = "piper"
    fallback: Annotated[tuple[str, ...], BeforeValidator(_names)] = Field(
        (), description="adapters that take over where it fails, in this order"
    )
    persona: Annotated[Voice, BeforeValidator(_persona)] = Field(
        PLAIN, description="a name that duckbill voices lists, or a JSON file; empty: a plain voice"
    )
    voice: str = Field("", description="a name the engine knows; empty: the persona's, else its default")
    pace: float = Field(1.0, ge=PACE_MIN, le=PACE_MAX, description="where it is set it wins over the persona's")
    seed: int = Field(0, ge=0, le=2**31 - 1)

    @property
    def asked(self) -> Voice:
        """What is asked of the engine: the persona, and over it what is set beside it."""
        voice = self.persona
        if self.voice:
            cast = {**voice.timbre.names, self.adapter: self.voice}
            voice = dataclasses.replace(voice, timbre=dataclasses.replace(voice.timbre, names=cast))
        return dataclasses.replace(voice, pace=self.pace) if "pace" in self.model_fields_set else voice


class SttConfig(_Role):
    adapter: str = "whisper"


class EarsConfig(_Role):
    adapter: str = Field("silero", description="the voice activity detector")
    turn: str = Field("smart_turn", description="the model that tells whether a turn is over; none: plain silence")
    wake: str = Field("", description="answer only after this word: hey_jarvis, okay_nabu, alexa, hey_mycroft")


class EchoConfig(_Role):
    adapter: str = Field("auto", description="auto: webrtc, else linear, and nothing where there are no two devices")


class LlmConfig(_Role):
    adapter: str = Field("auto", description="auto: an endpoint on this machine if one answers, else embedded")


class TaskConfig(_Role):
    """The second reply source; what its settings mean is said in SourceSettings."""

    adapter: str = Field("", description="as llm.adapter, but for auto; empty: there is none")
    address: str = _TASK.address
    priority: int = Field(_TASK.priority, ge=-100, le=100)
    patience_ms: int = Field(_TASK.patience_ms, ge=1000)
    work_ms: int = Field(_TASK.work_ms, ge=1000)
    shorten_after_ms: int = Field(_TASK.shorten_after_ms, ge=0)
    hand_over: str = Field(_TASK.hand_over, max_length=PHRASE_CHARS_MOST)
    offer: str = Field(_TASK.offer, max_length=PHRASE_CHARS_MOST)

    @property
    def source(self) -> SourceSettings:
        """As the core takes it."""
        return SourceSettings(TASK, **self.model_dump(exclude={"adapter", "options"}))


class Config(_Section):
    cache: str = Field("", description="folder for weights; empty: the user's cache")
    artifacts: str = Field("artifacts", description="folder for what runs leave; empty: leave nothing")
    audio: Audio = Audio()
    listen: ListenSettings = ListenSettings()
    tts: TtsConfig = TtsConfig()
    stt: SttConfig = SttConfig()
    ears: EarsConfig = EarsConfig()
    echo: EchoConfig = EchoConfig()
    llm: LlmConfig = LlmConfig()
    task: TaskConfig = TaskConfig()
    weights: dict[str, str] = Field({}, description="paths of weights that you have already, by catalogue name")


def default_file() -> Path | None:
    """./duckbill.toml, else the user's; None where there is neither."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    candidates = (Path("duckbill.toml"), home / "duckbill" / "config.toml")
    return next((path for path in candidates if path.is_file()), None)


def load_config(path: Path | None, env: Mapping[str, str], flags: Mapping[str, Any]) -> Config:
    """Read and merge. `flags`: dotted name -> value; None is no value. Raises ConfigError."""
    merged: dict[str, Any] = {}
    if path is not None:
        _merge(merged, _read(path))
    for name, text in sorted(env.items()):
        if name.startswith(ENV_PREFIX):
            _set(merged, name.removeprefix(ENV_PREFIX).lower().split("__"), _value(text))
    for dotted, value in flags.items():
        if value is not None:
            _set(merged, dotted.split("."), value)
    for role in ROLES:
        _collect_options(merged, role)
    _refuse_unknown(Config, merged, "")
    try:
        return Config(**merged)
    except ValidationError as error:
        first = error.errors()[0]
        setting = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"setting {setting} is {first.get('input')!r}: {first['msg']}") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"--config {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML file: {error}") from error


def _merge(into: dict[str, Any], other: Mapping[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _set(into: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        into = into.setdefault(key, {})
        if not isinstance(into, dict):
            raise ConfigError(f"setting {'.'.join(keys)}: {key} is no section")
    into[keys[-1]] = value


def _value(text: str) -> Any:
    """An environment variable's text as TOML would read it; what TOML cannot read is a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _collect_options(merged: dict[str, Any], role: str) -> None:
    """[tts.piper] becomes tts.options["piper"]."""
    section = merged.get(role)
    if isinstance(section, dict):
        options = {key: value for key, value in section.items() if isinstance(value, dict) and key != "options"}
        if options:
            kept = {key: value for key, value in section.items() if key not in options}
            listed = section.get("options", {})
            merged[role] = {**kept, "options": {**listed, **options} if isinstance(listed, dict) else listed}


def _refuse_unknown(model: Any, values: Mapping[str, Any], prefix: str) -> None:
    fields = model.model_fields if hasattr(model, "model_fields") else model.__dataclass_fields__
    for key, value in values.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, 1, cutoff=0.4) or sorted(fields)
            raise ConfigError(f"unknown setting {prefix}{key}; did you mean {prefix}{near[0]}?")
        section = getattr(model, "model_fields", {}).get(key)
        inner = section.annotation if section is not None else None
        if isinstance(value, Mapping) and (hasattr(inner, "model_fields") or hasattr(inner, "__dataclass_fields__")):
            _refuse_unknown(inner, value, f"{prefix}{key}.")
