"""`python -m tests.simulation`: many stories, or one that is told in full, or what they notice of planted bugs.

One seed is one story, in every process and on every machine: only Python's own hash of strings must be the same as well.
"""

import argparse
import json
import logging
import os
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from tests.faults.production import note
from tests.simulation.planted import PLANTS
from tests.simulation.run import COLLECTED, Run, stage, told

PROGRESS = 500
"""Seeds between two lines that tell how far it is."""
IDLE_PART = 0.2
"""Stories in which no call arrived at Stripe, by their weather: 1 in 20 is usual."""
NAMES = 4
"""Differences of one story that are shown."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="just this one")
    parser.add_argument("--story", action="store_true", help="tell all of it, also where nothing is wrong")
    parser.add_argument("--plant", choices=PLANTS, help="with this safeguard taken away")
    parser.add_argument(
        "--planted",
        nargs="*",
        choices=PLANTS,
        metavar="NAME",
        help="each of these in turn, or of all; a line of JSON for each",
    )
    parser.add_argument("--enough", type=int, help="with --planted: so many stories that notice it")
    parser.add_argument(
        "--processes",
        type=int,
        default=os.cpu_count() or 1,
        help="that share many seeds (%(default)s, one for each core)",
    )
    parser.add_argument("--into", type=Path, help="a file of lines of JSON, where what was seen is kept")
    chosen = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    with stage():
        if chosen.planted is not None:
            return _all_planted(chosen.planted or list(PLANTS), seeds, chosen.enough, chosen.into)
        with pytest.MonkeyPatch.context() as patch:
            if chosen.plant:
                PLANTS[chosen.plant](patch)
            if chosen.seed is not None:
                return _one(chosen.seed, chosen.story)
            return _many(seeds, chosen.processes, chosen.plant, chosen.into)


def _one(seed: int, in_full: bool) -> int:
    run = told(seed)
    if in_full or run.wrong:
        print(*run.story, sep="\n")
    print(*run.wrong or ["nothing is wrong"], sep="\n")
    return bool(run.wrong)


def _many(seeds: range, processes: int, plant: str | None, into: Path | None) -> int:
    began, wrong, idle, a_minute = time.monotonic(), 0, 0, 0
    # forked: what stands in for the vendors stands in there as well
    with ProcessPoolExecutor(processes, get_context("fork")) as pool:
        for number, run in enumerate(pool.map(told, seeds, chunksize=COLLECTED), 1):
            idle += not run.done_at_stripe
            if run.wrong:
                wrong += 1
                _tell(run, plant)
            if number % PROGRESS == 0 or number == len(seeds):
                a_minute = round(number / (time.monotonic() - began) * 60)
                print(f"{number} of {len(seeds)} seeds, {wrong} wrong, {a_minute} a minute", flush=True)
    line = {
        "seeds": len(seeds),
        "first": seeds.start,
        "wrong": wrong,
        "a_minute": a_minute,
        "processes": processes,
    }
    _note(line, into)
    if too_idle := idle > max(1, len(seeds) * IDLE_PART):
        print(f"in {idle} of {len(seeds)} stories nothing was done at Stripe: they prove nothing")
    return bool(wrong or too_idle)


def _note(line: dict[str, Any], into: Path | None) -> None:
    if into is not None:
        note(line, into)


def _tell(run: Run, plant: str | None) -> None:
    print(f"--- seed {run.seed}", *run.story, *run.wrong[:NAMES], sep="\n")
    planted = f" --plant {plant}" if plant else ""
    print(f"again: python -m tests.simulation --seed {run.seed} --story{planted}", flush=True)


def _all_planted(names: list[str], seeds: range, enough: int | None, into: Path | None) -> int:
    unseen = 0
    for name in names:
        noticed: list[Run] = []
        run = None
        with pytest.MonkeyPatch.context() as patch:
            PLANTS[name](patch)
            for seed in seeds:
                run = told(seed)
                noticed += [run] if run.wrong else []
                if len(noticed) == enough:
                    break
        assert run is not None
        told_first = noticed[0].wrong[0] if noticed else None
        line = {"plant": name, "noticed": len(noticed), "of": run.seed - seeds.start + 1, "by": told_first}
        print(json.dumps(line), flush=True)
        _note(line, into)
        unseen += not noticed
    return bool(unseen)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, sys.orig_argv, os.environ | {"PYTHONHASHSEED": "0"})
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a story may be read by `head`
    sys.exit(main(sys.argv[1:]))
