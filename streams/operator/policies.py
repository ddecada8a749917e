"""`millrace policies`: what a merchant's payments must keep to, shown, said anew or taken back. What it means is the rules'."""

import asyncio
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from models.errors import Unavailable
from models.representation import rfc3339
from streams.adapters.kafka_policies import KafkaPolicies
from streams.adapters.postgres.merchants import is_known
from streams.delivery.sending import Item
from streams.kafka_clients import client_settings
from streams.operator import Refused
from streams.operator.acting import acting, home
from streams.operator.printing import show
from streams.settings import Settings, load
from streams.topics import AUDIT, POLICIES
from streams.wire import cloudevents, policies
from streams.wire.policies import PolicyRefused

READ_WITHIN_S = 15.0
SAID_WITHIN_S = 15.0
TYPE = "policy.said.v1"


@dataclass(frozen=True, slots=True)
class Said:
    """`policy` None: none of its own any more."""

    merchant: str
    policy: dict[str, Any] | None
    operator: str
    at: datetime


def show_one(merchant: str, as_json: bool) -> None:
    """Raises Unavailable, SettingsRefused; so do all of these."""
    said = asyncio.run(_said(merchant))
    if as_json:
        show([{"merchant": merchant, "policy": said}], as_json)
    else:
        show(
            [{"member": name, "says": orjson.dumps(value).decode()} for name, value in said.items()], as_json
        )


def set_one(merchant: str, file: Path, operator: str, as_json: bool) -> None:
    """Raises Refused for a file that holds no policy."""
    try:
        document = policies.normal(file.read_bytes())
    except PolicyRefused as refused:
        raise Refused(f"{file} is no policy: {refused}") from None
    except OSError as failed:
        raise Refused(f"{file} cannot be read: {failed.strerror}") from None
    _warn_of_a_stranger(merchant)
    asyncio.run(say(load(), merchant, document, operator))
    show_one(merchant, as_json)


def drop(merchant: str, operator: str, as_json: bool) -> None:
    asyncio.run(say(load(), merchant, None, operator))
    if as_json:
        show_one(merchant, as_json)
    else:
        print(f"{merchant} has no policy of its own now")


async def say(settings: Settings, merchant: str, document: bytes | None, operator: str) -> None:
    """The policy that holds from now on (None: none) and who said it, in one transaction. Raises Unavailable, Refused."""
    key = merchant.encode()
    try:
        async with asyncio.timeout(SAID_WITHIN_S), acting(settings) as producer:
            parcels = {
                await home(producer, POLICIES, key): [Item(key, document, ())],
                await home(producer, AUDIT, key): [_told(merchant, document, operator)],
            }
            await producer.commit(parcels)
    except TimeoutError:
        raise Unavailable(
            "Kafka did not answer in time; it may have been said: see `millrace policies show`"
        ) from None


def _told(merchant: str, document: bytes | None, operator: str) -> Item:
    at = datetime.now(UTC)
    headers = cloudevents.attributes(id=str(uuid4()), type=TYPE, source="millrace", at=at, subject=merchant)
    policy = orjson.loads(document) if document is not None else None
    content = {"merchant": merchant, "policy": policy, "operator": operator, "at": rfc3339(at)}
    return Item(merchant.encode(), orjson.dumps(content), headers)


def read(record: Any) -> Said | None:
    """What a record of the audit tells; None where it tells of no policy."""
    try:
        content = orjson.loads(record.value or b"")
        merchant, policy, operator = content["merchant"], content["policy"], content["operator"]
        said = Said(str(merchant), policy, str(operator), datetime.fromisoformat(content["at"]))
    except (ValueError, TypeError, KeyError):
        return None
    return said if said.at.tzinfo is not None and record.key == said.merchant.encode() else None


def _warn_of_a_stranger(merchant: str) -> None:
    """A policy may be said while PostgreSQL is away, or for a merchant that pays by Kafka alone; a mistyped id binds nobody."""
    try:
        known = is_known(load().postgres_dsn, merchant)
    except Unavailable:
        return
    if not known:
        print(f"note: no merchant {merchant} is known here; the policy is kept all the same", file=sys.stderr)


async def _said(merchant: str) -> dict[str, object]:
    settings = load()
    known = KafkaPolicies(client_settings(settings), READ_WITHIN_S)
    try:
        await known.start()
    finally:
        await known.stop()
    document = known.document(merchant)
    return dict(orjson.loads(document)) if document else {}
