"""The machine's sound devices: listing them, and finding the one that somebody means.

PortAudio looks at the machine when it is loaded; what is plugged in later is seen by the next run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from adapters.base import AdapterError

Kind = Literal["input", "output"]
ROLES: dict[Kind, str] = {"input": "microphone", "output": "speaker"}
SEE = "`duckbill devices` lists them"


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """One device as PortAudio sees it. JSON through dataclasses.asdict."""

    number: int
    name: str
    host_api: str
    inputs: int  # channels
    outputs: int
    default_rate_hz: int
    default_input: bool
    default_output: bool

    @property
    def title(self) -> str:
        return f"{self.number} {self.name} ({self.host_api})"

    def channels(self, kind: Kind) -> int:
        return self.inputs if kind == "input" else self.outputs

    def is_default(self, kind: Kind) -> bool:
        return self.default_input if kind == "input" else self.default_output


def portaudio() -> Any:
    """The sounddevice module. Raises AdapterError (missing) with what to install."""
    try:
        import sounddevice
    except ImportError as error:
        line = "no sound devices without sounddevice: pip install sounddevice"
        raise AdapterError("missing", line) from error
    except OSError as error:
        line = "no sound devices without the PortAudio library: apt install libportaudio2"
        raise AdapterError("missing", line) from error
    except Exception as error:  # PortAudioError: its name cannot be imported when the import fails
        raise AdapterError("missing", f"the sound system does not start: {error}") from error
    return sounddevice


def list_devices() -> list[DeviceInfo]:
    """Every device, by its number. Raises AdapterError (missing) without PortAudio."""
    sd = portaudio()
    host_apis = [api["name"] for api in sd.query_hostapis()]
    default_input, default_output = sd.default.device
    return [
        DeviceInfo(
            number=number,
            name=found["name"],
            host_api=host_apis[found["hostapi"]],
            inputs=found["max_input_channels"],
            outputs=found["max_output_channels"],
            default_rate_hz=round(found["default_samplerate"]),
            default_input=number == default_input,
            default_output=number == default_output,
        )
        for number, found in enumerate(sd.query_devices())
    ]


def resolve(spec: str | int | None, kind: Kind) -> DeviceInfo:
    """The device meant by a number, a name or a part of one; None: the default. Raises AdapterError."""
    usable = [device for device in list_devices() if device.channels(kind)]
    role = ROLES[kind]
    if not usable:
        raise AdapterError("missing", f"this machine has no {role}; plug one in, or use a WAV file for it")
    matches = _matches(spec, kind, usable)
    if len(matches) == 1:
        return matches[0]
    if spec is None:
        fault = f"this machine names no default {role}; choose one of"
    else:
        fault = f"{role} {str(spec)!r} {'may be several' if matches else 'is none of ours'}; choose one of"
    raise AdapterError("missing", f"{fault}: {', '.join(device.title for device in matches or usable)}")


def _matches(spec: str | int | None, kind: Kind, usable: list[DeviceInfo]) -> list[DeviceInfo]:
    """What `spec` may mean, the strictest reading that means anything."""
    if spec is None:
        return [device for device in usable if device.is_default(kind)]
    if isinstance(spec, int) or spec.isdecimal():
        return [device for device in usable if device.number == int(spec)]
    wanted = spec.casefold()
    exact = [device for device in usable if device.name.casefold() == wanted]
    return exact or [device for device in usable if wanted in device.title.casefold()]
