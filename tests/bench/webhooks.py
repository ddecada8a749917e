"""Webhooks on the run: how many a second one process delivers, and whether dead endpoints slow the others. A worker as the
service has it, PostgreSQL and a receiver are real; the receiver shares this process's CPU, as no merchant's server would.
"""

import asyncio
import base64
import json
import socket
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from agents.notifications.webhooks import Webhooks
from models.webhook_endpoints import Wished
from models.webhooks import Notice, Outcome
from sandbox.testing import Servers
from streams.adapters.postgres import Postgres
from streams.adapters.postgres.migrating import migrate
from streams.adapters.postgres.webhook_endpoints import PostgresWebhookEndpoints
from streams.adapters.postgres.webhook_queue import PostgresWebhookQueue
from streams.adapters.webhook_sender import HttpWebhookSender
from streams.sealing import Sealing
from tests.bench.report import Report, ratios, spread
from tests.streams.adapters.receiver import HOST, receiving

PAYLOAD_BYTES = 2000  # an event with its payment
MOST_S = 300.0
"""A round that takes longer has failed."""


BURST = 5000
ALL_AT_ONCE, ALONE, BESIDE = (
    "one endpoint, all at once",
    "50 endpoints, 200 events/s",
    "the same, 5 of them dead",
)
KINDS = {ALL_AT_ONCE: (1, 0, 0.0), ALONE: (50, 0, 200.0), BESIDE: (50, 5, 200.0)}


@dataclass(frozen=True, slots=True)
class Round:
    per_s: float
    p50_ms: float
    p99_ms: float


@contextmanager
def silence() -> Iterator[str]:
    """Where connections are accepted by the system and never answered."""
    with socket.create_server((HOST, 0), backlog=512) as listening:
        yield f"http://{HOST}:{listening.getsockname()[1]}"


async def round_of(dsn: str, endpoints: int, dead: int, events_per_s: float, seconds: float) -> Round:
    """`events_per_s` 0: all at once. Each event goes to one endpoint, each endpoint is a merchant's own."""
    postgres, sealing = Postgres(dsn), Sealing([f"bench:{base64.b64encode(b'b' * 32).decode()}"])
    kept = PostgresWebhookEndpoints(postgres, sealing)
    count = int(events_per_s * seconds) or BURST
    wanted = sum(number % endpoints >= dead for number in range(count))
    lags: list[float] = []
    all_arrived = asyncio.Event()
    told: dict[str, float] = {}
    dead_ids: set[str] = set()

    def attempted(outcome: Outcome) -> None:
        if outcome.delivery.endpoint not in dead_ids:
            lags.append(time.monotonic() - told[json.loads(outcome.delivery.payload)["id"]])
            if len(lags) == wanted:
                all_arrived.set()

    async with receiving() as receiver:
        with silence() as nowhere:
            for number in range(endpoints):
                where = nowhere if number < dead else receiver.url
                made = await kept.create(f"mer_{number}", Wished(f"{where}/{number}"), uuid4(), "bench")
                assert made
                if number < dead:
                    dead_ids.add(made.endpoint.id)
            sender = HttpWebhookSender([HOST])
            webhooks = Webhooks(PostgresWebhookQueue(postgres, sealing), sender, attempted)
            running = asyncio.create_task(webhooks.run())
            began = time.monotonic()
            for first in range(0, count, 50):
                if events_per_s:
                    await asyncio.sleep(max(0.0, began + first / events_per_s - time.monotonic()))
                batch = range(first, min(first + 50, count))
                for number in batch:
                    told[f"evt-{number}"] = time.monotonic()
                await webhooks.take_in([_notice(number, endpoints) for number in batch])
            async with asyncio.timeout(MOST_S):
                await all_arrived.wait()
            took_s = time.monotonic() - began
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await webhooks.drain(0.1)
            await sender.close()
    await postgres.close()
    return Round(
        wanted / took_s, statistics.median(lags) * 1000, statistics.quantiles(lags, n=100)[98] * 1000
    )


def _notice(number: int, endpoints: int) -> Notice:
    payload = json.dumps({"id": f"evt-{number}", "data": "x" * PAYLOAD_BYTES})
    merchant = f"mer_{number % endpoints}"
    return Notice(
        f"evt-{number}", merchant, "payment.captured.v1", f"pay_{number}", 1, payload, datetime.now(UTC)
    )


async def measure(servers: Servers, rounds: int, seconds: float, report: Report) -> None:
    """Each round in a database of its own, the kinds interleaved."""
    seen = defaultdict[str, list[Round]](list)
    for _ in range(rounds):
        for what, (endpoints, dead, events_per_s) in KINDS.items():
            dsn = servers.postgres().fresh_database()
            await asyncio.to_thread(migrate, dsn)
            seen[what].append(await round_of(dsn, endpoints, dead, events_per_s, seconds))
    alone = [each.p99_ms for each in seen[ALONE]]
    rows = [
        [
            what,
            spread([each.per_s for each in found], 0),
            spread([each.p50_ms for each in found], 0),
            spread([each.p99_ms for each in found], 0),
            "" if what == ALL_AT_ONCE else spread(ratios([each.p99_ms for each in found], alone)),
        ]
        for what, found in seen.items()
    ]
    report.table(
        "Merchants' webhooks",
        "One process, each event to one endpoint; from telling the dispatcher of an event to the answer. The dead accept "
        "connections and never answer. Must: 500/s to one endpoint; beside dead ones at most 1.2 of the p99 without.",
        ["what", "delivered/s", "p50 ms", "p99 ms", "of p99 alone"],
        rows,
    )
