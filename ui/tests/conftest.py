"""What the tests of the command line share: a home of their own, and the real weights where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.base import AdapterError
from adapters.registry import Context
from adapters.weights import Weights, default_cache
from timeline.clock import SystemClock


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder without a configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


@pytest.fixture(scope="session")
def real_context() -> Context:
    """The machine's own cache; skips where weights are missing."""
    context = Context(Weights(default_cache()), SystemClock(), default_cache())
    for name in ("piper-en_US-joe-medium", "whisper-base"):
        try:
            context.weights.locate(name)
        except AdapterError as error:
            pytest.skip(error.detail)
    return context
