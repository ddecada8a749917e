"""The smallest work there is: a record becomes a state and an event. On Millrace's delivery, and on Faust as it comes.

`python -m tests.bench.toy delivery|naive`: what the delivery costs, with nothing to decide.
"""

import asyncio
import os
import sys
from typing import Any

import faust
import uvloop

from streams.delivery import App, Out, Outgoing, Record, Table, serve

BOOTSTRAP = os.environ.get("MILLRACE_KAFKA_BOOTSTRAP", "")
PREFIX = os.environ.get("BENCH_PREFIX", "toy")
PARTITIONS = int(os.environ.get("MILLRACE_PARTITIONS", "4"))
COMMANDS = os.environ.get("BENCH_COMMANDS", f"{PREFIX}.commands")
EVENTS, DEAD = f"{PREFIX}.events", f"{PREFIX}.dead"
TABLE = "toy"


def toy_outgoing(record: Any, events: str, changelog: str) -> list[Outgoing]:
    return [Outgoing(changelog, record.key, record.value), Outgoing(events, record.key, record.value)]


async def delivery() -> None:
    app = App(
        f"{PREFIX}-writer",
        bootstrap=BOOTSTRAP,
        dead_letters=DEAD,
        partitions=PARTITIONS,
        session_timeout_s=10,
    )

    def step(record: Record, table: Table, out: Out) -> None:
        assert record.key is not None
        assert record.value is not None
        table.set(record.key, record.value)
        out.emit(Outgoing(EVENTS, record.key, record.value))

    app.writer(COMMANDS, TABLE, step)
    await app.serve()


async def naive() -> None:
    """As the documentation shows it: an agent, a table, and send."""
    app = faust.App(
        f"{PREFIX}-naive",
        broker=f"kafka://{BOOTSTRAP}",
        store="memory://",
        topic_partitions=PARTITIONS,
        web_enabled=False,
    )
    commands = app.topic(COMMANDS, key_type=bytes, value_type=bytes, value_serializer="raw")
    events = app.topic(EVENTS, key_type=bytes, value_type=bytes, value_serializer="raw")
    table = app.Table(TABLE, partitions=PARTITIONS, key_type=bytes, value_type=bytes)

    @app.agent(commands)
    async def copy(stream: Any) -> None:
        async for key, value in stream.items():
            table[key] = value
            await events.send(key=key, value=value)

    await app.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[1] == "delivery":
        serve(delivery())
    uvloop.run(naive())
