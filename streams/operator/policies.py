"""`millrace policies`: what a merchant's payments must keep to, shown, said anew or taken back. What it means is the rules'."""

import asyncio
import sys
from pathlib import Path

import orjson

from models.errors import Unavailable
from streams.adapters import kafka_policies
from streams.adapters.kafka_policies import KafkaPolicies
from streams.adapters.postgres.merchants import merchants
from streams.kafka_clients import client_settings, reaching
from streams.operator import Refused
from streams.operator.printing import show
from streams.settings import load
from streams.wire import policies
from streams.wire.policies import PolicyRefused

READ_WITHIN_S = 15.0


def show_one(merchant: str, as_json: bool) -> None:
    """Raises Unavailable, SettingsRefused; so do all of these."""
    said = asyncio.run(_said(merchant))
    if as_json:
        show([{"merchant": merchant, "policy": said}], as_json)
    else:
        show(
            [{"member": name, "says": orjson.dumps(value).decode()} for name, value in said.items()], as_json
        )


def set_one(merchant: str, file: Path, as_json: bool) -> None:
    """Raises Refused for a file that holds no policy."""
    try:
        document = policies.normal(file.read_bytes())
    except PolicyRefused as refused:
        raise Refused(f"{file} is no policy: {refused}") from None
    except OSError as failed:
        raise Refused(f"{file} cannot be read: {failed.strerror}") from None
    _warn_of_a_stranger(merchant)
    asyncio.run(_say(merchant, document))
    show_one(merchant, as_json)


def drop(merchant: str, as_json: bool) -> None:
    asyncio.run(_say(merchant, None))
    if as_json:
        show_one(merchant, as_json)
    else:
        print(f"{merchant} has no policy of its own now")


def _warn_of_a_stranger(merchant: str) -> None:
    """A policy may be said while PostgreSQL is away, or for a merchant that pays by Kafka alone; a mistyped id binds nobody."""
    try:
        known = {each.id for each in merchants(load().postgres_dsn)}
    except Unavailable:
        return
    if merchant not in known:
        print(f"note: no merchant {merchant} is known here; the policy is kept all the same", file=sys.stderr)


async def _say(merchant: str, document: bytes | None) -> None:
    settings = load()
    with reaching(settings):
        await kafka_policies.say(client_settings(settings), settings.partitions, merchant, document)


async def _said(merchant: str) -> dict[str, object]:
    settings = load()
    known = KafkaPolicies(client_settings(settings), READ_WITHIN_S)
    try:
        await known.start()
    finally:
        await known.stop()
    document = known.document(merchant)
    return dict(orjson.loads(document)) if document else {}
