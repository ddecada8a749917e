"""What a planted bug is, and the list of all. No bug lives here, and nothing of the service is imported."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Plant = Callable[[Any], None]
"""Changes the module that it is given, which has just been imported. What that module's names were is then known to nobody
else, so that whoever imports them later gets what was planted.
"""


@dataclass(frozen=True)
class Bug:
    """A safeguard switched off. `module`: whose import plants it, in any process. `roles`: the processes that it changes.

    `faults`: of the campaign, each of which by itself should notice it; none where only a test that
    stands nearer can (tests/streams/delivery, each_is_missed.py). `breaks`: the invariants that then do not hold.
    """

    name: str
    off: str
    module: str
    plant: Plant
    roles: tuple[str, ...]
    faults: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()


BUGS: dict[str, Bug] = {}


def bug(
    module: str, roles: tuple[str, ...], faults: tuple[str, ...] = (), breaks: tuple[str, ...] = ()
) -> Callable[[Plant], Plant]:
    def named(plant: Plant) -> Plant:
        name, off = plant.__name__, (plant.__doc__ or "").strip()
        assert off and name not in BUGS, f"{name}: a bug says what is off, once"
        BUGS[name] = Bug(name, off, module, plant, roles, faults, breaks)
        return plant

    return named


def plant(name: str) -> None:
    """Into this process, now; nothing for no name. Only for what is asked by attribute when it is used: names that others
    have imported already stay theirs (`arming.py` comes before them).
    """
    if name:
        BUGS[name].plant(importlib.import_module(BUGS[name].module))


def replace(owner: Any, name: str, value: Any) -> None:
    assert hasattr(owner, name), f"{owner} has no {name}: this bug would be planted beside the code"
    setattr(owner, name, value)
