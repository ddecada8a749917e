"""What must hold after a run, whatever was done to it; read from Kafka and from the provider's own ledger."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streams.delivery import POSITION, changelog_topic
from tests.faults.delivery.feed import POISON, POISON_HEADERS
from tests.faults.delivery.kafka_log import Record, committed_of, read_all

EVENTS_PER_COMMAND = 2  # requested, settled


@dataclass
class Evidence:
    commands: list[Record]
    events: list[Record]
    changelog: list[Record]
    dead: list[Record]
    gateway_at: dict[int, int]
    ledger: list[list[str]]
    keys: int
    per_key: int
    violations: Counter[str] = field(default_factory=Counter)


async def collect(
    bootstrap: str, run: str, partitions: int, ledger: Path, keys: int, per_key: int
) -> Evidence:
    commands, events, dead = [
        await read_all(bootstrap, f"{run}-{name}", partitions) for name in ("commands", "events", "dead")
    ]
    changelog = await read_all(bootstrap, changelog_topic(f"{run}-writer", "state"), partitions)
    gateway_at = await committed_of(bootstrap, f"{run}-gateway", f"{run}-events")
    return Evidence(commands, events, changelog, dead, gateway_at, _calls(ledger), keys, per_key)


def _calls(ledger: Path) -> list[list[str]]:
    return [line.split() for line in ledger.read_text().splitlines()] if ledger.exists() else []


def judge(found: Evidence) -> dict[str, int]:
    """Violations by name; none of them: clean."""
    for check in (_each_command_settled_once, _sequences_are_whole, _nothing_is_said_twice, _table_is_the_replay,
                  _poison_is_on_the_dead_letters_once, _provider_saw_one_key_per_payment, _nothing_is_left_behind):  # fmt: skip
        check(found)
    return {name: count for name, count in found.violations.items() if count}


def _decoded(found: Evidence) -> list[tuple[bytes, dict[str, Any]]]:
    return [(record.key or b"", json.loads(record.value or b"")) for record in found.events]


def _each_command_settled_once(found: Evidence) -> None:
    settled = Counter((key, event["op"]) for key, event in _decoded(found) if event["type"] == "settled")
    refused = sum(event["type"] == "refused" for _, event in _decoded(found))
    for key in range(found.keys):
        for op in range(found.per_key):
            times = settled[b"k%d" % key, op]
            found.violations["command without a settled event"] += times == 0
            found.violations["command settled more than once"] += times > 1
    found.violations["command refused"] += refused


def _sequences_are_whole(found: Evidence) -> None:
    stories: defaultdict[bytes, list[int]] = defaultdict(list)
    for key, event in _decoded(found):
        stories[key].append(event["seq"])
    for number in range(found.keys):
        story = stories[b"k%d" % number]
        whole = list(range(1, EVENTS_PER_COMMAND * found.per_key + 1))
        found.violations["sequence with gaps or repeats"] += sorted(story) != whole
        found.violations["sequence out of order"] += story != sorted(story)


def _nothing_is_said_twice(found: Evidence) -> None:
    said = Counter(event["id"] for _, event in _decoded(found))
    found.violations["event published twice"] += sum(times - 1 for times in said.values())


def _table_is_the_replay(found: Evidence) -> None:
    replayed: dict[bytes, dict[str, Any]] = {}
    for key, event in _decoded(found):
        state = replayed.setdefault(key, {"seq": 0, "pending": [], "done": []})
        state["seq"] = event["seq"]
        if event["type"] == "requested":
            state["pending"].append(event["op"])
        elif event["type"] == "settled" and event["op"] in state["pending"]:
            state["pending"].remove(event["op"])
            state["done"].append(event["op"])
    table: dict[bytes, dict[str, Any]] = {}
    for record in found.changelog:
        if record.key != POSITION:
            state = json.loads(record.value or b"")
            before = table.get(record.key or b"", {"seq": 0})["seq"]
            found.violations["changelog went backwards"] += state["seq"] < before
            table[record.key or b""] = {name: state[name] for name in ("seq", "pending", "done")}
    differing = {key for key in replayed.keys() | table.keys() if replayed.get(key) != table.get(key)}
    found.violations["table is not the replay of the events"] += len(differing)


def _poison_is_on_the_dead_letters_once(found: Evidence) -> None:
    sources = {f"{r.topic}/{r.partition}/{r.offset}".encode() for r in found.commands if r.value == POISON}
    letters = Counter(dict(record.headers)["source"] for record in found.dead)
    found.violations["poison missing on the dead letters"] += len(sources - letters.keys())
    found.violations["dead letter without poison, or twice"] += sum(
        times - (source in sources) for source, times in letters.items()
    )
    for record in found.dead:
        same = record.value == POISON and list(record.headers)[: len(POISON_HEADERS)] == POISON_HEADERS
        found.violations["dead letter not as it was"] += not same


def _provider_saw_one_key_per_payment(found: Evidence) -> None:
    keys: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for key, op, idempotency_key, *_ in found.ledger:
        keys[key, op].add(idempotency_key)
    found.violations["provider called with two idempotency keys"] += sum(
        len(each) > 1 for each in keys.values()
    )


def _nothing_is_left_behind(found: Evidence) -> None:
    at = {r.partition: int(r.value or b"0") for r in found.changelog if r.key == POSITION}
    found.violations["commands behind the writer"] += sum(
        r.offset >= at.get(r.partition, 0) for r in found.commands
    )
    found.violations["events behind the gateway"] += sum(
        record.offset >= found.gateway_at.get(record.partition, 0) for record in found.events
    )
