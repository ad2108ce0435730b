"""The composition root: from a configuration to the adapters that take part.

Who makes an engine closes it: sessions come and go, engines are theirs to use only. So whoever asks for one hands in an
ExitStack, which has it closed from the moment it is made, also where its warm-up or anything after it fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from adapters import registry
from adapters.base import AdapterError, Microphone, Span, Speaker, Tts
from adapters.registry import Context
from adapters.weights import Weights, default_cache
from orchestrator.config import TASK, Config
from orchestrator.engines import name_setting
from timeline.clock import SystemClock


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


def make_others(config: Config, context: Context, closing: ExitStack, more: Sequence[str] = ()) -> dict[str, Tts]:
    """The engines that may take over, by name, loaded and warm: the fallbacks, and those that are asked for. Raises
    AdapterError."""
    names = dict.fromkeys(name for name in (*config.tts.fallback, *more) if name != config.tts.adapter)
    return {name: make_tts(config, context, closing, name) for name in names}


def make_speaker(spec: str, config: Config, context: Context, paced: bool = True) -> Speaker:
    """A file where `spec` ends in .wav, else a device. Raises AdapterError."""
    if spec.lower().endswith(".wav"):
        from adapters.audio.files import FileSpeaker

        return FileSpeaker(spec, context.clock, config.audio.rate_hz, paced)
    from adapters.audio.device import DeviceSpeaker

    return DeviceSpeaker(spec or None, context.clock, config.audio.rate_hz, config.audio.block_ms)


def make_microphone(spec: str, config: Config, context: Context, on_end: Callable[[], None]) -> Microphone:
    """A file where `spec` ends in .wav, else a device. Raises AdapterError."""
    if spec.lower().endswith(".wav"):
        from adapters.audio.files import FileMicrophone

        return FileMicrophone(spec, context.clock, on_end=on_end)
    from adapters.audio.device import DeviceMicrophone

    return DeviceMicrophone(spec or None, context.clock, config.audio.block_ms)
