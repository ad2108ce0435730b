"""What a process does to the world, seen by Python's audit events: files it writes, hosts it talks to.

A hook cannot be taken out again, so only a process of its own is watched. What native code does by itself, and what
further processes do, is not seen.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {
    "os.mkdir": (0,), "os.rename": (0, 1), "os.remove": (0,), "os.rmdir": (0,), "os.link": (1,), "os.symlink": (1,),
    "os.truncate": (0,), "sqlite3.connect": (0,),
}  # fmt: skip
"""Event -> which of its arguments are paths that it changes."""
_TALKS = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind")
_HARMLESS = (os.devnull,)


class Watch:
    """`written`: paths; `hosts`: names and addresses, in the order in which they were first met."""

    def __init__(self) -> None:
        self.written: dict[str, None] = {}
        self.hosts: dict[str, None] = {}

    def begin(self) -> None:
        """For the rest of this process."""
        sys.addaudithook(self._on_event)

    def _on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            if (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & _WRITES):
                self._write(path)
        elif event in _CHANGES:
            for k in _CHANGES[event]:
                self._write(arguments[k])
        elif event in _TALKS:
            address = arguments[1]
            if isinstance(address, tuple):  # else a path: another process of this machine's
                self.hosts[str(address[0])] = None
        elif event == "socket.getaddrinfo":
            self.hosts[str(arguments[0])] = None

    def _write(self, path: Any) -> None:
        if isinstance(path, str | bytes | os.PathLike):  # else a file that is open already
            name = os.fsdecode(path)
            if name not in _HARMLESS:
                self.written[str(Path(name).absolute())] = None
