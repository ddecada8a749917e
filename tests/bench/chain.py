"""(b) Latency added over Stripe's own time, (c) CPU per payment by process, and bursts: writer and gateway beside a
bare chain of the same hops, on the same broker, with the simulator answering at once."""

import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import psutil

from sandbox.ports import Ports
from sandbox.testing import Servers
from streams.delivery.memory import freeze
from streams.topics import COMMANDS
from tests.bench.latency import HttpAsker, KafkaAsker, Latency
from tests.bench.report import Report, ratios, spread
from tests.bench.rounds import cpu, make_topics, running
from tests.bench.service import API_KEY, MERCHANT, ROLES, environment_of, prepare, ready, started

RATES = (20, 100, 300)
BURST = 2_000
CLIENTS = 64
OUR_REPLIES, BARE_REPLIES = "payments.replies.bench", "payments.replies.bare"  # nobody else reads them
WARM_BURSTS, WARM_S, WARM_MAX = 3, 10.0, 12
"""Before anything counts: a cold JVM takes twice the CPU of a warm one, and compiles beside it."""
WARM = 0.97
"""Of what the broker took per payment in the turn before: when it takes no less, there is nothing left to compile."""

FOREIGN_MAX = 0.45
"""Cores that others may use during a round whose latencies count."""
VOID_MAX = 5
DOOR_S = 4.0
WITH_KAFKA, WITHOUT_KAFKA = "with an acknowledged send", "without Kafka"


@dataclass(frozen=True)
class Chain:
    """What is measured: how to ask it, and its processes by role."""

    name: str
    asker: KafkaAsker | HttpAsker
    pids: dict[str, int]


async def measure(
    servers: Servers, rounds: int, seconds: float, order: random.Random, report: Report
) -> None:
    bootstrap = servers.kafka().bootstrap
    await make_topics(
        bootstrap, ["bare.commands", "bare.events", "bare.changelog", BARE_REPLIES, OUR_REPLIES]
    )
    ports = Ports()
    numbers = {
        role: ports.take()
        for role in ("stripe", "web", "door", "bare_door", "writer", "gateway", "projection")
    }
    ports.close()
    with TemporaryDirectory() as folder, ExitStack() as stack:
        environment = environment_of(servers, numbers["stripe"], Path(folder))
        prepare(environment, {MERCHANT: API_KEY})
        simulator, bare_writer, bare_gateway = stack.enter_context(
            running(
                ("sandbox.stripe_simulator", "--port", str(numbers["stripe"])),
                ("tests.bench.bare", "writer"),
                ("tests.bench.bare", "gateway"),
                **environment,
            )
        )
        service = {
            role: started(stack, module, numbers[role], environment, MILLRACE_INSTANCE=role)
            for role, module in ROLES.items()
        }
        shared = {"kafka": servers.kafka().pid, "simulator": simulator.pid}
        for role in service:
            await ready(numbers[role])
        async with (
            KafkaAsker(bootstrap, COMMANDS, OUR_REPLIES) as ours,
            KafkaAsker(bootstrap, "bare.commands", BARE_REPLIES) as bare,
            HttpAsker(numbers["web"], API_KEY) as http,
        ):
            chains = [
                Chain("bare chain", bare, {"writer": bare_writer.pid, "gateway": bare_gateway.pid, **shared}),
                Chain("Millrace, command → reply", ours, {**service, **shared}),
                Chain("Millrace, HTTP → 201", http, {**service, **shared}),
            ]
            for _ in range(WARM_BURSTS):
                await bare.burst(BURST)
                await ours.burst(BURST)
            await _warm(chains)
            await _latencies(chains, rounds, seconds, order, report)
            await _bursts(bare, ours, http, rounds, order, report)
        await _door(environment, numbers, rounds, order, report)


async def _warm(chains: list[Chain]) -> None:
    took_us = float("inf")
    for _ in range(WARM_MAX):
        rounds = [await _once(chain, RATES[-1], WARM_S) for chain in chains]
        before_us, took_us = took_us, sum(each.cpu_us["kafka"] for each in rounds)
        print(f"warming: the broker takes {took_us / len(rounds):.0f} µs per payment", flush=True)
        if took_us >= WARM * before_us:
            return
    raise AssertionError("the broker does not become warm")


async def _latencies(
    chains: list[Chain], rounds: int, seconds: float, order: random.Random, report: Report
) -> None:
    seen: defaultdict[tuple[int, str], list[Round]] = defaultdict(list)
    for _ in range(rounds):
        for rate in RATES:
            for chain in order.sample(chains, len(chains)):
                seen[rate, chain.name].append(await _round(chain, rate, seconds))
    bare = chains[0].name
    report.table(
        "Latency added over the provider's own time",
        f"From the scheduled send (open loop) to the reply, or to the 201; the provider answers at once. ms, median "
        f"(least–most) of {rounds} rounds of {seconds:g} s, and p50 as a multiple of the bare chain's in the same round. "
        "Must, for command → reply: p50 ≤ 14 / 14 / 32 and p99 ≤ 45 / 45 / 80 at 20 / 100 / 300 payments/s.",
        ["payments/s", "what", "p50", "p95", "p99", "of bare"],
        [
            [
                rate,
                chain.name,
                *(spread([getattr(r.latency, cut) for r in these], 1) for cut in ("p50", "p95", "p99")),
                spread(ratios([r.latency.p50 for r in these], [b.latency.p50 for b in seen[rate, bare]]), 1),
            ]
            for rate in RATES
            for chain in chains
            for these in [seen[rate, chain.name]]
        ],
    )
    roles = ["writer", "gateway", "projection", "web", "kafka", "simulator"]
    report.table(
        "CPU per payment",
        "µs of each process, user and system; median of the rounds above.",
        ["payments/s", "what", *roles],
        [
            [rate, chain.name, *(_median_us(seen[rate, chain.name], role) for role in roles)]
            for rate in RATES
            for chain in chains
        ],
    )


