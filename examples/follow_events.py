"""What happens to all payments, as a consumer of one's own reads it: each event taken in once, whatever ends this program.

    .venv/bin/python examples/follow_events.py [payments.sqlite]          with `make run` running; Ctrl-C stops it

The view (each payment as it stands) and the place in each partition are kept in one transaction of SQLite: after `kill -9` it
goes on where the view is. Delete the file to begin anew. It needs aiokafka and nothing of Millrace's: docs/consume.md.
"""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path

from aiokafka import AIOKafkaConsumer, ConsumerRecord

ROOT = Path(__file__).resolve().parent.parent
ENDPOINTS = Path(os.environ.get("ENDPOINTS", ROOT / ".run/endpoints.json"))
EVENTS = "payments.events.v1"
READ_MS = 500
TABLES = """
CREATE TABLE IF NOT EXISTS payments (id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, status TEXT, amount_captured INTEGER);
CREATE TABLE IF NOT EXISTS places (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL);
"""


def take_in(view: sqlite3.Connection, record: ConsumerRecord) -> str | None:
    """What to say of the event; None: it was taken in before. Raises LookupError where one is missing before it."""
    headers = {name: value.decode() for name, value in record.headers}
    payment, sequence = headers["ce_subject"], int(headers["ce_sequence"])
    row = view.execute("SELECT sequence FROM payments WHERE id = ?", (payment,)).fetchone()
    last = row[0] if row else 0
    if sequence <= last:
        return None
    if sequence > last + 1:
        raise LookupError(f"{payment}: event {sequence} came after {last}")
    now = (
        json.loads(record.value)["payment"] or {}
    )  # as it stands after the event; None where a create was refused
    status = now.get("status")
    view.execute(
        "REPLACE INTO payments VALUES (?, ?, ?, ?)", (payment, sequence, status, now.get("amount_captured"))
    )
    return f"{headers['ce_time']}  {payment}  {sequence:>3}  {headers['ce_type']:<32} {status}"


async def follow(consumer: AIOKafkaConsumer, view: sqlite3.Connection) -> None:
    places = dict(view.execute("SELECT partition, next FROM places"))
    for each in consumer.assignment():
        consumer.seek(each, places.get(each.partition, 0))
    stopped = asyncio.Event()  # between two reads; a cancellation in the midst of one can be lost
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stopped.set)
    while not stopped.is_set():
        for partition, records in (await consumer.getmany(timeout_ms=READ_MS)).items():
            with view:  # one transaction: the view and the place, or neither
                said = [take_in(view, record) for record in records]
                place = (partition.partition, records[-1].offset + 1)
                view.execute("REPLACE INTO places VALUES (?, ?)", place)
            for line in filter(None, said):
                print(line, flush=True)


async def main(kafka: str, file: str) -> None:
    consumer = AIOKafkaConsumer(
        EVENTS,  # without a group: all its partitions, and the place is the view's to keep
        bootstrap_servers=kafka,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    with closing(sqlite3.connect(file)) as view:
        view.executescript(TABLES)
        async with consumer:
            await follow(consumer, view)


if __name__ == "__main__":
    if not ENDPOINTS.exists():
        sys.exit("nothing runs here: start `make run` first")
    [file] = sys.argv[1:] or ["payments.sqlite"]
    with suppress(KeyboardInterrupt):
        asyncio.run(main(json.loads(ENDPOINTS.read_text())["kafka"], file))
