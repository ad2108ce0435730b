"""Package indexes through their own clients: pip and npm bring an archive, as they are configured on this machine.

Nothing is installed or run: of pip only built wheels are asked for, of npm no scripts.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from adapters.fetch import SourceFailed

POLL_S = 0.2  # how often the bytes of a running client are looked at


def pip_download(requirement: str, folder: Path, grew: Callable[[int], None], options: Sequence[str] = ()) -> None:
    """Download a built wheel with pip."""
    if importlib.util.find_spec("pip") is None:
        raise SourceFailed(f"{requirement}: this Python has no pip; run {sys.executable} -m ensurepip")
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check",
        "--progress-bar", "off", "--no-cache-dir", "--no-deps", "--only-binary", ":all:",
        "--dest", str(folder), *options, requirement,
    ]  # fmt: skip
    _run(command, requirement, folder, grew)


def npm_pack(requirement: str, folder: Path, grew: Callable[[int], None]) -> None:
    """Download a tarball with npm."""
    npm = shutil.which("npm")
    if npm is None:
        raise SourceFailed(f"{requirement}: there is no npm on this machine; install it, or Node.js, which brings it")
    command = [npm, "pack", "--ignore-scripts", "--loglevel=error", "--pack-destination", str(folder), requirement]
    _run(command, requirement, folder, grew)


def _run(command: Sequence[str], requirement: str, folder: Path, grew: Callable[[int], None]) -> None:
    """Run a client to its end. Its temporary files lie beside the archive: the same disk, and their growth is the
    progress."""
    with tempfile.TemporaryDirectory(dir=folder) as temporary, tempfile.TemporaryFile() as said:
        environment = {**os.environ, "TMPDIR": temporary, "npm_config_cache": temporary}
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, env=environment)
        try:
            while (status := _wait(process)) is None:
                grew(_bytes_below(folder))
        finally:
            process.kill()
            process.wait()
        if status:
            said.seek(0)
            raise SourceFailed(f"{requirement}: {_complaint(said.read().decode(errors='replace'))}")


def _wait(process: subprocess.Popen[bytes]) -> int | None:
    """The exit status, or None while it runs."""
    try:
        return process.wait(POLL_S)
    except subprocess.TimeoutExpired:
        return None


def _bytes_below(folder: Path) -> int:
    """Bytes of the files below a folder that another process is busy with."""
    total_bytes = 0
    for path in folder.rglob("*"):
        try:
            total_bytes += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total_bytes


def _complaint(said: str) -> str:
    """What the client gave as the reason: pip's last error, or npm's first behind its code."""
    pip = re.findall(r"^ERROR: (.+)$", said, re.MULTILINE)
    npm = re.findall(r"^npm (?:error|ERR!) (?!code )(.+)$", said, re.MULTILINE)
    return next(iter([*pip[-1:], *npm]), "the download failed")
