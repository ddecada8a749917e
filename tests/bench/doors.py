"""The door as its callers meet it: beside FastAPI over PostgreSQL, with a neighbour who asks for far too much, and above what
it can carry. Each on the same servers, in interleaved rounds.
"""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from sandbox.ports import Ports
from sandbox.testing import Servers
from tests.bench.http_client import NOT_ANSWERED
from tests.bench.latency import HttpAsker, Latency, open_loop
from tests.bench.report import Report, ratios, spread
from tests.bench.rounds import running
from tests.bench.service import API_KEY, MERCHANT, ROLES, environment_of, prepare, ready, started

CLIENTS = 64
ROUND_S = 5.0
OVERLOAD, OVERLOAD_S, PEAK_S = 3.0, 20.0, 10.0
SETTLED_S = 3.0
"""Before anything counts: what a limit lets through at once, and connections that are made, are behind it then."""

IN_TIME_S = 10.0
"""An answer later than this is of no use: callers have gone."""

LIMITS_PER_S, PAYMENT_COST = (25, 100), 5
"""Of a key, in units: 5 payments a second, which these cores hardly feel, and 20, which are a tenth of what they carry."""

OTHER_PER_S, BESIDE_S = 4.0, 60.0
"""Within the lower limit, which is the other's as well; 240 payments a round, so that their p99 is not the worst."""

WITHIN, BEYOND = 1, 10
"""Times its limit that the neighbour asks for."""
CROWD = {f"mer_bench_crowd_{n}": f"mr_test_crowd{n}" for n in range(4)}
"""Who ask for too much together: one merchant alone is stopped by limits of its own."""
OTHER_MERCHANT, OTHER_KEY = "mer_bench_other", "mr_test_otherbench"


@dataclass(frozen=True)
class Doors:
    """What is measured, and the pids behind it. `limited`: the ports of doors of ours, by the limit of their keys."""

    ours: HttpAsker
    peer: HttpAsker
    crowd: Sequence[HttpAsker]
    limited: dict[int, int]
    pids: dict[str, int]


async def measure(servers: Servers, rounds: int, order: random.Random, report: Report) -> None:
    ports = Ports()
    numbers = {role: ports.take() for role in ("stripe", "web", "peer", "writer", "gateway", "projection")}
    limited = {limit: ports.take() for limit in LIMITS_PER_S}
    ports.close()
    with TemporaryDirectory() as folder, ExitStack() as stack:
        environment = environment_of(servers, numbers["stripe"], Path(folder))
        prepare(environment, {MERCHANT: API_KEY, OTHER_MERCHANT: OTHER_KEY, **CROWD})
        stack.enter_context(
            running(("sandbox.stripe_simulator", "--port", str(numbers["stripe"])), **environment)
        )
        pids = {
            role: started(stack, module, numbers[role], environment, MILLRACE_INSTANCE=role)
            for role, module in (*ROLES.items(), ("peer", "tests.bench.peer"))
        }
        for limit, port in limited.items():
            own = {"MILLRACE_INSTANCE": f"web-{limit}", "MILLRACE_RATE_LIMIT_KEY_PER_S": str(limit)}
            started(stack, "web", port, environment, **own)
        for port in (*(numbers[role] for role in pids), *limited.values()):
            await ready(port)
        async with AsyncExitStack() as askers:
            ours, peer = [
                await askers.enter_async_context(HttpAsker(numbers[role], API_KEY))
                for role in ("web", "peer")
            ]
            crowd = [
                await askers.enter_async_context(HttpAsker(numbers["web"], key)) for key in CROWD.values()
            ]
            doors = Doors(ours, peer, crowd, limited, pids)
            for _ in range(3):  # a cold JVM takes twice the CPU
                await ours.closed_loop(CLIENTS, ROUND_S)
                await peer.closed_loop(CLIENTS, ROUND_S)
            await _beside_the_peer(doors, rounds, order, report)
            await _neighbours(doors, rounds, order, report)
            await _overload(doors, rounds, report)


async def _beside_the_peer(doors: Doors, rounds: int, order: random.Random, report: Report) -> None:
    seen: defaultdict[str, list[float]] = defaultdict(list)
    used: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for name, asker, pid in order.sample(
            [("ours", doors.ours, doors.pids["web"]), ("peer", doors.peer, doors.pids["peer"])], 2
        ):
            per_s, cpu_us = await asker.cost(pid, CLIENTS, ROUND_S)
            seen[name].append(per_s)
            used[name].append(cpu_us)
    report.table(
        "Beside FastAPI over PostgreSQL",
        f"A payment recorded, charged and answered with 201; {CLIENTS} clients, the provider at 0 ms, one process of each. "
        "The peer asks Stripe within the request, and promises nothing when it is killed. Median (least–most).",
        ["what", "payments/s", "of the peer", "CPU µs of the HTTP process per payment"],
        [
            [label, spread(seen[name], 0), spread(ratios(seen[name], seen["peer"])), spread(used[name], 0)]
            for name, label in (
                ("peer", "FastAPI, asyncpg, one transaction before and one after"),
                ("ours", "Millrace"),
            )
        ],
    )