@dataclass(frozen=True)
class Round:
    """`cpu_us`: per payment, by role. `foreign`: cores that were used by others."""

    latency: Latency
    cpu_us: dict[str, float]
    foreign: float


async def _round(chain: Chain, rate: float, seconds: float) -> Round:
    """Done again while something else on this machine takes more than FOREIGN_MAX of a core: its figures are void."""
    for _ in range(VOID_MAX):
        found = await _once(chain, rate, seconds)
        print(f"{rate}/s {chain.name}: {found.latency}, {found.foreign:.2f} cores foreign", flush=True)
        if found.foreign < FOREIGN_MAX:
            return found
    raise AssertionError("this machine is too busy to measure latencies on")


async def _once(chain: Chain, rate: float, seconds: float) -> Round:
    freeze()  # a pause of the load would count as theirs
    before, began_at, busy_s = _cpu(chain), time.monotonic(), _busy_s()
    latency = await chain.asker.latency(rate, seconds)
    used = {role: now - before[role] for role, now in _cpu(chain).items()}
    foreign = (_busy_s() - busy_s - sum(used.values())) / (time.monotonic() - began_at)
    return Round(latency, {role: s / latency.count * 1e6 for role, s in used.items()}, foreign)


def _cpu(chain: Chain) -> dict[str, float]:
    return {role: cpu(pid) for role, pid in chain.pids.items()} | {"load": time.process_time()}


def _busy_s() -> float:
    """Seconds of CPU that all of this machine has used."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait)


def _median_us(rounds: list[Round], role: str) -> str:
    used = [r.cpu_us[role] for r in rounds if role in r.cpu_us]
    return f"{median(used):.0f}" if used else ""


async def _bursts(
    bare: KafkaAsker, ours: KafkaAsker, http: HttpAsker, rounds: int, order: random.Random, report: Report
) -> None:
    asked: dict[str, Callable[[], Awaitable[float]]] = {
        "bare": lambda: bare.burst(BURST),
        "ours": lambda: ours.burst(BURST),
        "http": lambda: http.closed_loop(CLIENTS, 5.0),
    }
    seen: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for name in order.sample(sorted(asked), len(asked)):
            seen[name].append(await asked[name]())
    report.table(
        "Throughput of the whole chain, provider at 0 ms",
        f"{BURST} commands at once through two hops and the provider's HTTP; and {CLIENTS} HTTP clients, each waiting for "
        "its 201. Median (least–most). Must: HTTP 0.30 of the bare chain.",
        ["what", "payments/s", "of the bare chain"],
        [
            [
                label,
                spread(seen[name], 0),
                spread(ratios(seen[name], seen["bare"])),
            ]
            for name, label in (
                ("bare", "bare chain"),
                ("ours", "Millrace, command → reply"),
                ("http", f"Millrace, HTTP → 201, {CLIENTS} clients"),
            )
        ],
    )


async def _door(
    environment: dict[str, str], ports: dict[str, int], rounds: int, order: random.Random, report: Report
) -> None:
    """The door alone: 202 for what is durable in Kafka, beside the same door whose commands go nowhere."""
    asked: dict[str, tuple[HttpAsker, int]] = {}
    used: defaultdict[str, list[float]] = defaultdict(list)
    rates: defaultdict[str, list[float]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        for name, module, port in (
            (WITH_KAFKA, "web", ports["door"]),
            (WITHOUT_KAFKA, "tests.bench.door", ports["bare_door"]),
        ):
            pid = started(stack, module, port, environment, MILLRACE_INSTANCE="web-1")
            await ready(port)
            asker = HttpAsker(port, API_KEY, prefer_async=True)
            asked[name] = await stack.enter_async_context(asker), pid
            await asker.closed_loop(CLIENTS, DOOR_S)
        for _ in range(rounds):
            for name in order.sample(sorted(asked), len(asked)):
                asker, pid = asked[name]
                per_s, cpu_us = await asker.cost(pid, CLIENTS, DOOR_S)
                rates[name].append(per_s)
                used[name].append(cpu_us)
    report.table(
        "The door alone",
        f"`Prefer: respond-async`, {CLIENTS} clients, one process; median (least–most). Must: the handler without Kafka costs "
        "at least 0.60 of the handler with an acknowledged send.",
        ["what", "requests/s", "CPU µs per request", "of the door with Kafka"],
        [
            [
                name,
                spread(rates[name], 0),
                spread(used[name], 0),
                spread(ratios(used[name], used[WITH_KAFKA])),
            ]
            for name in (WITH_KAFKA, WITHOUT_KAFKA)
        ],
    )
