"""The soak: `python -m tests.faults.soak --minutes 30`. Half an hour at 60 % of capacity, a random fault every minute.

Memory must stay flat but for what a writer keeps of every payment, descriptors must not grow, the lag must return to nothing, and
in the end all must hold that holds after a single fault. A line of JSON for each soak is kept beside the campaign's results.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.faults import judging, tools
from tests.faults.catalogue import FAULTS
from tests.faults.judging import recovered
from tests.faults.production import note
from tests.faults.results import FOLDER, SOAKS
from tests.faults.tools import Missing
from tests.faults.world import World, role_of, world
from tests.system.load import Load
from tests.system.watching import gauges

FAULTS_OF_A_SOAK = ("F1", "F2", "F3", "F5", "F6", "F7", "F8", "F9", "F10", "F12", "F13", "F15")
BETWEEN_FAULTS_S = 60.0
SAMPLED_EVERY_S = 5.0
AT_ONCE = 48  # clients without a pause between their payments: the capacity
CAPACITY_S = 20.0
PART = 0.6
COMMANDS_PER_CUSTOMER = 2.1  # of `Load`: a payment with what becomes of it
LONG_S = 600.0  # processes that lived for less say nothing about growth
WARM = 0.5  # of a process' life: caches fill, and its heap comes to hold what a takeover needs
ROLES = ("writer", "gateway", "projection", "notifications", "analytics")
FEW_FDS = 40  # pools keep what they have opened: a web process up to 30 to Redis and 8 to PostgreSQL
REST_S = 120.0  # until what is kept alive is closed: a server's connections after 75 s
FLAT_MB_PER_MIN = 0.5  # 15 MB in half an hour; caches that still fill are less
KEPT_BYTES = (
    2_000  # of each payment, by the writer whose partition has it: 1.2 kB, and the gaps that a heap has
)
HELD = 0.75  # of all that comes, at most: of a quarter at half-time it may come to half of all, when another writer is away


def open_fds(pid: int) -> int:
    """Raises FileNotFoundError when it is gone."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@dataclass
class Series:
    """One life of a process: seconds, resident MB, descriptors."""

    at: list[float] = field(default_factory=list)
    mb: list[float] = field(default_factory=list)
    fds: list[int] = field(default_factory=list)

    def look(self, pid: int) -> None:
        """Raises FileNotFoundError when it is gone."""
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        self.fds.append(open_fds(pid))
        self.at.append(time.monotonic())
        self.mb.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)

    @property
    def lasted_s(self) -> float:
        return self.at[-1] - self.at[0]

    def slope_mb_per_min(self) -> float:
        warm_at = self.at[0] + self.lasted_s * WARM
        warm = [(at, mb) for at, mb in zip(self.at, self.mb, strict=True) if at > warm_at]
        slope, _ = statistics.linear_regression(*zip(*warm, strict=True))
        return slope * 60

    def mb_by_min(self) -> list[float]:
        """The most in each minute of its life: whether it climbs, or took one step."""
        most = defaultdict[int, float](float)
        for at, mb in zip(self.at, self.mb, strict=True):
            minute = int((at - self.at[0]) / 60)
            most[minute] = max(most[minute], mb)
        return [round(most[minute], 1) for minute in sorted(most)]


@asynccontextmanager
async def sampled(here: World) -> AsyncIterator[dict[str, Series]]:
    series = defaultdict[str, Series](Series)

    async def sample() -> None:
        while True:
            for name, pid in here.pids():
                with contextlib.suppress(FileNotFoundError):
                    series[f"{name}/{pid}"].look(pid)
            await asyncio.sleep(SAMPLED_EVERY_S)

    sampling = asyncio.create_task(sample())
    try:
        yield series
    finally:
        sampling.cancel()


def fds_by_role(here: World) -> dict[str, int]:
    """The most of each, now."""
    most = defaultdict[str, int](int)
    for name, pid in here.pids():
        with contextlib.suppress(FileNotFoundError):
            most[role_of(name)] = max(most[role_of(name)], open_fds(pid))
    return most


async def fds_grown(here: World, at_first: dict[str, int]) -> dict[str, int]:
    """By role, once nobody asks for anything and what was kept alive is closed."""
    ends = time.monotonic() + REST_S
    while True:
        grown = {role: now - at_first[role] for role, now in fds_by_role(here).items()}
        if max(grown.values()) <= FEW_FDS or time.monotonic() > ends:
            return grown
        await asyncio.sleep(SAMPLED_EVERY_S)


