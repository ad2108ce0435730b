"""The first lines of an engine's process, run as a script by whatever interpreter `tts.NAME.python` names.

That interpreter has an environment of its own, and must find our three packages and nothing else of ours: they are
loaded by path, and no folder of ours comes onto its search path. Written so that an old Python can still say that it is
too old. Arguments: the descriptors of the socket and of the slot.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

OLDEST = (3, 11)
HERE = Path(__file__).resolve().parent
PACKAGES = ("timeline", "stitcher", "adapters")


def main() -> None:
    if sys.version_info < OLDEST:
        sys.exit("Python {}.{} is too old".format(*sys.version_info[:2]))
    sys.path[:] = [folder for folder in sys.path if Path(folder).resolve() != HERE]
    for name in PACKAGES:
        _load_package(name, HERE.parent / name)

    from adapters.hosted import serve

    serve(*(int(argument) for argument in sys.argv[1:]))


def _load_package(name: str, folder: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    main()
