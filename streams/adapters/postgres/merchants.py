"""What an operator does with merchants, and the ones with whom a person tries Millrace out. Their keys are `issuing.py`'s.

Not asynchronous: these run in a command line, or once when a stack starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from models import scopes
from streams.adapters.postgres import audit
from streams.adapters.postgres.keys import MERCHANT, PREFIX_CHARS
from streams.adapters.postgres.statements import run, transaction
from streams.known import digest_of

CREATE = "INSERT INTO merchants (id, name) VALUES (%s, %s) RETURNING id, name, created_at"
DEMO_ACTOR = "the demonstration"
DEMO_MERCHANT = "INSERT INTO merchants (id, name) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING id"
DEMO_KEY = """
INSERT INTO api_keys (hash, prefix, merchant, scopes, livemode) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (hash) DO UPDATE SET scopes = excluded.scopes WHERE api_keys.scopes <> excluded.scopes RETURNING merchant
"""


class NotFound(Exception):
    """There is no such merchant, key or scope."""


@dataclass(frozen=True, slots=True)
class Merchant:
    id: str
    name: str
    created_at: datetime


def create_merchant(dsn: str, name: str, *, actor: str) -> Merchant:
    with transaction(dsn) as cursor:
        cursor.execute(CREATE, (f"mer_{uuid4().hex}", name))
        made = Merchant(*cursor.fetchone())
        audit.note(cursor, actor, "merchant.created", made.id, name=name)
        return made


def merchants(dsn: str) -> list[Merchant]:
    return [
        Merchant(*row)
        for row in run(dsn, "SELECT id, name, created_at FROM merchants ORDER BY created_at, id")
    ]


def is_known(dsn: str, merchant: str) -> bool:
    return bool(run(dsn, MERCHANT, merchant))


def no_such_merchant(merchant: str) -> NotFound:
    return NotFound(f"there is no merchant {merchant}")


def ensure_demo_merchants(dsn: str, keys: Mapping[str, str], operator_key: str | None = None) -> None:
    """Make merchants under given ids, each with a given API key that may do everything, and a given key of the operator's; again
    and again without harm. Raises Unavailable.
    """
    with transaction(dsn) as cursor:
        for number, (merchant, api_key) in enumerate(sorted(keys.items()), 1):
            name = f"Demo shop {number}"
            cursor.execute(DEMO_MERCHANT, (merchant, name))
            if cursor.fetchone():
                audit.note(cursor, DEMO_ACTOR, "merchant.created", merchant, name=name)
            _ensure_key(cursor, api_key, merchant, list(scopes.SCOPES), False)
        if operator_key:
            _ensure_key(cursor, operator_key, None, [scopes.OPERATOR], None)


def _ensure_key(
    cursor: Any, api_key: str, merchant: str | None, may: list[str], livemode: bool | None
) -> None:
    prefix = api_key[:PREFIX_CHARS]
    cursor.execute(DEMO_KEY, (digest_of(api_key), prefix, merchant, may, livemode))
    if cursor.fetchone():
        audit.note(cursor, DEMO_ACTOR, "key.created", prefix, merchant=merchant, scopes=may)
