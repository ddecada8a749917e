"""What an operator does with merchants and API keys. Checking a key on a request is `keys.py`.

Not asynchronous: these run in a command line, or once when a stack starts.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg2
from psycopg2.extensions import parse_dsn

from models.errors import Unavailable
from streams.adapters.postgres.connecting import CONNECT_WITHIN_S
from streams.adapters.postgres.keys import hash_of

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
    row = _only(
        dsn, "INSERT INTO merchants (id, name) VALUES (%s, %s) RETURNING *", f"mer_{uuid4().hex}", name
    )
    return Merchant(*row)


def merchants(dsn: str) -> list[Merchant]:
    return [
        Merchant(*row)
        for row in _run(dsn, "SELECT id, name, created_at FROM merchants ORDER BY created_at, id")
    ]


def create_key(
    dsn: str, merchant: str, livemode: bool = False, scopes: Sequence[str] = SCOPES
) -> tuple[str, Key]:
    """The key, which is never to be seen again, and how it is kept. Raises NotFound for a merchant or a scope."""
    if unknown := set(scopes) - set(SCOPES):
        raise NotFound(f"there is no scope {', '.join(sorted(unknown))}; there are {', '.join(SCOPES)}")
    api_key = f"mr_{'live' if livemode else 'test'}_{secrets.token_hex(KEY_RANDOM_BYTES)}"
    try:
        row = _only(
            dsn, INSERT_KEY, hash_of(api_key), api_key[:PREFIX_CHARS], merchant, list(scopes), livemode
        )
    except psycopg2.errors.ForeignKeyViolation:
        raise _no_such(merchant) from None
    return api_key, _key(row)


def keys(dsn: str, merchant: str | None = None) -> list[Key]:
    """All of them, or one merchant's; revoked ones too. Raises NotFound."""
    if merchant is not None and not _run(dsn, "SELECT 1 FROM merchants WHERE id = %s", merchant):
        raise _no_such(merchant)
    sql = f"SELECT {KEY} FROM api_keys WHERE %s IS NULL OR merchant = %s ORDER BY merchant, created_at"  # noqa: S608
    return [_key(row) for row in _run(dsn, sql, merchant, merchant)]


def revoke_key(dsn: str, prefix: str) -> Key:
    """No process takes it any more within five seconds. Revoking again changes nothing. Raises NotFound."""
    rows = _run(dsn, REVOKE, prefix[:PREFIX_CHARS])
    if not rows:
        raise NotFound(f"there is no key {prefix[:PREFIX_CHARS]}")
    return _key(rows[0])


def ensure_demo_merchants(dsn: str, keys: Mapping[str, str]) -> None:
    """Make merchants under given ids, each with a given API key; again and again without harm. Raises Unavailable."""
    with _transaction(dsn) as cursor:
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


def _only(dsn: str, sql: str, *parameters: object) -> tuple[Any, ...]:
    (row,) = _run(dsn, sql, *parameters)
    return row


def _run(dsn: str, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    with _transaction(dsn) as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


@contextmanager
def _transaction(dsn: str) -> Iterator[Any]:
    """Raises Unavailable, and IntegrityError as it is."""
    try:
        connection = psycopg2.connect(dsn, connect_timeout=int(CONNECT_WITHIN_S))
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()
    except psycopg2.IntegrityError:
        raise
    except psycopg2.Error as failed:
        raise Unavailable(_sentence(dsn, failed)) from failed


def _sentence(dsn: str, failed: psycopg2.Error) -> str:
    """The server's own words where it spoke, without libpq's around them; never the password."""
    try:
        given = parse_dsn(dsn)
    except psycopg2.ProgrammingError:
        return "PostgreSQL's address cannot be read: a URL is needed, postgresql://…"
    where = (
        f"PostgreSQL at {given.get('host', 'localhost')}:{given.get('port', 5432)}/{given.get('dbname', '')}"
    )
    said = failed.diag.message_primary or str(failed).partition("FATAL:")[2].strip()
    return f"{where} refuses: {said.splitlines()[0]}" if said else f"{where} cannot be reached"