async def capacity(here: World) -> float:
    """Payments settled per second, with as many clients as it takes."""
    ends, settled = time.monotonic() + CAPACITY_S, 0

    async def pay() -> None:
        nonlocal settled
        while time.monotonic() < ends:
            made = await here.http.create(f"capacity-{uuid4().hex}")
            settled += made.settled_at is not None

    await asyncio.gather(*(pay() for _ in range(AT_ONCE)))
    return settled / CAPACITY_S


async def soak(here: World, minutes: float, seed: int) -> dict[str, Any]:
    here.begin("soak", seed)
    at_first = fds_by_role(here)
    most = await capacity(here)
    rate = most * PART / COMMANDS_PER_CUSTOMER
    print(f"capacity {most:.0f} payments/s; load {rate:.1f} customers/s", flush=True)
    began, done, recovered_s = time.monotonic(), list[str](), list[float]()
    async with sampled(here) as series:
        async with Load(here.http, here.kafka, seed, rate, stranger=here.stranger):
            for number in count(1):
                if time.monotonic() + BETWEEN_FAULTS_S > began + minutes * 60:
                    break
                id = here.random.choice(FAULTS_OF_A_SOAK)
                try:
                    await FAULTS[id].inject(here.beside(id, number))
                    done.append(id)
                    recovered_s += await recovered(here)
                except Missing as why:
                    print(f"{id} not injected: {why}")
                here.recoveries.clear()
                passed = (time.monotonic() - began) / 60
                print(f"  {passed:.1f} min, {id}, {len(here.history.accepted())} accepted", flush=True)
                await asyncio.sleep(max(0.0, began + number * BETWEEN_FAULTS_S - time.monotonic()))
        await here.whole()
        last = await judging.close(here)
        grown = await fds_grown(here, at_first)
    lags = [lag for role in ROLES for lag in await gauges(here.system, role, "millrace_lag_records")]
    return {
        "capacity_per_s": round(most, 1),
        "minutes": minutes,
        "faults": done,
        "recovered_s": recovered_s,
        "payments": len(here.inquest.log.replayed),
        "violations": last.violations,
        "words": last.words,
        "lag": sum(lags),
        "fds_grown_at_rest": grown,
        "processes": list(_lives(series)),
    }


def wrong(told: dict[str, Any]) -> list[str]:
    """In words, what did not stay as it must."""
    kept_mb_per_min = told["payments"] * KEPT_BYTES / 1e6 / told["minutes"] * HELD
    found = [*told["words"], *([f"the lag is {told['lag']}"] if told["lag"] else [])]
    for role, more in told["fds_grown_at_rest"].items():
        if more > FEW_FDS:
            found.append(f"a {role} at rest has {more} descriptors more than at first")
    for one in told["processes"]:
        most = FLAT_MB_PER_MIN + kept_mb_per_min * (role_of(one["process"]) == "writer")
        if one["mb_per_min"] > most:
            found.append(f"{one['process']} grows by {one['mb_per_min']} MB a minute, and {most:.2f} may be")
    return found


def _lives(series: dict[str, Series]) -> Iterator[dict[str, object]]:
    for name, one in sorted(series.items()):
        if one.lasted_s > LONG_S:
            yield {
                "process": name.partition("/")[0],
                "lived_min": round(one.lasted_s / 60, 1),
                "mb": round(one.mb[-1], 1),
                "mb_per_min": round(one.slope_mb_per_min(), 3),
                "mb_by_min": one.mb_by_min(),
                "fds": max(one.fds),
            }


async def _main(minutes: float, seed: int, folder: Path) -> int:
    async with world(folder / f"soak-{int(time.time())}", {}) as here:
        told = await soak(here, minutes, seed)
    note(told, folder / SOAKS)
    print(json.dumps(told, indent=1))
    found = wrong(told)
    print(*found or ["all as it must be"], sep="\n")
    return bool(found)


def main() -> None:
    tools.enter_namespaces()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    asked = parser.parse_args()
    asked.folder.mkdir(exist_ok=True)
    sys.exit(asyncio.run(_main(asked.minutes, asked.seed, asked.folder)))


if __name__ == "__main__":
    main()
