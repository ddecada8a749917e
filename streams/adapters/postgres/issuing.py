"""What an operator does with API keys: make, rotate, revoke, list; each act with its line in the audit. Checking a key on
a request is `keys.py`.

Not asynchronous: these run in a command line, or once when a stack starts.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg2

from models import scopes as known
from streams.adapters.postgres import audit
from streams.adapters.postgres.keys import PREFIX_CHARS
from streams.adapters.postgres.merchants import NotFound, is_known, no_such_merchant
from streams.adapters.postgres.statements import run, transaction
from streams.known import digest_of

KEY_RANDOM_BYTES = 32  # 256 bits
PREFIX_TRIES = 3  # two keys may begin alike: among 10,000 keys, one new one in half a million does
MODES = {None: "oper", False: "test", True: "live"}
SCOPES = tuple(known.SCOPES)
"""What a merchant's key may do unless less is asked for."""


class NotPossible(Exception):
    """The key is not one with which this can be done; the message says why."""


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as it is kept: the key itself is not. `merchant` and `livemode` None: the operator's own."""

    prefix: str
    name: str
    merchant: str | None
    scopes: tuple[str, ...]
    livemode: bool | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


def create_key(
    dsn: str,
    merchant: str | None,
    livemode: bool = False,
    scopes: Sequence[str] = SCOPES,
    *,
    name: str = "",
    actor: str,
) -> tuple[str, Key]:
    """The key, which is never to be seen again, and how it is kept. `merchant` None: one of the operator's own, whatever the mode
    and the scopes. Raises NotFound for a merchant or a scope.
    """
    if unknown := set(scopes) - set(SCOPES):
        raise NotFound(f"there is no scope {', '.join(sorted(unknown))}; there are {', '.join(SCOPES)}")
    wanted = (merchant, list(scopes), livemode) if merchant else (None, [known.OPERATOR], None)
    return _issued(dsn, lambda cursor: _new(cursor, name, *wanted), "key.created", actor)


def rotate_key(dsn: str, prefix: str, overlap: timedelta, *, actor: str) -> tuple[str, Key]:
    """A new key for the same merchant with the same scopes; the old one expires after `overlap`, or when it would have anyway.
    Raises NotFound, and NotPossible for a key that opens nothing any more.
    """
    prefix = prefix[:PREFIX_CHARS]

    def issue(cursor: Any) -> tuple[str, Key, dict[str, object]]:
        old = _held(cursor, prefix)
        cursor.execute(ENDS, (overlap, prefix))
        (ends_at,) = cursor.fetchone()
        api_key, key, _ = _new(cursor, old.name, old.merchant, list(old.scopes), old.livemode)
        return api_key, key, {"replaces": prefix, "which_expires_at": ends_at.isoformat()}

    return _issued(dsn, issue, "key.rotated", actor)


def revoke_key(dsn: str, prefix: str, *, actor: str) -> Key:
    """No process takes it any more within five seconds; docs/keys.md says what is promised while PostgreSQL is away. Revoking
    again changes nothing. Raises NotFound.
    """
    prefix = prefix[:PREFIX_CHARS]
    with transaction(dsn) as cursor:
        cursor.execute(REVOKE, (prefix,))
        if revoked := cursor.fetchone():
            key = _key(revoked)
            audit.note(cursor, actor, "key.revoked", prefix, merchant=key.merchant)
            return key
        return _one(cursor, ONE, prefix)


def keys(dsn: str, merchant: str | None = None) -> list[Key]:
    """All of them, or one merchant's; revoked and expired ones too. Raises NotFound."""
    if merchant is not None and not is_known(dsn, merchant):
        raise no_such_merchant(merchant)
    return [_key(row) for row in run(dsn, LIST, merchant, merchant)]


KEY = "prefix, name, merchant, scopes, livemode, created_at, expires_at, revoked_at"
INSERT = f"INSERT INTO api_keys (hash, prefix, name, merchant, scopes, livemode) VALUES (%s, %s, %s, %s, %s, %s) RETURNING {KEY}"  # noqa: S608
REVOKE = f"UPDATE api_keys SET revoked_at = now(), changed_at = now() WHERE prefix = %s AND revoked_at IS NULL RETURNING {KEY}"  # noqa: S608
ENDS = """
UPDATE api_keys SET expires_at = least(expires_at, now() + %s), changed_at = now() WHERE prefix = %s RETURNING expires_at
"""
ONE = f"SELECT {KEY} FROM api_keys WHERE prefix = %s"  # noqa: S608
LIST = (
    f"SELECT {KEY} FROM api_keys WHERE %s IS NULL OR merchant = %s ORDER BY merchant NULLS LAST, created_at"  # noqa: S608
)


def _issued(dsn: str, issue: Any, action: str, actor: str) -> tuple[str, Key]:
    """What `issue` makes and its line in the audit, in one transaction; again where a prefix was taken."""
    for tries_left in reversed(range(PREFIX_TRIES)):
        try:
            with transaction(dsn) as cursor:
                api_key, key, detail = issue(cursor)
                mode = key.livemode
                named = {"merchant": key.merchant, "name": key.name, "scopes": key.scopes, "livemode": mode}
                audit.note(cursor, actor, action, key.prefix, **named, **detail)
                return api_key, key
        except psycopg2.errors.UniqueViolation:
            if not tries_left:
                raise
    raise AssertionError("unreachable")


def _new(
    cursor: Any, name: str, merchant: str | None, scopes: list[str], livemode: bool | None
) -> tuple[str, Key, dict[str, object]]:
    api_key = f"mr_{MODES[livemode]}_{secrets.token_hex(KEY_RANDOM_BYTES)}"
    kept = (digest_of(api_key), api_key[:PREFIX_CHARS], name, merchant, scopes, livemode)
    try:
        return api_key, _one(cursor, INSERT, *kept), {}
    except psycopg2.errors.ForeignKeyViolation:
        raise no_such_merchant(str(merchant)) from None


def _held(cursor: Any, prefix: str) -> Key:
    """The key, locked against whoever else changes it. Raises NotFound, and NotPossible for one that opens nothing."""
    key = _one(cursor, f"{ONE} FOR UPDATE", prefix)
    cursor.execute("SELECT now() >= %s", (key.expires_at,))
    if key.revoked_at is not None or cursor.fetchone()[0]:
        raise NotPossible(f"{prefix} was revoked or has expired: make a new key instead")
    return key


def _one(cursor: Any, sql: str, *parameters: object) -> Key:
    cursor.execute(sql, parameters)
    row = cursor.fetchone()
    if row is None:
        raise NotFound(f"there is no key {parameters[0]}")
    return _key(row)


def _key(row: tuple[Any, ...]) -> Key:
    prefix, name, merchant, scopes, *rest = row
    return Key(prefix, name, merchant, tuple(scopes), *rest)