async def _neighbours(doors: Doors, rounds: int, order: random.Random, report: Report) -> None:
    alone = (LIMITS_PER_S[0], 0)
    conditions = [alone, *((limit, times) for limit in LIMITS_PER_S for times in (WITHIN, BEYOND))]
    seen: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    refused: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for _ in range(rounds):
        for limit, times in order.sample(conditions, len(conditions)):
            latency, statuses = await _beside(doors.limited[limit], times * limit / PAYMENT_COST)
            seen[limit, times].append(latency.p99)
            refused[limit, times].append(statuses[429] / max(1, statuses.total()))
    report.table(
        "A neighbour at ten times its limit",
        f"A merchant asks for {OTHER_PER_S:g} payments/s, p99 in ms, by {OTHER_PER_S * BESIDE_S:.0f} payments a round; its "
        f"neighbour has been asking for {SETTLED_S:g} s. Must: 1.5 times as long as alone at most.",
        [
            "limit of the neighbour, payments/s",
            "it asks for",
            "is refused",
            "p99 of the other",
            "of alone",
            "of a neighbour at its limit",
        ],
        [
            [
                f"{limit / PAYMENT_COST:g}" if times else "",
                f"{times * limit / PAYMENT_COST:g}",
                f"{100 * median(refused[limit, times]):.0f} %",
                spread(seen[limit, times], 1),
                spread(ratios(seen[limit, times], seen[alone])),
                spread(ratios(seen[limit, times], seen[limit, WITHIN])) if times else "",
            ]
            for limit, times in conditions
        ],
    )


async def _beside(port: int, neighbour_per_s: float) -> tuple[Latency, Counter[int]]:
    statuses = Counter[int]()
    async with HttpAsker(port, API_KEY) as neighbour, HttpAsker(port, OTHER_KEY) as other:

        async def ask(at: float) -> None:
            statuses[await neighbour.status()] += 1

        asking = asyncio.create_task(open_loop(neighbour_per_s, SETTLED_S + BESIDE_S, ask))
        await asyncio.sleep(SETTLED_S)
        latency = await other.latency(OTHER_PER_S, BESIDE_S)
        await asking
    assert set(statuses) <= {201, 429}, statuses
    return latency, statuses


async def _overload(doors: Doors, rounds: int, report: Report) -> None:
    peaks: list[float] = []
    good: list[float] = []
    turned_away: list[float] = []
    for _ in range(rounds):
        peaks.append(
            max([await doors.ours.closed_loop(clients, PEAK_S) for clients in (CLIENTS, 4 * CLIENTS)])
        )
        answered_at, statuses = await _asked_for_too_much(doors.crowd, OVERLOAD * peaks[-1])
        good.append(sum(SETTLED_S <= at < OVERLOAD_S for at in answered_at) / (OVERLOAD_S - SETTLED_S))
        turned_away.append(1 - statuses[201] / statuses.total())
    report.table(
        "Three times as much as can be carried",
        f"Offered, open loop, {OVERLOAD:g} times the peak, which is the better of {CLIENTS} and {4 * CLIENTS} clients. Goodput: "
        f"201 within {IN_TIME_S:g} s, from the {SETTLED_S:g}rd second to the {OVERLOAD_S:g}th; the load's own CPU is on the same "
        "cores. Must: 0.90.",
        ["peak, payments/s", "goodput", "of the peak", "turned away with 429 or 503"],
        [
            [
                spread(peaks, 0),
                spread(good, 0),
                spread(ratios(good, peaks)),
                f"{100 * median(turned_away):.0f} %",
            ]
        ],
    )


async def _asked_for_too_much(askers: Sequence[HttpAsker], rate: float) -> tuple[list[float], Counter[int]]:
    """When payments were answered in time, in seconds from the beginning; and all statuses."""
    answered_at: list[float] = []
    statuses = Counter[int]()
    began_at = time.monotonic()

    def told(asked_at: float, status: int) -> None:
        now = time.monotonic()
        statuses[status] += 1
        if status == 201 and now - asked_at < IN_TIME_S:
            answered_at.append(now - began_at)

    for number in range(int(rate * OVERLOAD_S)):
        at = began_at + number / rate
        if (wait := at - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        askers[number % len(askers)].send(partial(told, at))
    while statuses.total() < int(rate * OVERLOAD_S):  # noqa: ASYNC110 - nobody else is to be woken
        await asyncio.sleep(0.1)
    # NOT_ANSWERED: the system's own bound on connections that nobody has taken yet
    assert set(statuses) <= {201, 202, 429, 503, NOT_ANSWERED}, statuses
    return answered_at, statuses
