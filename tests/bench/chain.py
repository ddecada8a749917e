"""(b) Latency added over Stripe's own time, (c) CPU per payment by process, and bursts: writer and gateway beside a
bare chain of the same hops, on the same broker, with the simulator answering at once."""

import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from sandbox.ports import Ports
from sandbox.testing import Servers
from streams.adapters.postgres.merchants import ensure_demo_merchants
from streams.topics import COMMANDS, REPLIES
from tests.bench.latency import HttpAsker, KafkaAsker, Latency
from tests.bench.report import Report, spread
from tests.bench.rounds import cpu, make_topics, running

RATES = (20, 100, 300)
BURST = 2_000
CLIENTS = 64
WARM_S = 8.0
READY_S = 60.0
API_KEY = "mr_test_bench"
MERCHANT = "mer_bench"


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
    await make_topics(bootstrap, ["bare.commands", "bare.events", "bare.changelog", "payments.replies.bare"])
    ports = Ports()
    numbers = {role: ports.take() for role in ("stripe", "web", "writer", "gateway", "projection")}
    ports.close()
    with TemporaryDirectory() as folder, ExitStack() as stack:
        environment = _environment(servers, numbers, Path(folder))
        _prepare(environment)
        simulator, bare_writer, bare_gateway = stack.enter_context(
            running(
                ("sandbox.stripe_simulator", "--port", str(numbers["stripe"])),
                ("tests.bench.bare", "writer"),
                ("tests.bench.bare", "gateway"),
                **environment,
            )
        )
        service = {
            role: stack.enter_context(
                running(
                    (module,), **environment, MILLRACE_HEALTH_PORT=str(numbers[role]), MILLRACE_INSTANCE=role
                )
            )[0].pid
            for role, module in (
                ("writer", "agents.writer"),
                ("gateway", "agents.gateway"),
                ("projection", "agents.projection"),
                ("web", "web"),
            )
        }
        shared = {"kafka": servers.kafka().pid, "simulator": simulator.pid}
        for role in ("writer", "gateway", "projection"):
            await _ready(f"http://127.0.0.1:{numbers[role]}/readyz")
        http_url = f"http://127.0.0.1:{numbers['web']}"
        await _ready(f"{http_url}/readyz")
        async with (
            KafkaAsker(bootstrap, COMMANDS, REPLIES) as ours,
            KafkaAsker(bootstrap, "bare.commands", "payments.replies.bare") as bare,
            HttpAsker(http_url, API_KEY) as http,
        ):
            chains = [
                Chain("bare chain", bare, {"writer": bare_writer.pid, "gateway": bare_gateway.pid, **shared}),
                Chain("Millrace, command → reply", ours, {**service, **shared}),
                Chain("Millrace, HTTP → 201", http, {**service, **shared}),
            ]
            for chain in chains:  # a cold JVM doubles everything
                await chain.asker.latency(100, WARM_S)
            await _latencies(chains, seconds, order, report)
            await _bursts(bare, ours, http, rounds, order, report)


async def _latencies(chains: list[Chain], seconds: float, order: random.Random, report: Report) -> None:
    found: dict[tuple[int, str], Latency] = {}
    used: defaultdict[tuple[int, str], dict[str, float]] = defaultdict(dict)
    for rate in RATES:
        for chain in order.sample(chains, len(chains)):
            before = {role: cpu(pid) for role, pid in chain.pids.items()}
            found[rate, chain.name] = await chain.asker.latency(rate, seconds)
            count = found[rate, chain.name].count
            used[rate, chain.name] = {
                role: (cpu(pid) - before[role]) / count * 1e6 for role, pid in chain.pids.items()
            }
    report.table(
        "Latency added over the provider's own time",
        "From the scheduled send (open loop) to the reply, or to the 201; the provider answers at once. ms. Must, for "
        "command → reply: p50 ≤ 14 / 14 / 32 and p99 ≤ 45 / 45 / 80 at 20 / 100 / 300 payments/s.",
        ["payments/s", "what", "p50", "p95", "p99"],
        [
            [rate, chain.name, *(f"{ms:.1f}" for ms in (at.p50, at.p95, at.p99))]
            for rate in RATES
            for chain in chains
            for at in [found[rate, chain.name]]
        ],
    )
    roles = ["writer", "gateway", "projection", "web", "kafka", "simulator"]
    report.table(
        "CPU per payment",
        "µs of each process, user and system.",
        ["payments/s", "what", *roles],
        [
            [
                rate,
                chain.name,
                *(f"{used[rate, chain.name][role]:.0f}" if role in chain.pids else "" for role in roles),
            ]
            for rate in RATES
            for chain in chains
        ],
    )


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
                spread([a / b for a, b in zip(seen[name], seen["bare"], strict=True)]),
            ]
            for name, label in (
                ("bare", "bare chain"),
                ("ours", "Millrace, command → reply"),
                ("http", f"Millrace, HTTP → 201, {CLIENTS} clients"),
            )
        ],
    )


def _environment(servers: Servers, ports: dict[str, int], folder: Path) -> dict[str, str]:
    return {
        "MILLRACE_KAFKA_BOOTSTRAP": servers.kafka().bootstrap,
        "MILLRACE_POSTGRES_DSN": servers.postgres().fresh_database(),
        "MILLRACE_REDIS_URL": servers.redis().url,
        "MILLRACE_STRIPE_API_BASE": f"http://127.0.0.1:{ports['stripe']}",
        "MILLRACE_STRIPE_API_KEY": "sk_test_bench",
        "MILLRACE_STRIPE_WEBHOOK_SECRETS": "whsec_bench",
        "MILLRACE_INTERNAL_KEY": "bench",
        "MILLRACE_GROUP_PREFIX": "chain",
        "MILLRACE_DATA_DIR": str(folder),
        "MILLRACE_HTTP_PORT": str(ports["web"]),
        "BENCH_PREFIX": "bare",
    }


def _prepare(environment: dict[str, str]) -> None:
    """Tables, topics and one merchant, as `make run` makes them."""
    for arguments in (("streams.adapters.postgres", "migrate"), ("millrace", "topics", "create")):
        subprocess.run([sys.executable, "-m", *arguments], env={**os.environ, **environment}, check=True)
    ensure_demo_merchants(environment["MILLRACE_POSTGRES_DSN"], {MERCHANT: API_KEY})


async def _ready(url: str) -> None:
    until = time.monotonic() + READY_S
    async with aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(url) as answer:
                    if answer.status == 200:
                        return
                    said = await answer.text()
            except aiohttp.ClientError as away:
                said = repr(away)
            assert time.monotonic() < until, f"{url} is not ready: {said}"
