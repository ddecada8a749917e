"""What ApiKeys promises, the fake and PostgreSQL alike; and how an operator makes, lists and revokes keys."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable

import pytest
from psycopg2.extensions import make_dsn

from models.errors import Unavailable
from models.ports import ApiKeys, Principal
from streams.adapters.postgres import Postgres, PostgresApiKeys, merchants
from tests.fakes import FakeApiKeys
from tests.streams.adapters.servers import run_sql

pytestmark = pytest.mark.real

Issue = Callable[[], tuple[str, Principal]]


@pytest.fixture(params=["fake", "postgres"])
async def issued(
    request: pytest.FixtureRequest, database: str
) -> AsyncIterator[tuple[ApiKeys, str, Principal]]:
    """The port, a key, and who holds it."""
    if request.param == "fake":
        holder = Principal("mer_x", "mr_test_12345678", frozenset(merchants.SCOPES), False)
        yield FakeApiKeys({"mr_test_x": holder}), "mr_test_x", holder
        return
    merchant = merchants.create_merchant(database, "Ann's Apples")
    api_key, key = merchants.create_key(database, merchant.id)
    connections = Postgres(database)
    yield (
        PostgresApiKeys(connections),
        api_key,
        Principal(merchant.id, key.prefix, frozenset(key.scopes), False),
    )
    await connections.close()


async def test_a_key_tells_its_holder(issued: tuple[ApiKeys, str, Principal]) -> None:
    keys, api_key, holder = issued
    assert await keys.holder(api_key) == holder


@pytest.mark.parametrize("wrong", ["", "x", "\0", "\udcff", "é" * 1000, "' OR true --"])
async def test_any_other_text_is_nobodys_key(wrong: str, issued: tuple[ApiKeys, str, Principal]) -> None:
    keys, api_key, holder = issued
    assert await keys.holder(wrong) is None
    assert await keys.holder(api_key[:-1]) is None
    assert await keys.holder(holder.key_prefix) is None


async def test_keys_cannot_be_judged_without_postgresql() -> None:
    keys = PostgresApiKeys(Postgres("postgresql://127.0.0.1:1/x"))
    with pytest.raises(Unavailable):
        await keys.holder("mr_test_x")


async def test_a_revoked_key_is_nobodys(database: str, connections: Postgres) -> None:
    keys = PostgresApiKeys(connections)
    merchant = merchants.create_merchant(database, "Ann's Apples")
    revoked, key = merchants.create_key(database, merchant.id)
    kept, _ = merchants.create_key(database, merchant.id)
    first = merchants.revoke_key(database, key.prefix)
    assert merchants.revoke_key(database, key.prefix) == first
    assert await keys.holder(revoked) is None
    assert await keys.holder(kept)
    assert [bool(each.revoked_at) for each in merchants.keys(database, merchant.id)] == [True, False]


def test_a_key_has_256_random_bits_and_is_kept_as_a_hash_only(database: str) -> None:
    merchant = merchants.create_merchant(database, "Ann's Apples")
    api_key, key = merchants.create_key(database, merchant.id, livemode=True, scopes=["payments:read"])
    kind, _, secret = api_key.rpartition("_")
    assert (kind, len(bytes.fromhex(secret)) * 8) == ("mr_live", 256)
    (row,) = run_sql(database, "SELECT hash, api_keys::text FROM api_keys")
    assert bytes(row[0]) == hashlib.sha256(api_key.encode()).digest()  # type: ignore[call-overload]
    assert api_key[len(key.prefix) :] not in str(row[1])
    assert (key.livemode, key.scopes) == (True, ("payments:read",))


def test_keys_of_unknown_merchants_are_neither_listed_nor_made_and_unknown_keys_not_revoked(
    database: str,
) -> None:
    with pytest.raises(merchants.NotFound):
        merchants.keys(database, "mer_nobody")
    with pytest.raises(merchants.NotFound):
        merchants.create_key(database, "mer_nobody")
    with pytest.raises(merchants.NotFound):
        merchants.create_key(database, merchants.create_merchant(database, "x").id, scopes=["payments:wriet"])
    with pytest.raises(merchants.NotFound):
        merchants.revoke_key(database, "mr_test_00000000")


def test_postgresql_that_refuses_is_quoted_in_a_sentence(database: str) -> None:
    with pytest.raises(
        Unavailable, match=r"^PostgreSQL at \S+/nosuch refuses: database \"nosuch\" does not exist$"
    ):
        merchants.merchants(make_dsn(database, dbname="nosuch"))
    with pytest.raises(Unavailable, match="cannot be read") as failed:
        merchants.merchants("garbage sesame")
    assert "sesame" not in str(failed.value)


def test_merchants_and_keys_are_listed(database: str) -> None:
    made = [merchants.create_merchant(database, name) for name in ("first", "second")]
    issued = [merchants.create_key(database, merchant.id)[1] for merchant in made]
    assert merchants.merchants(database) == made
    assert sorted(merchants.keys(database), key=str) == sorted(issued, key=str)
    assert merchants.keys(database, made[0].id) == issued[:1]


async def test_demo_merchants_are_made_once(database: str, connections: Postgres) -> None:
    demo = {"mer_demo_first": "mr_test_one_aaaaaaaa", "mer_demo_second": "mr_test_two_bbbbbbbb"}
    for _ in range(2):
        merchants.ensure_demo_merchants(database, demo)
    assert len(merchants.merchants(database)) == len(merchants.keys(database)) == 2
    for merchant, api_key in demo.items():
        holder = await PostgresApiKeys(connections).holder(api_key)
        assert holder and holder.merchant == merchant


def test_the_command_line_makes_lists_and_revokes(database: str) -> None:
    made = json.loads(millrace(database, "merchants", "create", "--json", "Ann's Apples"))[0]
    key = json.loads(millrace(database, "keys", "create", "--json", made["id"], "--scope", "payments:read"))[
        0
    ]
    assert key["api_key"].startswith(key["prefix"])
    assert key["scopes"] == "payments:read"
    assert "Ann's Apples" in millrace(database, "merchants", "list")
    assert key["api_key"] not in millrace(database, "keys", "list", made["id"])
    assert json.loads(millrace(database, "keys", "revoke", "--json", key["prefix"]))[0]["revoked_at"]
    assert "there is no key" in millrace(database, "keys", "revoke", "mr_test_00000000", fails=True)


def millrace(dsn: str, *arguments: str, fails: bool = False) -> str:
    """What it says."""
    environment = {**os.environ, "MILLRACE_POSTGRES_DSN": dsn}
    command = [sys.executable, "-m", "millrace", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert bool(done.returncode) == fails, done.stderr
    return done.stderr if fails else done.stdout
