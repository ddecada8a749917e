"""`millrace audit`: what operators did. Each act is told where what it changed is kept, in one transaction with it: merchants and
keys in PostgreSQL, dead letters, policies and
commands about payments on Kafka. Here the two are put together.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson

from streams.adapters.postgres import audit
from streams.adapters.postgres.audit import Act
from streams.operator import commanding, policies
from streams.operator.dead_letters import audit as letters
from streams.operator.printing import show
from streams.operator.reading import records
from streams.settings import Settings, load
from streams.topics import AUDIT


@dataclass(frozen=True, slots=True)
class Wanted:
    """`subject`: a merchant (its keys too), a key's prefix or a dead letter. None: no matter."""

    subject: str | None
    since: datetime | None
    until: datetime | None
    most: int


def list_newest(wanted: Wanted, as_json: bool) -> None:
    """In the order in which they happened. Raises Unavailable, where a part of it cannot be read too; and SettingsRefused."""
    rows = [asdict(act) for act in asyncio.run(newest(load(), wanted))]
    show(rows if as_json else [row | {"detail": _short(row["detail"])} for row in rows], as_json)


async def newest(settings: Settings, wanted: Wanted) -> list[Act]:
    """In the order in which they happened. Raises Unavailable."""
    asked = wanted.subject, wanted.since, wanted.until, wanted.most
    kept = await asyncio.to_thread(audit.acts, settings.postgres_dsn, *asked)
    return sorted([*kept, *await _on_kafka(settings, wanted)], key=lambda act: act.at)[-wanted.most :]


async def _on_kafka(settings: Settings, wanted: Wanted) -> list[Act]:
    written = [record async for record in records(settings, AUDIT, may_be_missing=True)]
    return [
        act
        for record in written
        for act in _act(record)
        if wanted.subject in (None, act.subject)
        and (wanted.since is None or act.at >= wanted.since)
        and (wanted.until is None or act.at < wanted.until)
    ]


def _act(record: Any) -> Iterator[Act]:
    """What is no act is passed over: what is kept for ever must not stand in the way for ever."""
    if settled := letters.read(record):
        detail = {"reason": settled.reason, "source": settled.source, "code": settled.code}
        yield Act(settled.at, settled.operator, f"dead_letter.{settled.fate}", settled.letter, detail)
    elif commanded := commanding.read(record):
        detail = {"reason": commanded.reason, "merchant": commanded.merchant, "command": commanded.command}
        yield Act(commanded.at, commanded.operator, commanded.type, commanded.payment, detail)
    elif said := policies.read(record):
        action = "policy.dropped" if said.policy is None else "policy.set"
        yield Act(said.at, said.operator, action, said.merchant, {"policy": said.policy})


def _short(detail: dict[str, object]) -> str:
    """For people: what is there, name by name."""
    said = {name: value for name, value in detail.items() if value not in (None, "", [])}
    return " ".join(
        f"{name}={value if isinstance(value, str) else orjson.dumps(value).decode()}"
        for name, value in said.items()
    )
