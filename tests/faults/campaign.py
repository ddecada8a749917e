"""The fault campaign: `python -m tests.faults.campaign --faults F1 F6 --seeds 10`. What is done already is not done again.

Each run has a fault and a seed; several share one system, which is started anew after a violation and for each planted bug.
Results are lines of JSON in the folder, whatever ends the campaign; `--report` writes them up.
"""

import argparse
import asyncio
import logging
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import groupby, product
from pathlib import Path

from tests.faults import judging, tools
from tests.faults.catalogue import FAULTS
from tests.faults.judging import Result
from tests.faults.planted import CAMPAIGN, PLANTED, environment
from tests.faults.report import Line, noticed
from tests.faults.results import FOLDER, PAGE, Planned, Results, keep, report
from tests.faults.world import World, world

RUNS_OF_A_SYSTEM = 12
"""The inquest looks at everything that ever happened: what a system has done makes each run on it longer."""


def _systems(planned: list[Planned]) -> Iterator[list[Planned]]:
    """Runs that share a system, in their order."""
    for _, group in groupby(planned, lambda one: one.bug):
        runs = list(group)
        for first in range(0, len(runs), RUNS_OF_A_SYSTEM):
            yield runs[first : first + RUNS_OF_A_SYSTEM]


async def carry_out(planned: list[Planned], results: Results, folder: Path) -> None:
    """One system after the other; a new one after each violation."""
    began = time.monotonic()
    for runs in _systems(planned):
        left = runs
        while left and runs[0].bug not in noticed(results.all):
            some = folder / f"system-{int(time.time())}"
            left = await _serve(left, results, some)
            if runs[0].bug in noticed(results.all):
                shutil.rmtree(some)
            done = sum(one in results.done for one in planned)
            passed = time.monotonic() - began
            print(f"  {done} of {len(planned)} runs, {passed / 60:.1f} min", flush=True)


async def _serve(runs: list[Planned], results: Results, folder: Path) -> list[Planned]:
    """On one system; the runs that are left when it is of no more use. It is kept on disk where something was wrong."""
    wrong = False
    async with world(folder, environment(*filter(None, [runs[0].bug]))) as here:
        assert _has(here, runs[0].bug), f"{runs[0].bug} is planted in no process"
        while runs and not wrong:
            bug, fault, seed = one = runs[0]
            result = await judging.run(here, FAULTS[fault], seed, bug)
            wrong = _keep(result, results, folder)
            results.done.add(one)
            runs = runs[1:]
        if not wrong:
            wrong = _keep(await judging.close(here, bug), results, folder)
    if not wrong:
        await asyncio.to_thread(shutil.rmtree, folder)
    return runs


def _has(here: World, bug: str) -> bool:
    """Its processes say so when they start."""
    said = f"{PLANTED} {bug}\n"
    return not bug or any(said in log.read_text(errors="replace") for log in here.system.logs())


def _keep(result: Result, results: Results, folder: Path) -> bool:
    """Whether something was wrong."""
    results.add(result, folder.name)
    verdict = result.missing and f"not injected: {result.missing}"
    verdict = verdict or (f"VIOLATED {result.violations} ({folder})" if result.violations else "holds")
    bug = f" with {result.bug}" if result.bug else ""
    recovered = f", recovered in {result.recovered_s} s" if result.recovered_s else ""
    print(f"{result.fault} seed {result.seed}{bug}: {verdict}{recovered}, {result.took_s} s {result.notes}")
    for words in result.words:
        print(f"    {words[:400]}")
    sys.stdout.flush()
    return bool(result.violations)


def _each(seeds: Iterable[int], faults: Iterable[str], bug: str) -> Iterable[tuple[int, str]]:
    """All seeds of a fault after each other; of a bug's faults, which all may show it, one seed of each at a time."""
    if bug:
        return product(seeds, faults)
    return ((seed, fault) for fault, seed in product(faults, seeds))


def is_as_it_should_be(lines: list[Line]) -> bool:
    """Without a bug nothing was violated, and each bug that was planted was noticed."""
    wrong = any(line["violations"] for line in lines if not line["bug"])
    return not wrong and {line["bug"] for line in lines if line["bug"]} == noticed(lines)


def main() -> None:
    tools.enter_namespaces()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--faults",
        nargs="+",
        choices=list(FAULTS),
        metavar="F",
        help="by default all; of a bug, those that show it",
    )
    parser.add_argument("--seeds", type=int, default=1, help="of each fault, counted from --first")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument(
        "--bugs", action="store_true", help="each bug that can be planted, one after the other"
    )
    parser.add_argument(
        "--bug", default="", choices=["", *CAMPAIGN], metavar="NAME", help="planted: it must be noticed"
    )
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="of results, and of systems that went wrong"
    )
    parser.add_argument("--again", action="store_true", help="also what is done already")
    parser.add_argument("--report", action="store_true", help="write up what is known, and do nothing")
    parser.add_argument(
        "--keep", action="store_true", help=f"the report in {PAGE.name}, and what it is of beside it"
    )
    asked = parser.parse_args()
    results = Results(asked.folder)
    if not asked.report:
        seeds = range(asked.first, asked.first + asked.seeds)
        planned = [
            Planned(bug, fault, seed)
            for bug in (CAMPAIGN if asked.bugs else [asked.bug])
            for seed, fault in _each(seeds, asked.faults or (CAMPAIGN[bug].faults if bug else FAULTS), bug)
        ]
        known = set() if asked.again else results.done
        planned = [one for one in planned if one not in known and one.bug not in noticed(results.all)]
        asyncio.run(carry_out(planned, results, asked.folder))
    print(report(asked.folder))
    if asked.keep:
        keep(asked.folder)
    sys.exit(not is_as_it_should_be(results.all))


if __name__ == "__main__":
    main()
