"""The architecture as a test: who may import whom, what stays pure, how large a thing may be, what loads when.

Read from the sources by ast, so that an arrow is seen wherever in a module it is drawn. Tests are free.
"""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from adapters.registry import HOSTED_ROLES

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("timeline", "stitcher", "adapters", "orchestrator", "scenes", "ui")  # each may import those before it
ROLES = ("tts", "stt", "ears", "llm", "audio")
SHARED = (
    "base",
    "completions",
    "endpoint",
    "registry",
    "runtime",
    "sse",
    "voice",
    "weights",
)  # what an adapter may use of adapters/ beside its own role

MODULE_LINES_MOST = 300
FUNCTION_LINES_MOST = 40

IMPURE = frozenset(
    "asyncio concurrent threading multiprocessing queue time datetime random secrets logging socket select selectors "
    "os io pathlib shutil tempfile subprocess signal sys urllib http aiohttp sounddevice".split()
)
WHOLLY_PURE = ("stitcher", "orchestrator", "timeline")
EXCEPTIONS = {
    "timeline.clock": "the only reader of time",
    "timeline.journal": "writes files, on a thread of its own",
    "timeline.store": "writes files",
    "orchestrator.shell": "the asyncio skin",
    "orchestrator.engines": "the shell's hands",
    "orchestrator.judging": "a thread's owner",
    "orchestrator.workers": "threads",
    "orchestrator.config": "reads a file and the environment",
    "orchestrator.recording": "writes files",
    "orchestrator.session": "holds the event loop and the signals",
}
ALSO_PURE = (
    "adapters.base",
    "adapters.ears.base",
    "adapters.voice",
    "adapters.tts.snac",
    "scenes.agenda",
    "scenes.actors",
    "scenes.simulator",
    "scenes.world",
    "scenes.invariants",
    "scenes.sound",
    "scenes.corpus.levels",
    "scenes.corpus.rooms",
    "scenes.corpus.texts",
)
UNSEEDED = frozenset({"default_rng", "seed", "rand", "randn", "random", "normal"})

HEAVY = (
    "onnxruntime", "faster_whisper", "ctranslate2", "sounddevice", "matplotlib", "aiohttp", "scipy", "xllamacpp",
    "piper", "onnx", "torch",
)  # fmt: skip

NOT_IN_A_HOST = (*HEAVY, "orjson", "rich", "soxr")  # an engine's process has numpy and pydantic, and its engine's own


def sources() -> dict[str, Path]:
    """Every module of ours by its name, tests left out."""
    found = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "tests" not in parts:
                found[".".join(part for part in parts if part != "__init__")] = path
    return found


SOURCES = sources()
MODULES = sorted(SOURCES)


def tree(module: str) -> ast.Module:
    return ast.parse(SOURCES[module].read_text("utf-8"))


def imports(module: str) -> Iterator[str]:
    """Full names of all that a module imports, at its head or inside functions."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(module: str) -> list[str]:
    return [name for name in imports(module) if name.split(".")[0] in FOLDERS]


def test_the_sources_are_found():
    assert {module.split(".")[0] for module in MODULES} == set(FOLDERS)
    assert "orchestrator.core" in MODULES and "adapters.tts.null" in MODULES


@pytest.mark.parametrize("module", MODULES)
def test_a_folder_imports_only_from_itself_and_from_those_above(module):
    own = FOLDERS.index(module.split(".")[0])
    below = [name for name in ours(module) if FOLDERS.index(name.split(".")[0]) > own]
    assert not below, f"{module} imports {', '.join(below)}"


@pytest.mark.parametrize("module", [m for m in MODULES if m.split(".")[0] == "adapters" and m.split(".")[1:2]])
def test_adapters_know_only_the_contracts_and_their_own_role(module):
    role = module.split(".")[1]
    if role not in ROLES:
        foreign = [name for name in ours(module) if name.split(".")[1:2] and name.split(".")[1] in ROLES]
    else:
        own = [name.split(".")[1:2] for name in ours(module) if name.startswith("adapters.")]
        foreign = [name[0] for name in own if name[0] not in (role, *SHARED)]
    assert not foreign, f"{module} knows {', '.join(foreign)}"


def is_pure(module: str) -> bool:
    return module in ALSO_PURE or (module.split(".")[0] in WHOLLY_PURE and module not in EXCEPTIONS)


@pytest.mark.parametrize("module", [m for m in MODULES if is_pure(m)])
def test_a_pure_module_reads_no_clock_and_touches_nothing_outside(module):
    impure = [name for name in imports(module) if name.split(".")[0] in IMPURE]
    assert not impure, f"{module} imports {', '.join(impure)}"
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("open", "print", "input"), f"{module}:{node.lineno} calls {node.func.id}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "random":
            assert node.attr not in UNSEEDED, f"{module}:{node.lineno} draws at random"


def test_every_exception_is_needed():
    for module in EXCEPTIONS:
        assert any(name.split(".")[0] in IMPURE for name in imports(module)), f"{module} is pure: take it off the list"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_holds_one_idea(module):
    lines = SOURCES[module].read_text("utf-8").count("\n")
    assert lines <= MODULE_LINES_MOST, f"{module} has {lines} lines; past {MODULE_LINES_MOST} it holds two ideas"
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES_MOST, f"{module}.{node.name} has {length} lines"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_what_it_is(module):
    if SOURCES[module].stat().st_size:
        assert ast.get_docstring(tree(module)), f"{module} has no head"


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_package_is_ours_and_not_a_stranger_of_the_same_name(folder):
    found = importlib.import_module(folder).__file__
    assert found is not None and Path(found).resolve() == ROOT / folder / "__init__.py"


def loaded_after(code: str, among: tuple[str, ...] = HEAVY) -> list[str]:
    """Those modules that are loaded once `code` has run in a new interpreter."""
    tell = "import sys; print('loaded', *sorted(name for name in sys.modules if '.' not in name))"
    command = [sys.executable, "-c", f"{code}\n{tell}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    line = done.stdout.splitlines()[-1].split()
    assert line[0] == "loaded"
    return [name for name in line[1:] if name in among]


def test_help_loads_nothing_heavy():
    code = "import contextlib, ui.cli\nwith contextlib.suppress(SystemExit): ui.cli.main(['--help'])"
    assert loaded_after(code) == []


def test_importing_any_module_of_ours_loads_nothing_heavy():
    names = [name for name in MODULES if not name.endswith("__main__")]
    code = f"import importlib\nfor name in {names!r}: importlib.import_module(name)"
    assert loaded_after(code) == []


def test_an_engines_process_needs_numpy_and_pydantic_only():
    """Whatever it hosts, and none of the rooms below."""
    group = entry_points(group="duckbill.adapters")
    engines = [entry.module for entry in group if entry.name.split(".")[0] in HOSTED_ROLES]
    code = f"import importlib\nfor name in {['adapters.hosted', *engines]!r}: importlib.import_module(name)"
    assert {"adapters.tts.null", "adapters.stt.script"} <= set(engines)
    assert loaded_after(code, (*NOT_IN_A_HOST, "orchestrator", "scenes", "ui")) == []
