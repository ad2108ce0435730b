"""The README's table of engines is what the engines say of themselves, and what is declared here of their terms.

Each is described without its weights, so offline. What an engine cannot say, its licence, is declared in one place, and
compared with what the installed package and the catalogue say; what was tested with real weights is what the
conformance test has at hand.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters.base import AdapterError, Capability
from adapters.catalogue import CATALOGUE
from adapters.registry import Context, create, names
from adapters.tts.tests import WEIGHTS
from adapters.tts.tests.stand_ins import STAND_INS
from adapters.weights import Weights, default_cache
from timeline.clock import VirtualClock

COLUMNS = ("engine", "unit", "rungs, in units", "word times", "deterministic", "licence", "tested with real weights")
README = (Path(__file__).parents[3] / "README.md").read_text("utf-8")

LICENCES = {
    "piper": "GPL-3.0",
    "espeak": "GPL-3.0",
    "kokoro": "Apache-2.0, its phonemes GPL-3.0",
    "openai_speech": "its server's",
    "snac_llamacpp": "Apache-2.0, its weights' own",
    "xtts": "MPL-2.0, weights CPML (non-commercial)",
    "outetts": "Apache-2.0, its weights' own",
    "null": "Apache-2.0",
}
PACKAGES = {"piper": "piper-tts", "xtts": "coqui-tts", "outetts": "outetts"}  # what runs the engine, where it tells


def rows() -> dict[str, dict[str, str]]:
    """The table's, by engine."""
    lines = re.findall(r"^\| (.*) \|$", README, re.M)
    cells = [line.split(" | ") for line in lines]
    head = cells.index(list(COLUMNS))
    found: dict[str, dict[str, str]] = {}
    for row in cells[head + 1 : head + 1 + len(names("tts"))]:
        found[row[0]] = dict(zip(COLUMNS, row, strict=True))
    return found


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(Weights(default_cache()), VirtualClock(), tmp_path)


def described(name: str, context: Context) -> Capability:
    """Skips where its package, or weights that it looks into, are missing."""
    options: Mapping[str, Any] = {}
    if name == "xtts":  # what it says comes from a file that lies beside its weights
        model = {"gpt_code_stride_len": 1024, "input_sample_rate": 22_050, "output_hop_length": 256}
        config = {"languages": ["en"], "audio": {"output_sample_rate": 24_000}, "model_args": model}
        (context.cache / "config.json").write_text(json.dumps(config), "utf-8")
        options = {"model_path": str(context.cache), "speaker_path": "me.wav"}
    try:
        capability: Capability = create("tts", name, options, context).describe()
    except AdapterError as error:
        pytest.skip(error.detail)
    return capability


def test_each_engine_has_a_row_and_a_licence() -> None:
    assert set(rows()) == set(names("tts")) == set(LICENCES)


@pytest.mark.parametrize("name", names("tts"))
def test_a_row_is_what_the_engine_says_of_itself(name: str, context: Context) -> None:
    row, capability = rows()[name], described(name, context)
    (unit_ms,) = re.fullmatch(r"(?:.*, )?([\d.]+) ms", row["unit"]).groups()  # type: ignore[union-attr]
    assert float(unit_ms) == pytest.approx(1000 * capability.unit_samples / capability.rate_hz, rel=0.005)
    assert row["rungs, in units"] == f"{capability.granularity[0]} to {capability.granularity[-1]}"
    assert row["word times"] == capability.markers
    assert row["deterministic"].split(",")[0] == ("yes" if capability.deterministic else "no")


@pytest.mark.parametrize("name", names("tts"))
def test_a_licence_is_the_declared_one(name: str) -> None:
    assert rows()[name]["licence"] == LICENCES[name]


@pytest.mark.parametrize(("name", "package"), PACKAGES.items())
def test_what_is_installed_has_the_declared_licence(name: str, package: str) -> None:
    try:
        told = importlib.metadata.metadata(package)["License"]
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{package} is not installed here")
    assert LICENCES[name].split(",")[0] in told


@pytest.mark.parametrize("entry", [entry for entries in WEIGHTS.values() for entry in entries])
def test_licences_of_weights_are_on_the_page(entry: str) -> None:
    assert CATALOGUE[entry].licence in README[README.index("## Licences") :]


@pytest.mark.parametrize("name", names("tts"))
def test_only_what_was_tested_with_real_weights_is_said_to_be(name: str) -> None:
    told = rows()[name]["tested with real weights"]
    if name in STAND_INS:
        assert told.startswith("no") and told.endswith("path tested, sound not")
    else:
        assert told == ("has none" if name == "null" else "yes")
