"""A child: another process of ours, from its start to its end. What it does is not known here.

Rules. It is started afresh, never forked, and in a session of its own: Ctrl-C in the terminal is for us alone, and what
it starts ends with it. Its end is seen by waiting for it, on a thread: whoever depends on it hears of it at once.
What it prints goes nowhere; its last lines are kept for the error that tells of its end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

PIPE_WAIT_S = 0.5  # for the rest of what it printed, once it is gone: it is there already, or a stranger holds the pipe
LAST_LINES_MOST = 20
LINE_BYTES_MOST = 1000  # the rest of a longer line is dropped
QUOTED_CHARS_MOST = 200  # in an error, which is one line

OURS_ALONE = ("PYTHONPATH", "PYTHONHOME", "__PYVENV_LAUNCHER__")  # they lead another interpreter astray


def possible() -> bool:
    """Linux and macOS: elsewhere what a process has started does not end with it."""
    return hasattr(os, "killpg")


class Child:
    """`script` run by `python` (empty: our own interpreter); the numbers of the descriptors `fds` are its arguments.
    Raises OSError where it cannot be started."""

    def __init__(self, python: str, script: Path, fds: tuple[int, ...]) -> None:
        other = bool(python)
        environment = {name: value for name, value in os.environ.items() if not (other and name in OURS_ALONE)}
        interpreter = str(Path(python).expanduser()) if other else sys.executable
        self._process = subprocess.Popen(
            [interpreter, str(script), *(str(fd) for fd in fds)], env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=fds, start_new_session=True,
        )  # fmt: skip
        self._gone = False
        self._lines: deque[str] = deque(maxlen=LAST_LINES_MOST)

    def watch(self, on_end: Callable[[str], None]) -> None:
        """Call `on_end(how)` when it ends, on a thread of ours; `how` is part of a line."""
        self._drainer = threading.Thread(target=self._drain, daemon=True)
        self._waiter = threading.Thread(target=self._await_end, args=(on_end,), daemon=True)
        self._drainer.start()
        self._waiter.start()

    def note(self, line: str) -> None:
        """Say it in its last words' stead."""
        self._lines.append(line)

    def kill(self) -> None:
        """Now, and with it all that it has started."""
        if not self._gone:  # else its number may be another's by now
            with contextlib.suppress(ProcessLookupError, PermissionError):  # gone; macOS says so of one that is ending
                os.killpg(self._process.pid, signal.SIGKILL)

    def join(self, timeout_s: float) -> bool:
        """Wait until it is gone, and `on_end` has returned; False where that takes longer."""
        self._waiter.join(timeout_s)
        return not self._waiter.is_alive()

    # -- its threads ----------------------------------------------------------------------

    def _drain(self) -> None:
        assert self._process.stdout is not None
        begins = True
        with self._process.stdout as pipe:
            while piece := pipe.readline(LINE_BYTES_MOST):
                if begins and (text := _printable(piece)):
                    self._lines.append(text)
                begins = piece.endswith(b"\n")

    def _await_end(self, on_end: Callable[[str], None]) -> None:
        status = self._process.wait()
        self.kill()  # what it leaves behind
        self._gone = True
        self._drainer.join(PIPE_WAIT_S)
        how = f"signal {_signal_name(-status)}" if status < 0 else f"exit status {status}"
        on_end(f"{how}: {self._lines[-1][:QUOTED_CHARS_MOST]}" if self._lines else how)


def _printable(piece: bytes) -> str:
    return "".join(ch if ch.isprintable() else " " for ch in piece.decode("utf-8", "replace")).strip()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
