"""Who takes part in a conversation: voice, ears, replies, devices; or, without devices, a simulated user.

Config -> Troupe(parts, notices, user)
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from adapters.base import AdapterError, Replies
from adapters.registry import Context
from orchestrator.config import TASK, Config
from orchestrator.engines import name_setting
from orchestrator.shell import Parts
from timeline.events import InputEnded
from ui.compose import (
    make,
    make_cast,
    make_end_of_turn,
    make_microphone,
    make_speaker,
    make_vad,
    make_wake_word,
)
from ui.echo_choice import both_devices, choose_echo

Progress = Callable[[str], None]


@dataclass
class Troupe:
    config: Config  # as it came to be: replies resolved
    parts: Parts
    notices: list[str] = field(default_factory=list)
    user: Any = None  # scenes.demonstration.User in a demonstration

    def on_session(self, shell: Any) -> None:
        """The session is made: whoever posts into it may know it now."""
        self._shell = shell
        if self.user is not None:
            self.user.post = shell.post_from_thread

    def input_ended(self) -> None:
        """A file that stands in for the microphone has ended (called from its thread)."""
        self._shell.post_from_thread(InputEnded())


async def assemble(config: Config, context: Context, closing: ExitStack, demo: bool, progress: Progress) -> Troupe:
    """Load everything; voices and the recognizer are closed with `closing`. Raises AdapterError where a part that was
    asked for is missing."""
    troupe = Troupe(config, Parts(context.clock, None, None))  # type: ignore[arg-type]  # filled below, devices first
    if not demo:
        demo = not _find_devices(troupe, config, context)
    progress("loading the voice")
    cast = make_cast(config, context, closing)
    troupe.config = config = cast.config
    troupe.parts.tts, troupe.parts.others = cast.tts, cast.others
    troupe.notices += cast.notices
    if demo:
        _simulate_user(troupe, context, closing, bool(config.task.adapter))
    progress("loading the ears")
    troupe.parts.vad = make_vad(config, context)
    troupe.parts.wake = make_wake_word(config, context)
    troupe.parts.turn, why_not = make_end_of_turn(config, context, closing)
    troupe.notices += [why_not] if why_not else []
    choose_layer(troupe, context, demo)
    troupe.parts.stt = stt = make(config, context, "stt")
    closing.callback(stt.close)
    stt.warm_up()
    progress("loading the replies")
    troupe.parts.replies = await _replies(troupe, context, demo)
    if config.task.adapter:
        troupe.parts.tasks[TASK] = await _task(troupe, context, demo)
    return troupe


def _find_devices(troupe: Troupe, config: Config, context: Context) -> bool:
    """Open both ends. False where there is no sound device and none was named."""
    try:
        troupe.parts.speaker = make_speaker(config.audio.speaker, config, context)
        troupe.parts.microphone = make_microphone(config.audio.microphone, config, context, troupe.input_ended)
    except AdapterError as error:
        if config.audio.speaker or config.audio.microphone:
            raise
        troupe.notices.append(f"{error.detail}; playing a demonstration instead")
        return False
    return True


def choose_layer(troupe: Troupe, context: Context, demo: bool) -> None:
    """What keeps our own voice out of what is heard, now that both ends are there."""
    cancels = getattr(troupe.parts.microphone, "cancels_echo", False)
    choice = choose_echo(troupe.config, context, not demo and both_devices(troupe.config), cancels)
    troupe.parts.echo, troupe.parts.layer = choice.path(troupe.parts.speaker.rate_hz), choice.layer
    if choice.lacking is not None:
        troupe.notices.append(f"{choice.why}: {choice.lacking.detail}")


def _simulate_user(troupe: Troupe, context: Context, closing: ExitStack, two_sources: bool) -> None:
    """A user with another voice, and a speaker that nobody hears."""
    from adapters import registry
    from adapters.audio.queued import QueuedMicrophone
    from adapters.audio.silent import SilentSpeaker
    from scenes.demonstration import LINES, TWO_SOURCES, User

    voice = registry.create("tts", "espeak", {}, context)
    closing.callback(voice.close)
    microphone = QueuedMicrophone(context.clock)
    troupe.user = User(microphone, voice, TWO_SOURCES.lines if two_sources else LINES)
    troupe.parts.microphone = microphone
    troupe.parts.speaker = SilentSpeaker(context.clock, troupe.config.audio.rate_hz)


async def _replies(troupe: Troupe, context: Context, demo: bool) -> Replies:
    """The reply source. `auto` takes an endpoint on this machine, else the embedded model; a demonstration takes the
    script, whose answers are always the same."""
    config = troupe.config
    name, options = config.llm.adapter, dict(config.llm.options)
    if name == "auto":
        name, options = (
            _scripted(options, bool(config.task.adapter)) if demo else await _choose(options, troupe.notices)
        )
    llm = config.llm.model_copy(update={"adapter": name, "options": options})
    troupe.config = config.model_copy(update={"llm": llm})
    try:
        return await _warm(troupe.config, context)
    except AdapterError as error:
        if config.llm.adapter != "auto" or name == "embedded" or "openai" in config.llm.options:
            raise
        troupe.notices.append(f"{error.detail}; taking the embedded model instead")
    embedded = config.llm.model_copy(update={"adapter": "embedded"})
    troupe.config = config.model_copy(update={"llm": embedded})
    return await _warm(troupe.config, context)


async def _task(troupe: Troupe, context: Context, demo: bool) -> Replies:
    """The second source; one that is missing is an error, for it was asked for."""
    task = troupe.config.task
    if demo and task.adapter == "script":
        from scenes.demonstration import TWO_SOURCES

        script = {"lines": list(TWO_SOURCES.reports), "delay_ms": TWO_SOURCES.work_ms}
        task = task.model_copy(update={"options": {"script": script, **task.options}})
        troupe.config = troupe.config.model_copy(update={"task": task})
    try:
        return await _warm(troupe.config, context, TASK)
    except AdapterError as error:
        raise AdapterError(error.kind, name_setting(error.detail, TASK)) from error


async def _warm(config: Config, context: Context, section: str = "llm") -> Replies:
    replies: Replies = make(config, context, section)
    try:
        await replies.warm_up()
    except AdapterError:
        await replies.close()
        raise
    return replies


def _scripted(options: dict[str, Any], two_sources: bool) -> tuple[str, dict[str, Any]]:
    from scenes.demonstration import REPLIES, TWO_SOURCES

    lines = TWO_SOURCES.replies if two_sources else REPLIES
    return "script", {"script": {"lines": list(lines)}, **options}


async def _choose(options: dict[str, Any], notices: list[str]) -> tuple[str, dict[str, Any]]:
    if "openai" in options:
        return "openai", options
    from adapters.llm.discover import find_endpoint

    url = await find_endpoint()
    if url is None:
        return "embedded", options
    notices.append(f"replies come from {url}")
    return "openai", {**options, "openai": {"url": url}}
