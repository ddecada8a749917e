"""The door as its callers meet it: beside FastAPI over PostgreSQL, with a neighbour who asks for far too much, and above what
it can carry. Each on the same servers, in interleaved rounds.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from sandbox.ports import Ports
from sandbox.testing import Servers
from tests.bench.latency import HttpAsker, Latency, open_loop
from tests.bench.report import Report, ratios, spread
from tests.bench.rounds import running
from tests.bench.service import API_KEY, MERCHANT, ROLES, environment_of, prepare, ready, started

CLIENTS = 64
ROUND_S = 5.0
OVERLOAD, OVERLOAD_S = 3.0, 8.0
IN_TIME_S = 10.0
"""An answer later than this is of no use: callers have gone."""

NOT_TAKEN = 0
LIMIT_PER_S, PAYMENT_COST = 100, 5
"""Twenty payments a second are a key's limit where neighbours are measured."""
GREEDY_PER_S, MODEST_PER_S = 10 * LIMIT_PER_S / PAYMENT_COST, 10.0
OTHER_MERCHANT, OTHER_KEY = "mer_bench_other", "mr_test_otherbench"


@dataclass(frozen=True)
class Doors:
    """What is measured, and the pids behind it. `limited`: the port of a door of ours with a low limit."""

    ours: HttpAsker
    peer: HttpAsker
    limited: int
    pids: dict[str, int]


async def measure(servers: Servers, rounds: int, order: random.Random, report: Report) -> None:
    ports = Ports()
    numbers = {
        role: ports.take() for role in ("stripe", "web", "limited", "peer", "writer", "gateway", "projection")
    }
    ports.close()
    with TemporaryDirectory() as folder, ExitStack() as stack:
        environment = environment_of(servers, numbers["stripe"], Path(folder))
        prepare(environment, {MERCHANT: API_KEY, OTHER_MERCHANT: OTHER_KEY})
        stack.enter_context(
            running(("sandbox.stripe_simulator", "--port", str(numbers["stripe"])), **environment)
        )
        pids = {
            role: started(stack, module, numbers[role], environment, MILLRACE_INSTANCE=role)
            for role, module in (*ROLES.items(), ("peer", "tests.bench.peer"))
        }
        own = {"MILLRACE_INSTANCE": "web-1", "MILLRACE_RATE_LIMIT_KEY_PER_S": str(LIMIT_PER_S)}
        pids["limited"] = started(stack, "web", numbers["limited"], environment, **own)
        for role in pids:
            await ready(numbers[role])
        async with AsyncExitStack() as askers:
            ours, peer = [
                await askers.enter_async_context(HttpAsker(numbers[role], API_KEY))
                for role in ("web", "peer")
            ]
            doors = Doors(ours, peer, numbers["limited"], pids)
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
    seen: defaultdict[str, list[float]] = defaultdict(list)
    refused: list[float] = []
    async with HttpAsker(doors.limited, API_KEY) as greedy, HttpAsker(doors.limited, OTHER_KEY) as modest:
        conditions: dict[str, Callable[[], Awaitable[Latency]]] = {
            "alone": lambda: modest.latency(MODEST_PER_S, ROUND_S * 2),
            "beside": lambda: _beside(modest, greedy, refused),
        }
        for _ in range(rounds):
            for name in order.sample(sorted(conditions), 2):
                seen[name].append((await conditions[name]()).p99)
    report.table(
        "A neighbour at ten times its limit",
        f"One merchant's key has a limit of {LIMIT_PER_S / PAYMENT_COST:.0f} payments/s and asks for {GREEDY_PER_S:.0f}; another "
        f"merchant asks for {MODEST_PER_S:.0f}. p99 of the other one, ms. Must: at most 1.5 times as long as alone.",
        ["what", "p99", "of alone", "refused of the neighbour"],
        [
            ["alone", spread(seen["alone"], 1), "1", ""],
            [
                "beside",
                spread(seen["beside"], 1),
                spread(ratios(seen["beside"], seen["alone"])),
                f"{100 * median(refused):.0f} %",
            ],
        ],
    )


async def _beside(modest: HttpAsker, greedy: HttpAsker, refused: list[float]) -> Latency:
    statuses: list[int] = []

    async def ask(at: float) -> None:
        statuses.append(await greedy.status())

    asking = asyncio.create_task(open_loop(GREEDY_PER_S, ROUND_S * 2, ask))
    latency = await modest.latency(MODEST_PER_S, ROUND_S * 2)
    await asking
    assert set(statuses) <= {201, 429}, set(statuses)
    refused.append(statuses.count(429) / len(statuses))
    return latency


async def _overload(doors: Doors, rounds: int, report: Report) -> None:
    peaks: list[float] = []
    good: list[float] = []
    turned_away: list[float] = []
    for _ in range(rounds):
        peaks.append(
            max([await doors.ours.closed_loop(clients, ROUND_S) for clients in (CLIENTS, 4 * CLIENTS)])
        )
        rate, answers = OVERLOAD * peaks[-1], defaultdict[int, int](int)

        async def ask(at: float, answers: dict[int, int] = answers) -> None:
            try:
                status = await doors.ours.status()
            except ConnectionError:  # the system's own bound on connections that nobody has taken yet
                status = NOT_TAKEN
            answers[status] += status != 201 or time.monotonic() - at < IN_TIME_S

        began_at = time.monotonic()
        await open_loop(rate, OVERLOAD_S, ask)
        good.append(answers[201] / (time.monotonic() - began_at))
        turned_away.append(
            sum(answers[each] for each in (429, 503, NOT_TAKEN)) / sum(answers.values())
        )  # all of them are one merchant's
        assert set(answers) <= {201, 202, 429, 503, NOT_TAKEN}, answers
    report.table(
        "Three times as much as can be carried",
        f"Offered, open loop, {OVERLOAD_S:g} s of {OVERLOAD:g} times the peak, the better of {CLIENTS} and {4 * CLIENTS} "
        f"clients. Goodput: 201 within {IN_TIME_S:g} s; the load's own CPU is on the same cores. Must: 0.90 of the peak.",
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
