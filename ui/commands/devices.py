"""duckbill devices: the sound devices that the other commands accept by number or name."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from adapters.audio.devices import DeviceInfo, list_devices
from adapters.base import AdapterError


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("devices", help="list microphones and speakers")
    parser.add_argument("--json", action="store_true", help="print a JSON array")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    try:
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
