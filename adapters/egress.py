"""Egress: the network, refused to an engine that says it needs none.

Python tells of every connection before it is made, and whoever is told may forbid it. What native code does by itself,
and what further processes do, is not seen. A hook cannot be taken out again, so this is for a process of the engine's
own. Sockets of this machine that have no network address (Unix ones) are none of its business.
"""

from __future__ import annotations

import sys
from typing import Any

from adapters.base import AdapterError

_ADDRESS_AT = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1, "socket.getaddrinfo": 0}
"""Event -> which of its arguments says with whom."""


def refuse_network(setting: str) -> None:
    """For the rest of this process; `setting`: the engine's, such as tts.piper. Whoever tries gets an AdapterError."""

    def on_event(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _ADDRESS_AT:
            return
        address = arguments[_ADDRESS_AT[event]]
        host = address[0] if isinstance(address, tuple) else address if event == "socket.getaddrinfo" else None
        if host:
            line = f"{setting} wants to talk to {host}, and says in its egress that it talks to nobody"
            raise AdapterError(
                "refused", f"{line}: name the host there, or choose another {setting.split('.')[0]}.adapter"
            )

    sys.addaudithook(on_event)
