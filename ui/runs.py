"""Finding runs: by folder, by name below the artifacts, or the last one."""

from __future__ import annotations

from pathlib import Path

from orchestrator.config import ConfigError
from timeline.journal import JOURNAL

LAST = "last"
SCENES = "scenes"  # the folder below the artifacts for what scenes leave


def find_run(name: str, artifacts: str) -> Path:
    """The folder of a run. Raises ConfigError."""
    base = Path(artifacts or "artifacts").expanduser()
    if name == LAST:
        runs = [path for folder in (base, base / SCENES) for path in folder.glob("*/") if _has_begun(path)]
        if not runs:
            raise ConfigError(f"there is no run in {base}; make one with duckbill say or duckbill talk")
        return max(runs, key=lambda path: (path / JOURNAL).stat().st_mtime_ns)
    for folder in (Path(name).expanduser(), base / name):
        try:
            if (folder / JOURNAL).is_file():
                return folder
        except OSError as error:
            raise ConfigError(f"RUN {name} cannot be looked at: {error.strerror}") from error
    raise ConfigError(f"RUN {name}: no {JOURNAL} there nor in {base / name}; name a run's folder, or: {LAST}")


def _has_begun(folder: Path) -> bool:
    """It has a journal with more than a manifest: what failed before it began is nothing to look at."""
    try:
        with (folder / JOURNAL).open("rb") as journal:
            return bool(journal.readline() and journal.readline())
    except OSError:
        return False
