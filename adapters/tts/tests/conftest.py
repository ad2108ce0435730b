"""What several tests of voices share."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from adapters.tts.tests import make


@pytest.fixture(scope="session")
def cut_voice(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Piper, with a cache of its own where its graph lies cut: to cut it takes seconds."""
    tts = make("piper", tmp_path_factory.mktemp("cut"))
    tts.describe()
    return tts


@pytest.fixture
def cut_cache(cut_voice: Any, tmp_path: Path) -> Path:
    """A copy of that cache, to be spoilt."""
    shutil.copytree(cut_voice.context.cache, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture(scope="session")
def decoder_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SNAC's, small and of random weights."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from adapters.tts.tests.snac_graph import save_decoder

    return save_decoder(tmp_path_factory.mktemp("snac") / "decoder.onnx", narrow=True)
