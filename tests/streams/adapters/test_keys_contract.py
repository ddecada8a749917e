"""What ApiKeys promises, the fake and PostgreSQL alike; and how an operator makes, lists, rotates and revokes keys."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import make_dsn

from models.callers import ApiKeys, Operator, Principal
from models.errors import Unavailable
from streams.adapters.postgres import Postgres, PostgresApiKeys, audit, issuing, merchants
from streams.adapters.postgres.issuing import Key, NotPossible
from streams.adapters.postgres.keys import REVOKED, PostgresMerchants
from streams.known import digest_of
from streams.operator.commands import login
from tests.fakes import FakeApiKeys
from tests.streams.adapters.servers import run_sql

pytestmark = pytest.mark.real

Issue = Callable[[], tuple[str, Principal]]


def issue(dsn: str, **more: Any) -> tuple[str, Key]:
    """A key of a merchant of its own."""
    merchant = merchants.create_merchant(dsn, "Ann's Apples", actor="ada")
    return issuing.create_key(dsn, merchant.id, actor="ada", **more)


@pytest.fixture(params=["fake", "postgres"])
async def issued(
    request: pytest.FixtureRequest, database: str
) -> AsyncIterator[tuple[ApiKeys, str, Principal]]:
    """The port, a key, and who holds it."""
    if request.param == "fake":
        holder = Principal("mer_x", "mr_test_12345678", frozenset(issuing.SCOPES), False)
        yield FakeApiKeys({"mr_test_x": holder}), "mr_test_x", holder
        return
    api_key, key = issue(database)
    connections = Postgres(database)
    assert key.merchant
    yield (
        PostgresApiKeys(connections),
        api_key,
        Principal(key.merchant, key.prefix, frozenset(key.scopes), False),
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


async def test_neither_keys_nor_merchants_can_be_judged_without_postgresql() -> None:
    nowhere = Postgres("postgresql://127.0.0.1:1/x")
    with pytest.raises(Unavailable):
        await PostgresApiKeys(nowhere).holder("mr_test_x")
    with pytest.raises(Unavailable):
        await PostgresApiKeys(nowhere).ends_of_changed()
    with pytest.raises(Unavailable):
        await PostgresMerchants(nowhere).known("mer_x")


async def test_a_merchant_is_known_by_its_id_alone(database: str, connections: Postgres) -> None:
    made = merchants.create_merchant(database, "Ann's Apples", actor="ada")
    known = PostgresMerchants(connections).known
    assert await known(made.id) == made.id
    assert await known("Ann's Apples") is await known(made.id[:-1]) is await known("") is None


async def test_a_revoked_key_is_nobodys(database: str, connections: Postgres) -> None:
    keys = PostgresApiKeys(connections)
    revoked, key = issue(database)
    kept, _ = issuing.create_key(database, key.merchant, actor="ada")
    first = issuing.revoke_key(database, key.prefix, actor="ada")
    assert issuing.revoke_key(database, key.prefix, actor="eve") == first
    assert await keys.holder(revoked) is None
    assert await keys.holder(kept)
    assert [bool(each.revoked_at) for each in issuing.keys(database, key.merchant)] == [True, False]
    assert await keys.ends_of_changed() == {digest_of(revoked): REVOKED}


async def test_a_rotated_key_goes_on_beside_its_successor_until_it_expires(
    database: str, connections: Postgres
) -> None:
    keys = PostgresApiKeys(connections)
    old, key = issue(database, scopes=["payments:read"], name="the shop's")
    new, successor = issuing.rotate_key(database, key.prefix, timedelta(hours=1), actor="ada")
    same = replace(successor, prefix=key.prefix, created_at=key.created_at)
    assert same == key and successor.prefix != key.prefix
    holder = await keys.holder(old)
    assert isinstance(holder, Principal) and holder.expires_at is not None
    assert timedelta(minutes=59) < holder.expires_at - datetime.now(UTC) < timedelta(minutes=61)
    assert await keys.holder(new)
    assert await keys.ends_of_changed() == {digest_of(old): holder.expires_at}


async def test_a_key_that_is_rotated_again_ends_no_later_and_without_overlap_at_once(
    database: str, connections: Postgres
) -> None:
    keys = PostgresApiKeys(connections)
    old, key = issue(database)
    issuing.rotate_key(database, key.prefix, timedelta(hours=1), actor="ada")
    before = issuing.keys(database, key.merchant)[0].expires_at
    issuing.rotate_key(database, key.prefix, timedelta(days=9), actor="ada")
    assert issuing.keys(database, key.merchant)[0].expires_at == before
    issuing.rotate_key(database, key.prefix, timedelta(0), actor="ada")
    assert await keys.holder(old) is None


@pytest.mark.parametrize("ended", ["revoked", "expired"])
def test_a_key_that_opens_nothing_cannot_be_rotated(database: str, ended: str) -> None:
    _, key = issue(database)
    if ended == "revoked":
        issuing.revoke_key(database, key.prefix, actor="ada")
    else:
        issuing.rotate_key(database, key.prefix, timedelta(0), actor="ada")
    before = issuing.keys(database)
    with pytest.raises(NotPossible):
        issuing.rotate_key(database, key.prefix, timedelta(hours=1), actor="ada")
    assert issuing.keys(database) == before


async def test_the_operators_own_key_belongs_to_no_merchant(database: str, connections: Postgres) -> None:
    api_key, key = issuing.create_key(database, None, livemode=True, actor="ada")
    assert (key.merchant, key.livemode, key.scopes) == (None, None, ("operator",))
    assert api_key.startswith("mr_oper_")
    assert await PostgresApiKeys(connections).holder(api_key) == Operator(key.prefix)
    successor, _ = issuing.rotate_key(database, key.prefix, timedelta(0), actor="ada")
    assert isinstance(await PostgresApiKeys(connections).holder(successor), Operator)


@pytest.mark.parametrize(
    ("merchant", "scopes", "livemode"),
    [
        (True, "{operator}", False),
        (True, "{payments:read,operator}", False),
        (True, "{payments:read}", None),
        (False, "{operator}", True),
        (False, "{payments:read}", None),
        (False, "{payments:read,operator}", None),
        (False, "{}", None),
    ],
)
def test_no_key_can_be_both_a_merchants_and_the_operators(
    database: str, merchant: bool, scopes: str, livemode: bool | None
) -> None:
    """Whoever writes it, with whatever program."""
    made = merchants.create_merchant(database, "x", actor="ada").id if merchant else None
    with pytest.raises(psycopg2.errors.CheckViolation):
        run_sql(
            database,
            "INSERT INTO api_keys (hash, prefix, merchant, scopes, livemode) VALUES (sha256('x'), 'x', %s, %s, %s)",
            made,
            scopes,
            livemode,
        )


def test_two_keys_that_would_begin_alike_do_not(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = iter(["ab" * 32, "ab" * 31 + "ff", "cd" * 32])
    monkeypatch.setattr("secrets.token_hex", lambda _: next(secrets))
    _, first = issue(database)
    _, second = issuing.create_key(database, first.merchant, actor="ada")
    assert first.prefix != second.prefix
    assert len(issuing.keys(database)) == 2


def test_a_key_has_256_random_bits_and_is_kept_as_a_hash_only(database: str) -> None:
    api_key, key = issue(database, livemode=True, scopes=["payments:read"])
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
        issuing.keys(database, "mer_nobody")
    with pytest.raises(merchants.NotFound):
        issuing.create_key(database, "mer_nobody", actor="ada")
    for scope in ("payments:wriet", "operator"):
        with pytest.raises(merchants.NotFound):
            issue(database, scopes=[scope])
    with pytest.raises(merchants.NotFound):
        issuing.revoke_key(database, "mr_test_00000000", actor="ada")
    with pytest.raises(merchants.NotFound):
        issuing.rotate_key(database, "mr_test_00000000", timedelta(0), actor="ada")


def test_postgresql_that_refuses_is_quoted_in_a_sentence(database: str) -> None:
    with pytest.raises(
        Unavailable, match=r"^PostgreSQL at \S+/nosuch refuses: database \"nosuch\" does not exist$"
    ):
        merchants.merchants(make_dsn(database, dbname="nosuch"))
    with pytest.raises(Unavailable, match="cannot be read") as failed:
        merchants.merchants("garbage sesame")
    assert "sesame" not in str(failed.value)


def test_merchants_and_keys_are_listed(database: str) -> None:
    made = [merchants.create_merchant(database, name, actor="ada") for name in ("first", "second")]
    issued = [issuing.create_key(database, merchant.id, actor="ada")[1] for merchant in made]
    assert merchants.merchants(database) == made
    assert sorted(issuing.keys(database), key=str) == sorted(issued, key=str)
    assert issuing.keys(database, made[0].id) == issued[:1]


async def test_demo_merchants_are_made_once(database: str, connections: Postgres) -> None:
    demo = {"mer_demo_first": "mr_test_one_aaaaaaaa", "mer_demo_second": "mr_test_two_bbbbbbbb"}
    operator_key = "mr_oper_three_cccccccc"
    for _ in range(2):
        merchants.ensure_demo_merchants(database, demo, operator_key)
    assert (len(merchants.merchants(database)), len(issuing.keys(database))) == (2, 3)
    assert isinstance(await PostgresApiKeys(connections).holder(operator_key), Operator)
    for merchant, api_key in demo.items():
        holder = await PostgresApiKeys(connections).holder(api_key)
        assert isinstance(holder, Principal) and holder.merchant == merchant
        assert holder.scopes == frozenset(issuing.SCOPES)


def test_the_command_line_makes_lists_rotates_and_revokes_in_the_name_of_who_is_logged_in(
    database: str,
) -> None:
    made = json.loads(millrace(database, "merchants", "create", "--json", "Ann's Apples"))[0]
    create = ("keys", "create", "--json", made["id"], "--scope", "payments:read", "--name", "the shop's")
    (key,) = json.loads(millrace(database, *create))
    assert key["api_key"].startswith(key["prefix"])
    assert (key["scopes"], key["name"]) == ("payments:read", "the shop's")
    assert "Ann's Apples" in millrace(database, "merchants", "list")
    assert key["api_key"] not in millrace(database, "keys", "list", made["id"])
    rotate = ("keys", "rotate", "--json", key["prefix"], "--overlap", "2d", "--operator", "ada")
    (successor,) = json.loads(millrace(database, *rotate))
    assert successor["api_key"].startswith(successor["prefix"]) and successor["prefix"] != key["prefix"]
    assert json.loads(millrace(database, "keys", "revoke", "--json", key["prefix"]))[0]["revoked_at"]
    assert "make a new key" in millrace(database, "keys", "rotate", key["prefix"], fails=True)
    (own,) = json.loads(millrace(database, "keys", "create", "--json", "operator"))
    assert own["api_key"].startswith("mr_oper_")
    assert "neither a mode" in millrace(database, "keys", "create", "operator", "--live", fails=True)
    acts = audit.acts(database, made["id"], None, None, 9)
    assert [(act.action, act.actor) for act in acts] == [
        ("merchant.created", login()),
        ("key.created", login()),
        ("key.rotated", "ada"),
        ("key.revoked", login()),
    ]
    assert "there is no key" in millrace(database, "keys", "revoke", "mr_test_00000000", fails=True)


def millrace(dsn: str, *arguments: str, fails: bool = False) -> str:
    """What it says."""
    environment = {**os.environ, "MILLRACE_POSTGRES_DSN": dsn}
    command = [sys.executable, "-m", "millrace", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert bool(done.returncode) == fails, done.stderr
    return done.stderr if fails else done.stdout
