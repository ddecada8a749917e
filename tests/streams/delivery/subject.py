"""The process under test: `python -m tests.streams.delivery.subject`, its settings as JSON in `SUBJECT`.

What a record does to it stands in the record (`do`), so that a test reads as a story. Every half a second, and at once
when something happens, it writes a line of JSON to standard output for the test to wait for.
"""

import asyncio
import json
import logging
import os
import signal
import sys
import time
from typing import Any

from streams.delivery import App, Out, Outgoing, Poison, Record, Table, serve, serving, transport
from tests.faults.planted import plant
from tests.streams.delivery.accidents import happen

SETTINGS: dict[str, Any] = json.loads(os.environ.get("SUBJECT", "{}"))
OUTPUT: str = SETTINGS.get("output", "")
LAG_EVERY_S, STALL_LOOK_S = 2.0, 0.5  # more often than in service: a test waits for what is found out so
LARGE_BYTES = 950_000  # more than a record may have, less than a broker refuses


def say(what: str, **more: object) -> None:
    print(json.dumps({"said": what} | more), flush=True)


def understood(record: Record) -> dict[str, Any]:
    try:
        command: dict[str, Any] = json.loads(record.value or b"")
        command["do"]
    except (ValueError, KeyError, TypeError) as exc:
        raise Poison(repr(exc), code="not_understood") from exc
    return command


def step(record: Record, table: Table, out: Out) -> None:
    """Counts per key; writes and speaks before it obeys, so that what is refused has something to leave behind."""
    command = understood(record)
    key = record.key or b""
    count = int(table.get(key) or 0) + 1
    table.set(key, b"%d" % count)
    out.emit(Outgoing(OUTPUT, key, b"%d" % count))
    match command["do"]:
        case "count":
            pass
        case "poison":
            raise Poison("as it was told", code="told_to")
        case "escape":
            raise RuntimeError("a bug in a step")
        case "grow":
            table.set(key, b"x" * LARGE_BYTES)
        case "emit":
            out.emit(Outgoing(command["topic"], key, b"x" * command["bytes"]))
        case "answer":
            out.answer(Outgoing(command["topic"], key, b"%d" % count, partition=command["partition"]))
        case "delete":
            table.delete(key)
        case "busy":
            time.sleep(command["seconds"])


def handle(record: Record) -> Any:
    command = understood(record)
    return None if command["do"] == "nothing" else work(record, command)


async def work(record: Record, command: dict[str, Any]) -> list[Outgoing]:
    say("began", offset=record.offset, partition=record.partition)
    match command["do"]:
        case "wait":
            await asyncio.sleep(SETTINGS.get("wait_s", 3600.0))
        case "poison":
            raise Poison("as it was told", code="told_to")
        case "escape":
            raise RuntimeError("a bug in a handler")
        case "block":
            while True:  # a loop that never comes back to the event loop
                pass
    say("finished", offset=record.offset, partition=record.partition)
    return [Outgoing(OUTPUT, record.key, b"%d" % record.offset)]


async def apply(records: list[Record]) -> list[Outgoing]:
    app = APPS[0]
    say("began", offsets=[record.offset for record in records])
    letters = []
    for record in records:
        try:
            command = understood(record)
        except Poison as poison:
            letters.append(app.dead_letter(record, poison))
            continue
        if command["do"] == "wait":
            await asyncio.sleep(SETTINGS.get("wait_s", 3600.0))
        if command["do"] == "escape":
            raise RuntimeError("a bug in a follower")
    say("finished", offsets=[record.offset for record in records])
    return letters


APPS: list[App] = []
INDEX: dict[int, dict[bytes, bytes]] = {}


def on_state(partition: int, key: bytes, value: bytes | None) -> None:
    if value is None:
        INDEX[partition].pop(key, None)
    else:
        INDEX.setdefault(partition, {})[key] = value


def on_lost(partition: int) -> None:
    INDEX.pop(partition, None)


async def report() -> None:
    app, before = APPS[0], ""
    while True:
        status = {
            "ready": app.metrics.ready, "owned": sorted(app.owned_partitions()), "records": app.metrics.records,
            "commits": app.metrics.commit_s > 0, "rebalances": app.metrics.rebalances,
            "dropped": app.metrics.answers_dropped, "answers": app.metrics.answers_sent,
            "lag": sum(app.metrics.lag.values()) if app.metrics.lag else None,
            "index": {str(p): sorted((k.decode(), v.decode()) for k, v in rows.items()) for p, rows in INDEX.items()},
        }  # fmt: skip
        if (line := json.dumps(status)) != before:
            before = line
            say("status", **status)
        await asyncio.sleep(0.1)


async def seek_again() -> None:
    """As after a rebalance in which aiokafka kept its positions."""
    app = APPS[0]
    await app.hand_over()
    await app.consumer.perform_seek()
    app.given_back = False
    app.engine.flow_control.resume()
    app.consumer.resume_flow()
    app.flows_again(app.engine.consumer_generation_id)
    say("sought")


async def main() -> None:
    serving.LAG_EVERY_S, transport.STALL_LOOK_S = LAG_EVERY_S, STALL_LOOK_S
    plant(SETTINGS.get("bug", ""))
    named = ("session_timeout_s", "drain_s", "stall_s", "stop_s", "instance_id", "fetch_wait_ms")
    app = App(
        SETTINGS["group"],
        bootstrap=SETTINGS["bootstrap"],
        dead_letters=SETTINGS["dead"],
        partitions=SETTINGS["partitions"],
        **{name: SETTINGS[name] for name in named if name in SETTINGS},
    )
    APPS.append(app)
    match SETTINGS["role"]:
        case "writer":
            app.writer(SETTINGS["source"], "state", step, on_state=on_state, on_lost=on_lost)
        case "gateway":
            app.gateway(SETTINGS["source"], handle, limit=SETTINGS.get("limit", 512))
        case "follower":
            app.follower(SETTINGS["source"], apply)
    happen(SETTINGS.get("accident", ""), app)
    tasks = [asyncio.create_task(report())]
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, lambda: tasks.append(loop.create_task(seek_again())))
    await app.serve()


if __name__ == "__main__":
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    serve(main())
