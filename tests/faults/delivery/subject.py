"""A payment service in miniature, for the chaos test: `python -m tests.faults.delivery.subject writer|gateway`.

A `create` leads to a `requested` event; the gateway calls a provider (a line in a file) and reports a `settled`
outcome as a command. Everything is derived, so that a checker can replay it. Settings come as environment variables.
"""

import asyncio
import json
import logging
import os
import random
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from streams.delivery import App, Out, Outgoing, Poison, Record, Table, serve
from tests.faults.planted import plant

RUN, NAME, BUG = (os.environ.get(name, "") for name in ("RUN", "NAME", "BUG"))
PARTITIONS = 8
REMEMBERED = 16  # commands per payment
PROVIDER_S = (0.05, 0.2)
PROVIDER_SLOW_S = (0.5, 1.0)  # what a commit passes by must be running for long enough to be killed
NAMESPACE = uuid.UUID(int=7)
COMMANDS, EVENTS, REPLIES, DEAD = (f"{RUN}-{name}" for name in ("commands", "events", "replies", "dead"))

State = dict[str, Any]


def dumps(what: object) -> bytes:
    return json.dumps(what, sort_keys=True, separators=(",", ":")).encode()


def understood(record: Record) -> State:
    try:
        what: State = json.loads(record.value or b"")
        what["id"], what["type"], what["op"]
    except (ValueError, KeyError, TypeError) as exc:
        raise Poison(repr(exc), code="not_understood") from exc
    return what


def decide(state: State, command: State) -> State:
    op = command["op"]
    if command["type"] == "create":
        known = op in state["pending"] or op in state["done"]
        return {"type": "refused", "op": op, "why": "again"} if known else {"type": "requested", "op": op}
    if op not in state["pending"]:
        return {"type": "refused", "op": op, "why": "not pending"}
    return {"type": "settled", "op": op, "ref": command["ref"]}


def evolve(state: State, event: State) -> None:
    state["seq"] = event["seq"]
    if event["type"] == "requested":
        state["pending"].append(event["op"])
    if event["type"] == "settled":
        state["pending"].remove(event["op"])
        state["done"].append(event["op"])


def step(record: Record, table: Table, out: Out) -> None:
    command = understood(record)
    key = record.key or b""
    state: State = json.loads(table.get(key) or b'{"seq":0,"pending":[],"done":[],"seen":[]}')
    if command["id"] in state["seen"] and BUG != "forgets_commands":
        return
    event = decide(state, command)
    event |= {"id": str(uuid.uuid5(NAMESPACE, command["id"])), "seq": state["seq"] + 1, "key": key.decode()}
    evolve(state, event)
    state["seen"] = [*state["seen"], command["id"]][-REMEMBERED:]
    table.set(key, dumps(state))
    out.emit(Outgoing(EVENTS, key, dumps(event)))
    out.answer(Outgoing(REPLIES, key, dumps(event), partition=0))
    out.answer(Outgoing(f"{RUN}-nowhere-{event['op']}", key, b"", partition=999))  # must disturb nothing


def handle(record: Record) -> Any:
    event = json.loads(record.value or b"")
    return call_provider(record, event) if event["type"] == "requested" else None


async def call_provider(record: Record, event: State) -> list[Outgoing]:
    idempotency_key = f"{event['key']}:{event['op']}:{event['seq']}"
    with Path(os.environ["LEDGER"]).open("a") as ledger:  # noqa: ASYNC230 - one short line
        ledger.write(f"{event['key']} {event['op']} {idempotency_key} {NAME} {time.time():.3f}\n")
    await asyncio.sleep(random.uniform(*(PROVIDER_SLOW_S if BUG == "acks_out_of_order" else PROVIDER_S)))
    outcome = uuid.uuid5(NAMESPACE, idempotency_key)
    command = {"id": str(outcome), "type": "outcome", "op": event["op"], "ref": f"ch_{outcome.hex[:12]}"}
    return [Outgoing(COMMANDS, record.key, dumps(command))]


async def main(role: str) -> None:
    plant(BUG)
    app = App(
        f"{RUN}-{role}",
        bootstrap=os.environ["BOOTSTRAP"],
        dead_letters=DEAD,
        partitions=PARTITIONS,
        instance_id=os.environ.get("INSTANCE") or None,
        session_timeout_s=float(os.environ["SESSION_S"]),
    )
    if role == "writer":
        app.writer(COMMANDS, "state", step)
    else:
        app.gateway(EVENTS, handle)
    await app.serve()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    serve(main(sys.argv[1]))
