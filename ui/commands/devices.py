"""duckbill devices: the sound devices that the other commands accept by number or name."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from adapters.audio.devices import DeviceInfo, list_devices
from adapters.base import AdapterError
from ui.options import add_config_options, config_from


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("devices", help="list microphones and speakers")
    parser.add_argument("--measure", action="store_true", help="play a short hiss and tell how late it is heard")
    add_config_options(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON array")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    try:
        if args.measure:
            return _measure(args)
        devices = list_devices()
    except AdapterError as error:
        print(error.detail, file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps([asdict(device) for device in devices], indent=2, ensure_ascii=False))
    elif devices:
        print("\n".join(_line(device) for device in devices))
    else:
        print("no sound devices; WAV files can stand in for them", file=sys.stderr)
    return 0


def _measure(args: argparse.Namespace) -> int:
    from ui.compose import context_of, make_microphone, make_speaker
    from ui.latency import measure

    config = config_from(args)
    context = context_of(config)
    speaker = make_speaker(config.audio.speaker, config, context)
    microphone = make_microphone(config.audio.microphone, config, context, lambda: None)
    found = measure(speaker, microphone)
    if args.json:
        print(json.dumps(asdict(found)))
    elif found.latency_ms is None:
        print("the microphone does not hear the loudspeaker: nothing to cancel, or the wrong devices")
    else:
        print(f"the echo comes {found.latency_ms:.1f} ms after the devices say that it sounds,")
        print(
            f"{found.echo_db:.0f} dB above the room; {found.left_db:.0f} dB are left when its linear part is taken out"
        )
    return 0


def _line(device: DeviceInfo) -> str:
    uses = ", ".join(
        f"{role}{' (default)' if default else ''}"
        for role, channels, default in (
            ("microphone", device.inputs, device.default_input),
            ("speaker", device.outputs, device.default_output),
        )
        if channels
    )
    return f"{device.number:3}  {device.name} ({device.host_api}), {device.default_rate_hz} Hz: {uses}"
