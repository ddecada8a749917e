"""Planting into real processes: `environment` for whoever starts them; Python itself then calls `arm` (startup/).

A bug waits for the module it is in, so that a process that does not need the module does not load it.
"""

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from tests.faults.planted.registry import BUGS, Bug

VARIABLE = "MILLRACE_TESTS_PLANTED"
"""Names of bugs, with commas between them."""
PLANTED = "planted"
"""Stands before a bug's name in the log of each process that has it."""
IN_VAIN = 97
"""Exit status of a process into which nothing could be planted: it must not be taken for one that has the bug."""

_STARTUP = Path(__file__).with_name("startup")
_CHECKOUT = Path(__file__).resolve().parents[3]


def environment(*names: str) -> dict[str, str]:
    """What a process is told so that it, and all that it starts, have these bugs. Raises KeyError for one that is not known."""
    for name in names:
        BUGS[name]
    return {VARIABLE: ",".join(names), "PYTHONPATH": python_path()} if names else {}


def python_path() -> str:
    """On which Python finds startup/ first."""
    return os.pathsep.join(filter(None, [str(_STARTUP), str(_CHECKOUT), os.environ.get("PYTHONPATH", "")]))


def arm(names: Sequence[str]) -> None:
    """Plant each as soon as its module has been imported. Raises KeyError for one that is not known."""
    wanted = [BUGS[name] for name in names]
    for bug in wanted:
        assert bug.module not in sys.modules, f"{bug.name}: {bug.module} is here already"
    sys.meta_path.insert(0, _Finder(wanted))


def give_up(why: BaseException) -> NoReturn:
    print(f"{VARIABLE}={os.environ.get(VARIABLE)}: {why!r}", file=sys.stderr, flush=True)
    os._exit(IN_VAIN)


class _Finder(MetaPathFinder):
    def __init__(self, wanted: Sequence[Bug]) -> None:
        self._wanted = wanted

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        bugs = [bug for bug in self._wanted if bug.module == name]
        spec = PathFinder.find_spec(name, path, target) if bugs else None
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(name, spec.origin, bugs)
        return spec


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, bugs: Sequence[Bug]) -> None:
        super().__init__(name, path)
        self._bugs = bugs

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        try:
            for bug in self._bugs:
                bug.plant(module)
                print(f"{PLANTED} {bug.name}", file=sys.stderr, flush=True)
        except BaseException as wrong:
            give_up(wrong)
