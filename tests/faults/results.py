"""What is known: a line of JSON for each run of the campaign, each soak and each simulation, whatever ends them.

They are in `.faults/`, or in the folder that is named; what the page with the report says is made of lines that are beside it.
"""

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from sandbox.stack import CHECKOUT
from tests.faults.judging import Result
from tests.faults.planted import CAMPAIGN
from tests.faults.production import code, note
from tests.faults.report import END_OF_SYSTEM, Line, put, written

FOLDER = CHECKOUT / ".faults"
PAGE = CHECKOUT / "docs" / "reliability.md"
KEPT = CHECKOUT / "docs" / "campaign"
RUNS, SOAKS, SIMULATED = "results.jsonl", "soak.jsonl", "simulation.jsonl"


class Planned(NamedTuple):
    bug: str
    fault: str
    seed: int


class Results:
    """Of the campaign's runs. Done is what was done with the production code as it is committed now, on a system that was
    judged when it had served, or was of no more use; and what could not be injected may be possible by now. Of a bug that is
    not the campaign's any more nothing counts.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / RUNS
        folder.mkdir(parents=True, exist_ok=True)
        known = [line for line in _of_this_code(self._file) if not line["bug"] or line["bug"] in CAMPAIGN]
        judged = {line["system"] for line in known if line["fault"] == END_OF_SYSTEM or line["violations"]}
        self.all = [line for line in known if line["system"] in judged]
        injected = [line for line in self.all if not line["missing"]]
        self.done = {Planned(each["bug"], each["fault"], each["seed"]) for each in injected}

    def add(self, result: Result, system: str) -> None:
        line = {**result.line(), "system": system, "at": round(time.time())}
        self.all.append(note(line, self._file))


def lines(file: Path) -> list[Line]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def report(folder: Path) -> str:
    """Of what is known there of this code."""
    return written(Results(folder).all, _of_this_code(folder / SOAKS), _of_this_code(folder / SIMULATED))


def kept_report() -> str:
    """Of the lines that are kept, whichever code they are of."""
    return written(*(lines(KEPT / name) for name in (RUNS, SOAKS, SIMULATED)))


def keep(folder: Path) -> None:
    """What is known there of this code, and what the page says of it."""
    KEPT.mkdir(exist_ok=True)
    _write(Results(folder).all, KEPT / RUNS)
    for name in (SOAKS, SIMULATED):
        _write(_of_this_code(folder / name), KEPT / name)
    put(kept_report(), PAGE)


def _of_this_code(file: Path) -> list[Line]:
    return [line for line in lines(file) if line.get("code") == code()["code"]]


def _write(kept: Iterable[Line], file: Path) -> None:
    file.write_text("".join(json.dumps(line) + "\n" for line in kept))
