"""The README's commands parse, its settings exist, its figures are those of benchmarks."""

from __future__ import annotations

import argparse
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from orchestrator.config import load_config
from ui import cli
from ui.commands.bench import BENCHES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = [line.strip().split("  #")[0] for line in README.splitlines() if line.startswith("    duckbill ")]


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_is_understood(line: str) -> None:
    words = shlex.split(line)[1:]
    args = cli._parser(words[0]).parse_args(words)
    assert isinstance(args, argparse.Namespace)
    assert callable(args.run)


def test_every_command_is_shown() -> None:
    assert {shlex.split(line)[1] for line in COMMANDS} == set(cli.COMMANDS)


def test_the_configuration_is_valid_and_its_defaults_true(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", README, re.S)
    assert example is not None
    path = tmp_path / "duckbill.toml"
    path.write_text(example.group(1))
    shown, default = load_config(path, {}, {}), load_config(None, {}, {})
    assert shown.audio == default.audio
    assert shown.listen == default.listen
    assert shown.artifacts == default.artifacts
    assert (shown.tts.adapter, shown.tts.pace, shown.tts.seed) == (default.tts.adapter, 1.0, 0)
    assert shown.llm.adapter == default.llm.adapter


def test_options_of_adapters_in_the_example_exist() -> None:
    from adapters.registry import load

    example = re.search(r"```toml\n(.*?)```", README, re.S)
    assert example is not None
    for role, section in tomllib.loads(example.group(1)).items():
        for name, options in section.items() if role in ("tts", "stt", "llm") else ():
            if isinstance(options, dict):
                assert set(options) <= set(load(role, name).Options.model_fields), (role, name)


def test_figures_name_their_benchmarks_and_keep_their_limits() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| `?(\w+)`?[^|]* \| (-?[\d.]+)[^|]* \| (≥ )?([\d.]+) \|$", README, re.M)
    assert len(rows) == 20, "a row of the table of figures is not of the known shape"
    for bench, _metric, seen, least, limit in rows:
        assert bench in BENCHES
        assert float(seen) >= float(limit) if least else float(seen) <= float(limit), (bench, _metric)


def test_each_figures_metric_is_measured_by_its_benchmark() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| `?(\w+)`?[^|]* \| -?[\d.]+[^|]* \| (?:≥ )?([\d.]+) \|$", README, re.M)
    for bench, metric, limit in rows:
        source = (ROOT / (BENCHES[bench].replace(".", "/") + ".py")).read_text("utf-8")
        assert f'"{metric}"' in source, (bench, metric)
        numbers = {float(number) for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", source)}
        assert float(limit) in numbers, (bench, metric, limit)


def test_the_contest_of_controllers_is_as_the_page_says() -> None:
    from scenes.bench.controller import run

    (table,) = [one for one in run(None).tables if one.title == "bounded jitter" and one.columns[0] == "rule"]
    columns = [table.columns.index(name) for name in ("rule", "underruns", "dry s", "start", "in 10 s", "lead s")]
    for row in table.rows:
        line = "| " + " | ".join(row[column] for column in columns) + " |"
        assert line in README, line


def test_scenes_on_the_page_are_those_that_there_are() -> None:
    from scenes.playbill import SCENES

    built = {scene.name for scene in SCENES if not scene.pending}
    section = README[README.index("## Scenes") : README.index("## Configuration")]
    assert set(re.findall(r"^\| `([\w-]+)` \|", section, re.M)) == built


def test_linked_files_are_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("page", ["README.md", "GOALS.md", "INTERFACES.md"])
def test_files_that_are_named_are_there(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for path in re.findall(r"`((?:timeline|stitcher|adapters|orchestrator|scenes|ui|artifacts)/[\w./-]*)`", text):
        assert (ROOT / path).exists(), path
