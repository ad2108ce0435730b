"""The composition root: from a configuration to the adapters that take part.

Who makes an engine closes it: sessions come and go, engines are theirs to use only. So whoever asks for one hands in an
ExitStack, which has it closed from the moment it is made, also where its warm-up or anything after it fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters import registry
from adapters.base import AdapterError, Microphone, Span, Speaker, Tts
from adapters.ears.base import EndOfTurn, Vad, WakeWord
from adapters.registry import Context
from adapters.weights import Weights, default_cache
from orchestrator.config import TASK, Config
from orchestrator.engines import name_setting
from timeline.clock import SystemClock

NO_MODEL = "none"  # of ears.turn: a silence of listen.endpoint_ms ends every turn


def context_of(config: Config) -> Context:
    cache = Path(config.cache).expanduser() if config.cache else default_cache()
    overrides = {name: Path(path).expanduser() for name, path in config.weights.items()}
    return Context(Weights(cache, overrides), SystemClock(), cache)


def make(config: Config, context: Context, section_name: str, adapter: str = "") -> Any:
    """The adapter that a section of the configuration names, or another of that role. Raises AdapterError."""
    section = getattr(config, section_name)
    role = "llm" if section_name == TASK else section_name
    for name in section.options:
        if name not in registry.names(role):
            known = ", ".join(registry.names(role))
            raise AdapterError(
                "unsupported",
                f"[{section_name}.{name}] is for no adapter that is installed: leave it out, or name one of {known}",
            )
    try:
        name = adapter or section.adapter
        return registry.create(role, name, section.options.get(name, {}), context)
    except AdapterError as error:
        raise AdapterError(error.kind, name_setting(error.detail, section_name)) from error


def make_tts(config: Config, context: Context, closing: ExitStack, adapter: str = "") -> Tts:
    """The voice, loaded and warm, of `tts.adapter` or another one. Raises AdapterError; an unknown voice is found out
    here."""
    tts: Tts = make(config, context, "tts", adapter)
    closing.callback(tts.close)
    tts.warm_up(config.tts.asked)
    tts.open(Span("a", config.tts.asked, 0)).close()
    return tts


@dataclass(frozen=True, slots=True)
class Cast:
    """Who speaks: the first voice, and those that may take over, by name. `config`: with the adapter that is the first;
    `notices`: a line for each that could not be loaded."""

    config: Config
    tts: Tts
    others: dict[str, Tts]
    notices: list[str]


def make_cast(config: Config, context: Context, closing: ExitStack, more: Sequence[str] = ()) -> Cast:
    """The voice, its fallbacks, and `more` that are asked for, loaded and warm. Where one cannot be loaded and another
    can, that one speaks. Raises AdapterError where none can, one that is asked for cannot, or one does not exist."""
    names = list(dict.fromkeys((config.tts.adapter, *config.tts.fallback)))
    loaded: dict[str, Tts] = {}
    faults: dict[str, AdapterError] = {}
    for name in names:
        try:
            loaded[name] = make_tts(config, context, closing, name)
        except AdapterError as error:
            unknown = name not in registry.names("tts") and ":" not in name
            if unknown or (name == config.tts.adapter and config.tts.voice):
                raise  # a slip, or somebody wants that voice and no other
            faults[name] = error
    if not loaded:
        raise faults[names[0]]
    loaded |= {name: make_tts(config, context, closing, name) for name in dict.fromkeys(more) if name not in loaded}
    first = next(iter(loaded))
    if first != config.tts.adapter:  # the voice that was named is one of the other's
        config = config.model_copy(update={"tts": config.tts.model_copy(update={"adapter": first, "voice": ""})})
    notices = [f"{name} cannot speak, {first} can: {fault.detail}" for name, fault in faults.items()]
    return Cast(config, loaded.pop(first), loaded, notices)


def make_vad(config: Config, context: Context) -> Vad:
    """The voice activity detector. Raises AdapterError."""
    vad = make(config, context, "ears")
    if not (hasattr(vad, "window_samples") and hasattr(vad, "probability")):  # of the other ears each has one at most
        line = f"ears.adapter is {config.ears.adapter!r}, which detects no speech; choose silero or energy"
        raise AdapterError("unsupported", line)
    detector: Vad = vad
    return detector


def make_end_of_turn(config: Config, context: Context, closing: ExitStack) -> tuple[EndOfTurn | None, str]:
    """The model that tells whether a turn is over, loaded and warm, or why plain silence does. Raises AdapterError
    where it was asked for by name and cannot be had."""
    if config.ears.turn == NO_MODEL:
        return None, ""
    try:
        model = make(config, context, "ears", config.ears.turn)
        if not isinstance(model, EndOfTurn):
            line = f"ears.turn is {config.ears.turn!r}, which cannot tell the end of a turn; choose smart_turn or none"
            raise AdapterError("unsupported", line)
        closing.callback(model.close)
        model.warm_up()
    except AdapterError as error:
        if "turn" in config.ears.model_fields_set:
            raise
        return None, f"turns end by plain silence: {error.detail}"
    return model, ""


def make_wake_word(config: Config, context: Context) -> WakeWord | None:
    """What spots the word of `ears.wake`; None where nothing has to be said first. Raises AdapterError."""
    if not config.ears.wake:
        return None
    options = {**config.ears.options.get("wake", {}), "word": config.ears.wake}
    word: WakeWord = registry.create("ears", "wake", options, context)
    return word


def make_speaker(spec: str, config: Config, context: Context, paced: bool = True) -> Speaker:
    """A file where `spec` ends in .wav, else a device. Raises AdapterError."""
    if spec.lower().endswith(".wav"):
        from adapters.audio.files import FileSpeaker

        return FileSpeaker(spec, context.clock, config.audio.rate_hz, paced)
    from adapters.audio.device import DeviceSpeaker

    return DeviceSpeaker(spec or None, context.clock, config.audio.rate_hz, config.audio.block_ms)


def make_microphone(spec: str, config: Config, context: Context, on_end: Callable[[], None]) -> Microphone:
    """A file where `spec` ends in .wav, else a device, which may go and come back. Raises AdapterError."""
    if spec.lower().endswith(".wav"):
        from adapters.audio.files import FileMicrophone

        return FileMicrophone(spec, context.clock, on_end=on_end)
    from adapters.audio.apart import ApartMicrophone
    from adapters.audio.device import DeviceMicrophone
    from adapters.audio.returning import ReturningMicrophone

    clock, block_ms = context.clock, config.audio.block_ms
    device = DeviceMicrophone(spec or None, clock, block_ms)
    return ReturningMicrophone(device, lambda: ApartMicrophone(device.spec, clock, block_ms, device.rate_hz))
