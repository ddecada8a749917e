"""What an operator does with merchants and API keys. Checking a key on a request is `keys.py`.

Not asynchronous: these run in a command line, or once when a stack starts.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg2

from streams.adapters.postgres.keys import hash_of
from streams.adapters.postgres.statements import only, run, transaction

KEY_RANDOM_BYTES = 32  # 256 bits
PREFIX_CHARS = 16  # `mr_test_` and eight more: tells keys apart, and leaves 224 unknown bits
SCOPES = ("payments:read", "payments:write", "refunds:write")
"""What a key may do unless less is asked for. The door says what each of them opens."""


class NotFound(Exception):
    """There is no such merchant, key or scope."""


@dataclass(frozen=True, slots=True)
class Merchant:
    id: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as it is kept: the key itself is not."""

    prefix: str
    merchant: str
    scopes: tuple[str, ...]
    livemode: bool
    created_at: datetime
    revoked_at: datetime | None


def create_merchant(dsn: str, name: str) -> Merchant:
    row = only(
        dsn, "INSERT INTO merchants (id, name) VALUES (%s, %s) RETURNING *", f"mer_{uuid4().hex}", name
    )
    return Merchant(*row)


def merchants(dsn: str) -> list[Merchant]:
    return [
        Merchant(*row)
        for row in run(dsn, "SELECT id, name, created_at FROM merchants ORDER BY created_at, id")
    ]


def create_key(
    dsn: str, merchant: str, livemode: bool = False, scopes: Sequence[str] = SCOPES
) -> tuple[str, Key]:
    """The key, which is never to be seen again, and how it is kept. Raises NotFound for a merchant or a scope."""
    if unknown := set(scopes) - set(SCOPES):
        raise NotFound(f"there is no scope {', '.join(sorted(unknown))}; there are {', '.join(SCOPES)}")
    api_key = f"mr_{'live' if livemode else 'test'}_{secrets.token_hex(KEY_RANDOM_BYTES)}"
    try:
        row = only(
            dsn, INSERT_KEY, hash_of(api_key), api_key[:PREFIX_CHARS], merchant, list(scopes), livemode
        )
    except psycopg2.errors.ForeignKeyViolation:
        raise _no_such(merchant) from None
    return api_key, _key(row)


def keys(dsn: str, merchant: str | None = None) -> list[Key]:
    """All of them, or one merchant's; revoked ones too. Raises NotFound."""
    if merchant is not None and not run(dsn, "SELECT 1 FROM merchants WHERE id = %s", merchant):
        raise _no_such(merchant)
    sql = f"SELECT {KEY} FROM api_keys WHERE %s IS NULL OR merchant = %s ORDER BY merchant, created_at"  # noqa: S608
    return [_key(row) for row in run(dsn, sql, merchant, merchant)]


def revoke_key(dsn: str, prefix: str) -> Key:
    """No process takes it any more within five seconds. Revoking again changes nothing. Raises NotFound."""
    rows = run(dsn, REVOKE, prefix[:PREFIX_CHARS])
    if not rows:
        raise NotFound(f"there is no key {prefix[:PREFIX_CHARS]}")
    return _key(rows[0])


def ensure_demo_merchants(dsn: str, keys: Mapping[str, str]) -> None:
    """Make merchants under given ids, each with a given API key; again and again without harm. Raises Unavailable."""
    with transaction(dsn) as cursor:
        for merchant, api_key in sorted(keys.items()):
            cursor.execute(DEMO_MERCHANT, (merchant, merchant))
            cursor.execute(
                DEMO_KEY, (hash_of(api_key), api_key[:PREFIX_CHARS], merchant, list(SCOPES), False)
            )


KEY = "prefix, merchant, scopes, livemode, created_at, revoked_at"
INSERT_KEY = f"INSERT INTO api_keys (hash, {KEY}) VALUES (%s, %s, %s, %s, %s, now(), NULL) RETURNING {KEY}"  # noqa: S608
REVOKE = f"UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE prefix = %s RETURNING {KEY}"  # noqa: S608
DEMO_MERCHANT = "INSERT INTO merchants (id, name) VALUES (%s, %s) ON CONFLICT DO NOTHING"
DEMO_KEY = (
    "INSERT INTO api_keys (hash, prefix, merchant, scopes, livemode) VALUES (%s, %s, %s, %s, %s)"
    " ON CONFLICT DO NOTHING"
)


def _no_such(merchant: str) -> NotFound:
    return NotFound(f"there is no merchant {merchant}")


def _key(row: tuple[Any, ...]) -> Key:
    prefix, merchant, scopes, livemode, created_at, revoked_at = row
    return Key(prefix, merchant, tuple(scopes), livemode, created_at, revoked_at)
